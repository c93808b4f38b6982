"""The books balance to the cent, computed from the files alone (and the hidden opening balances of the truth)."""

from decimal import Decimal

from dropped_bank import DroppedBank

NO_DIFFERENCE = Decimal("0.00")


def test_balances_run_over_all_channels(small_bank: DroppedBank) -> None:
    """Guards balance_after: opening balance plus all postings so far in booking order, whatever the channel."""
    rows, wrong = small_bank.rows(
        """
        with running as (
            select
                balance_after,
                opening_balance_amount + sum(signed_amount) over (
                    partition by account_id order by booked_at rows unbounded preceding
                ) as expected
            from transactions inner join truth_opening_balances using (account_id)
        )
        select count(*), count(*) filter (balance_after <> expected) from running
        """
    )[0]
    assert wrong == 0
    assert rows == small_bank.value("select count(*) from transactions")


def test_booking_order_is_not_ambiguous(small_bank: DroppedBank) -> None:
    """Guards the order itself: no two postings of an account share a moment."""
    assert (
        small_bank.rows("select account_id from transactions group by account_id, booked_at having count(*) > 1") == []
    )


def test_the_ledger_agrees_with_the_postings(small_bank: DroppedBank) -> None:
    """Guards gl_balances 2010 and 1320: turnovers per day and closing balances equal those of the postings."""
    differences = small_bank.rows(
        """
        with products as (select account_id, any_value(product_code) as product_code from accounts group by 1),
        dated as (
            select transaction_date, if(product_code = 'credit_card_account', '1320', '2010') as code,
                sum(amount) filter (direction = 'debit') as debits, sum(amount) filter (direction = 'credit') as credits
            from transactions inner join products using (account_id) group by all
        ),
        openings as (
            select if(product_code = 'credit_card_account', '1320', '2010') as code,
                sum(opening_balance_amount) as opening
            from truth_opening_balances inner join products using (account_id) group by all
        ),
        compared as (
            select gl_account_code, balance_amount,
                debit_turnover_amount - coalesce(debits, 0) as debit_difference,
                credit_turnover_amount - coalesce(credits, 0) as credit_difference,
                opening + sum(coalesce(credits, 0) - coalesce(debits, 0)) over (
                    partition by gl_account_code order by balance_date
                ) as credit_balance
            from gl_balances
            inner join openings on openings.code = gl_account_code
            left join dated on dated.code = gl_account_code and transaction_date = balance_date
        )
        select gl_account_code, count(*), max(abs(debit_difference)), max(abs(credit_difference)),
            max(abs(balance_amount - if(gl_account_code = '1320', -credit_balance, credit_balance)))
        from compared group by all order by all
        """
    )
    assert differences == [
        ("1320", 90, NO_DIFFERENCE, NO_DIFFERENCE, NO_DIFFERENCE),
        ("2010", 90, NO_DIFFERENCE, NO_DIFFERENCE, NO_DIFFERENCE),
    ]


def test_the_ledger_agrees_with_the_loans(larger_bank: DroppedBank) -> None:
    """Guards gl_balances 1310: grants are its debits, principal repaid or written off its credits."""
    differences = larger_bank.rows(
        """
        with grants as (
            select granted_date as day, sum(principal_amount) as debits from
            (select distinct loan_id, granted_date, principal_amount from loans)
            where granted_date >= '2025-01-01' group by 1
        ),
        repaid as (
            select event_date as day, sum(principal_amount) as credits
            from loan_repayments where event_type <> 'instalment_due' group by 1
        )
        select
            max(abs(debit_turnover_amount - coalesce(debits, 0))),
            max(abs(credit_turnover_amount - coalesce(credits, 0))),
            max(abs(growth - debit_turnover_amount + credit_turnover_amount)), sum(debit_turnover_amount) > 0
        from (
            select *, balance_amount - lag(balance_amount) over (order by balance_date) as growth
            from gl_balances where gl_account_code = '1310'
        )
        left join grants on grants.day = balance_date left join repaid on repaid.day = balance_date
        """
    )
    assert differences == [(NO_DIFFERENCE, NO_DIFFERENCE, NO_DIFFERENCE, True)]


def test_outstanding_principal_runs_per_loan(larger_bank: DroppedBank) -> None:
    """Guards balance_after of loan events: each payment lowers it by its principal, nothing else changes it."""
    wrong = larger_bank.value(
        """
        with ordered as (
            select *, lag(balance_after) over (partition by loan_id order by event_date, repayment_id) as before
            from loan_repayments
        )
        select count(*) from ordered
        where before is not null
            and balance_after <> before - if(event_type = 'instalment_due', 0, principal_amount)
        """
    )
    assert wrong == 0
    assert (
        larger_bank.value("select count(*) from loan_repayments where amount <> principal_amount + interest_amount")
        == 0
    )


def test_every_loan_payment_is_a_posting(larger_bank: DroppedBank) -> None:
    """Guards the two sides of a payment: the loan system's and the account's, equal per day and account."""
    unmatched = larger_bank.rows(
        """
        with owners as (select loan_id, any_value(account_id) as account_id from loans group by 1),
        received as (
            select account_id, event_date as day, sum(amount) as amount
            from loan_repayments inner join owners using (loan_id)
            where event_type in ('payment', 'prepayment') group by all
        ),
        paid as (
            select account_id, transaction_date as day, sum(amount) as amount
            from counter_transactions where purpose_code = 'loan_instalment' group by all
        )
        select * from received full join paid using (account_id, day) where received.amount is distinct from paid.amount
        """
    )
    assert unmatched == []


def test_card_payments_and_savings_arrive(small_bank: DroppedBank) -> None:
    """Guards transfers within the bank: what one account is debited, another is credited at once."""
    debits, credits, cards = small_bank.rows(
        """
        select
            sum(amount) filter (purpose_code = 'savings' and direction = 'debit'),
            sum(amount) filter (purpose_code = 'savings' and direction = 'credit'),
            sum(amount) filter (purpose_code = 'card_payment')
        from transactions
        """
    )[0]
    assert debits == credits
    assert debits > 0
    assert cards == small_bank.value("select sum(amount) from card_transactions where transaction_type = 'payment'")


def test_closed_accounts_are_empty(larger_bank: DroppedBank) -> None:
    """Guards closings: the last balance of a closed account is zero."""
    left = larger_bank.rows(
        """
        select arg_max(balance_after, booked_at) from transactions
        where account_id in (select account_id from accounts where status_code = 'closed') group by account_id
        """
    )
    assert len(left) > 3
    assert {balance for (balance,) in left} == {NO_DIFFERENCE}
