"""Planted departures show in the files as their cause says, end as the truth says, and false alarms recover.

Months are indexes of simulated months: 0 is January 2025, the larger bank has five.
"""

from datetime import date

import numpy as np
import pytest
from dropped_bank import DroppedBank

from pipeline.simulator.attrition import Cause, Departures, End, close_departed, engagement_of
from pipeline.simulator.months import Month
from pipeline.simulator.parties import change_customers, initial_customers

MONTHS = 5


@pytest.fixture(scope="module")
def leavers(larger_bank: DroppedBank) -> DroppedBank:
    """Return the bank with tables of what customers of before 2025 did in each month."""
    larger_bank.database.execute(
        f"""
        create or replace table person_months as
        with months as (
            select customer_id, unnest(range({MONTHS})) as month_index
            from truth_customers where since_date < '2025-01-01' and segment <> 'company'
        ),
        posted as (
            select customer_id, month(transaction_date) - 1 as month_index,
                count(*) filter (transaction_type = 'purchase') as purchases,
                count(*) filter (feed = 'atm_transactions') as machine_uses,
                count(*) filter (purpose_code in ('salary', 'pension') and direction = 'credit') as salaries,
                count(*) filter (transaction_type = 'fee' and feed = 'counter_transactions') as fees,
                coalesce(sum(amount) filter (transaction_type = 'transfer_out' and purpose_code = 'other'), 0) as moved
            from transactions inner join owners using (account_id) group by all
        ),
        contacted as (
            select customer_id, month(interaction_date) - 1 as month_index, count(*) as contacts,
                count(*) filter (purpose_code = 'complaint') as complaints
            from interactions where purpose_code <> 'offer' group by all
        )
        select months.*, columns(posted.* exclude (customer_id, month_index)),
            columns(contacted.* exclude (customer_id, month_index))
        from months left join posted using (customer_id, month_index)
        left join contacted using (customer_id, month_index)
        """
    )
    larger_bank.database.execute(
        """
        create or replace table departure_months as
        select *, month_index - first_month as months_into, month_index >= first_month + notice_months as is_over
        from person_months inner join truth_attrition using (customer_id)
        """
    )
    return larger_bank


def ordinary_mean(bank: DroppedBank, measure: str) -> float:
    """Return the monthly mean of a measure over persons who neither decide to leave nor close what they have."""
    return bank.value(
        f"""
        select avg(coalesce({measure}, 0)) from person_months
        where customer_id not in (select customer_id from truth_attrition)
            and customer_id in (select customer_id from truth_customers where closed_date is null)
        """
    )


def departure_mean(bank: DroppedBank, measure: str, condition: str) -> float:
    """Return the monthly mean of a measure over the months of departures that satisfy a condition."""
    mean, months = bank.rows(f"select avg(coalesce({measure}, 0)), count(*) from departure_months where {condition}")[0]
    assert months > 10
    return mean


def test_a_few_percent_leave_in_a_quarter(leavers: DroppedBank) -> None:
    """Guards the volume: 2 to 4 percent of persons end within the first quarter, and four in ten alarms are false."""
    gone, false_share = leavers.rows(
        """
        select count(*) filter (end_month between 0 and 2)
            / (select count(*) from truth_customers where segment <> 'company' and since_date < '2025-01-01'),
            avg(cast(is_false_alarm as integer))
        from truth_attrition
        """
    )[0]
    assert 0.018 < gone < 0.04
    assert 0.33 < false_share < 0.52


def test_leavers_buy_less_during_the_notice(leavers: DroppedBank) -> None:
    """Guards the decline: 60, 30 and 10 percent of purchases, fewer visits to machines and fewer contacts."""
    ordinary = ordinary_mean(leavers, "purchases")
    for months_into, left in ((0, 0.6), (1, 0.3), (2, 0.1)):
        bought = departure_mean(leavers, "purchases", f"months_into = {months_into} and not is_over")
        assert left - 0.12 < bought / ordinary < left + 0.15
    for measure in ("machine_uses", "contacts"):
        late = departure_mean(leavers, measure, "months_into >= 1 and not is_over and cause <> 'complaint'")
        assert late < 0.6 * ordinary_mean(leavers, measure)


def test_a_moved_salary_does_not_come_any_more(leavers: DroppedBank) -> None:
    """Guards the cause: salary or pension comes before the notice and not during it, nor after the end."""
    assert departure_mean(leavers, "salaries", "cause = 'salary_moved' and months_into < 0") > 0.9
    assert departure_mean(leavers, "salaries", "cause = 'salary_moved' and months_into >= 0 and not is_over") == 0
    assert departure_mean(leavers, "salaries", "is_over and not is_false_alarm") == 0


def test_complaints_come_just_before_the_notice(leavers: DroppedBank) -> None:
    """Guards the sign: at least one complaint of each such leaver in the month before, few of the others."""
    fewest = leavers.value(
        "select min(coalesce(complaints, 0)) from departure_months where cause = 'complaint' and months_into = -1"
    )
    assert fewest >= 1
    assert departure_mean(leavers, "complaints", "cause <> 'complaint' and months_into = -1") < 0.1


def test_dissatisfied_leavers_give_low_scores(leavers: DroppedBank) -> None:
    """Guards what contacts show: scores around the notice are a point below those of all."""
    near, all_scores = leavers.rows(
        """
        with scores as (
            select satisfaction_score as score, month(interaction_date) - 1 as month_index, customer_id
            from interactions where satisfaction_score is not null
        )
        select avg(score) filter (
            cause = 'complaint' and month_index between first_month - 1 and first_month + notice_months - 1
        ), avg(score)
        from scores left join truth_attrition using (customer_id)
        """
    )[0]
    assert near < all_scores - 1


def test_fees_come_before_the_notice(leavers: DroppedBank) -> None:
    """Guards the sign: in each of the two months before, such leavers pay two fees or more, others hardly one."""
    fewest = leavers.value(
        "select min(coalesce(fees, 0)) from departure_months where cause = 'fees' and months_into in (-2, -1)"
    )
    assert fewest >= 2
    assert ordinary_mean(leavers, "fees") < 0.5


def test_money_is_moved_out_for_a_better_rate(leavers: DroppedBank) -> None:
    """Guards the sign: far more goes to other banks during the notice, and savings are nearly gone at its end."""
    condition = "cause = 'better_rate' and months_into >= 0 and not is_over"
    assert departure_mean(leavers, "moved", condition) > 4 * float(ordinary_mean(leavers, "moved"))
    left = leavers.value(
        f"""
        with held as (
            select customer_id, month(transaction_date) - 1 as month_index, product_code,
                arg_max(balance_after, booked_at) as balance
            from transactions inner join owners using (account_id)
            where product_code = 'savings_account' group by all
        ),
        ends as (
            select customer_id, first_month - 1 as month_before, first_month + notice_months - 1 as last_month
            from truth_attrition
            where cause = 'better_rate' and first_month >= 1 and first_month + notice_months <= {MONTHS}
        )
        select median(late.balance / early.balance) from ends
        inner join held as early on early.customer_id = ends.customer_id and early.month_index = month_before
        inner join held as late on late.customer_id = ends.customer_id and late.month_index = last_month
        where early.balance > 0
        """
    )
    assert left < 0.2


def test_silent_leavers_do_nothing_after_the_end(leavers: DroppedBank) -> None:
    """Guards the silence: only the bank's own postings, what is owed, and money sent for instalments, are booked."""
    kinds = leavers.rows(
        """
        select distinct feed, transaction_type, coalesce(purpose_code, 'none'),
            customer_id in (select customer_id from loans where status_code <> 'finished') as borrows
        from transactions inner join owners using (account_id) inner join truth_attrition using (customer_id)
        where "end" = 'silent' and month(transaction_date) - 1 >= end_month
        """
    )
    asked = [kind for kind in kinds if kind[1] not in ("interest", "fee", "penalty_interest")]
    assert len(kinds) > len(asked) > 0
    assert {kind[:3] for kind in asked} <= {
        ("counter_transactions", "transfer_out", "loan_instalment"),
        ("counter_transactions", "transfer_out", "card_payment"),
        ("card_transactions", "payment", "none"),
        ("counter_transactions", "transfer_in", "other"),
    }
    assert {kind[3] for kind in asked if kind[1] == "transfer_in"} <= {True}
    open_accounts = leavers.value(
        """
        select count(*) from truth_attrition inner join truth_customers using (customer_id)
        where "end" = 'silent' and closed_date is not null
        """
    )
    assert open_accounts == 0


def test_closings_happen_in_the_end_month(leavers: DroppedBank) -> None:
    """Guards the other end: all is closed within the end month, by persons without a card or a loan."""
    wrong, closed = leavers.rows(
        f"""
        select count(*) filter (closed_date is null or month(closed_date) - 1 <> end_month), count(*)
        from truth_attrition inner join truth_customers using (customer_id)
        where "end" = 'closed' and end_month < {MONTHS}
        """
    )[0]
    assert wrong == 0
    assert closed > 30
    still_open = leavers.value(
        f"""
        with latest as (
            select customer_id, account_id, arg_max(status_code, change_date) as status from accounts group by all
        )
        select count(*) from latest inner join truth_attrition using (customer_id)
        where "end" = 'closed' and end_month < {MONTHS} and status <> 'closed'
        """
    )
    assert still_open == 0


def test_leaving_borrowers_pay_their_instalments(leavers: DroppedBank) -> None:
    """Guards against arrears without trouble: what fell due for silent borrowers is paid ten days later."""
    unpaid, borrowers = leavers.rows(
        """
        with dues as (
            select customer_id,
                sum(amount) filter (event_type = 'instalment_due' and event_date <= '2025-05-18') as due,
                coalesce(sum(amount) filter (event_type = 'payment'), 0) as paid
            from loan_repayments inner join (select distinct loan_id, customer_id from loans) using (loan_id)
            where customer_id in (select customer_id from truth_attrition where "end" = 'silent' and end_month < 5)
            group by 1
        )
        select count(*) filter (due > paid), count(*) from dues
        """
    )[0]
    assert borrowers >= 3
    assert unpaid == 0


def test_false_alarms_recover(leavers: DroppedBank) -> None:
    """Guards uncertainty: who shows a sign and stays buys and is paid after it as before."""
    ordinary = ordinary_mean(leavers, "purchases")
    during = departure_mean(leavers, "purchases", "is_false_alarm and months_into >= 0 and not is_over")
    after = departure_mean(leavers, "purchases", "is_false_alarm and is_over")
    assert during < 0.65 * ordinary
    assert 0.85 * ordinary < after < 1.3 * ordinary
    assert departure_mean(leavers, "salaries", "cause = 'salary_moved' and is_false_alarm and is_over") > 0.9


def test_who_leaves_is_no_accident(leavers: DroppedBank) -> None:
    """Guards the planted reasons: leavers are less content and shorter with the bank; no company is among them."""
    contentment, years, other_years, companies = leavers.rows(
        """
        with leavers as (select customer_id from truth_attrition where not is_false_alarm),
        persons as (
            select *, date_diff('day', since_date, date '2025-01-01') / 365.25 as years,
                customer_id in (from leavers) as leaves
            from truth_customers where since_date < '2025-01-01'
        )
        select avg(contentment) filter (leaves), avg(years) filter (leaves), avg(years) filter (not leaves),
            count(*) filter (leaves and segment = 'company')
        from persons
        """
    )[0]
    assert contentment < -0.4
    assert years < other_years - 0.5
    assert companies == 0


def test_nobody_in_financial_trouble_leaves(leavers: DroppedBank) -> None:
    """Guards the two plots against each other: no departure is decided within an episode of arrears, nor vice versa."""
    both = leavers.value(
        """
        select count(*) from truth_attrition as leaving
        inner join truth_arrears_episodes as trouble using (customer_id)
        where leaving.first_month between trouble.first_month
                and trouble.first_month + trouble.strain_months + trouble.missed_months
            or trouble.first_month between leaving.first_month and leaving.first_month + leaving.notice_months
            or not leaving.is_false_alarm and trouble.first_month >= leaving.first_month
        """
    )
    assert both == 0


def departures(*rows: tuple[int, Cause, int, int, End]) -> Departures:
    """Return departures from rows of customer, cause, first month, notice months and end."""
    return Departures(*(np.array(column) for column in zip(*rows, strict=True)))


def test_engagement_by_hand() -> None:
    """Guards the calendar of one departure of each kind against a table worked out by hand."""
    planted = departures(
        (0, Cause.SALARY_MOVED, 2, 2, End.STAYS),
        (1, Cause.BETTER_RATE, 1, 3, End.SILENT),
        (2, Cause.FEES, 3, 1, End.CLOSED),
        (3, Cause.NO_SIGN, 1, 0, End.SILENT),
        (4, Cause.COMPLAINT, 2, 1, End.STAYS),
    )
    calendar = [engagement_of(planted, 6, 1, Month(i, date(2025, i + 1, 1))) for i in range(6)]
    np.testing.assert_array_equal(
        [engagement.activity for engagement in calendar],
        [
            [1, 1, 1, 1, 1, 1],
            [1, 0.6, 1, 0, 1, 1],
            [0.6, 0.3, 1, 0, 0.6, 1],
            [0.3, 0.1, 0.6, 0, 1, 1],
            [1, 0, 0, 0, 1, 1],
            [1, 0, 0, 0, 1, 1],
        ],
    )
    moved = [engagement.moved_out_share[1] for engagement in calendar]
    np.testing.assert_allclose(moved, [0, 0.3, 0.45, 0.9, 0, 0])
    assert [bool(engagement.has_income_here[0]) for engagement in calendar] == [True, True, False, False, True, True]
    assert [engagement.extra_fees[2] > 0 for engagement in calendar] == [False, True, True, False, False, False]
    assert [engagement.complaints[4] > 0 for engagement in calendar][:2] == [False, True]
    assert [bool(engagement.is_dissatisfied[4]) for engagement in calendar] == [False, True, True, False, False, False]


def test_who_takes_a_card_meanwhile_falls_silent_instead() -> None:
    """Guards closings against debt: only who still owes nothing in the end month closes, the other end changes."""
    planted = departures(
        (0, Cause.NO_SIGN, 1, 0, End.CLOSED), (1, Cause.FEES, 0, 1, End.CLOSED), (2, Cause.FEES, 1, 1, End.CLOSED)
    )
    closing = close_departed(planted, np.array([True, False, True]), Month(1, date(2025, 2, 1)))
    assert list(closing) == [0]
    assert list(planted.end) == [End.CLOSED, End.SILENT, End.CLOSED]


def test_nobody_moves_and_closes_in_one_month() -> None:
    """Guards the key of the feed: a move and a closing on one day would be two rows of one customer."""
    month = Month(1, date(2025, 2, 1))
    customers = initial_customers(3_000, 6, 1, Month(0, date(2025, 1, 1)))
    leaving = np.arange(2_000)
    happened = change_customers(customers, np.zeros(3_000, dtype=bool), leaving, 1, month)
    assert sorted(happened.closed) == leaving.tolist()
    assert len(happened.moved) > 0
    assert set(happened.moved) & set(happened.closed) == set()
