"""Planted chains of purchases are in the files, step by step, across the ends of months."""

from datetime import date

import numpy as np
from dropped_bank import DroppedBank

from pipeline.simulator.attrition import engagement_of, no_departures
from pipeline.simulator.chains import CHAINS, Steps, begin_chains, no_starts, no_steps, take_due_steps
from pipeline.simulator.months import Month, months_from
from pipeline.simulator.parties import initial_customers
from pipeline.simulator.vocabulary import MERCHANT_CATEGORIES

PURCHASES = """
    select customer_id, merchant_category_code as code, transaction_date as day
    from transactions inner join owners using (account_id) where transaction_type = 'purchase'
"""


def test_steps_follow_after_the_planted_gaps(larger_bank: DroppedBank) -> None:
    """Guards the chains in the feeds: starts are bought, three of four go on, the median gap is the planted one."""
    chains = larger_bank.rows(
        f"""
        with purchases as ({PURCHASES}),
        started as (
            select chain, customer_id, start_date, step, merchant_category_code as code, median_gap_days as planted
            from truth_chain_starts inner join truth_purchase_chains using (chain)
            where step <= 1 and start_date < '2025-04-01'
        ),
        followed as (
            select chain, step, started.customer_id, start_date, planted, min(day - start_date) as gap
            from started left join purchases on purchases.customer_id = started.customer_id
                and purchases.code = started.code
                and day between start_date + cast(step as integer) and start_date + 60
            group by all
        )
        select chain, count(*) filter (step = 0), count(*) filter (step = 0 and gap = 0), count(gap) filter (step = 1),
            median(gap) filter (step = 1), max(planted)
        from followed group by 1
        """
    )
    assert len(chains) == len(CHAINS)
    for _, starts, bought, went_on, gap, planted in chains:
        assert starts > 100
        assert bought / starts > 0.97
        # beside the chain, some would buy in the category anyway
        assert 0.68 < went_on / starts < 0.9
        assert abs(gap - planted) <= 0.15 * planted + 1


def test_the_reverse_order_is_not_planted(larger_bank: DroppedBank) -> None:
    """Guards the direction: after a chain's second category its first does not follow more often than before it."""
    for chain in CHAINS:
        forward, backward = larger_bank.rows(
            f"""
            with purchases as ({PURCHASES})
            select count(*) filter (b.day > a.day), count(*) filter (b.day < a.day)
            from purchases as a inner join purchases as b on a.customer_id = b.customer_id
                and a.code = '{chain.categories[0]}' and b.code = '{chain.categories[1]}'
                and abs(b.day - a.day) between 1 and 30
            """
        )[0]
        assert forward > 1.5 * backward


def test_persons_begin_chains_now_and_then(larger_bank: DroppedBank) -> None:
    """Guards the volume: two to three percent of persons begin each chain in a month, and no company does."""
    shares = larger_bank.rows(
        """
        select chain, count(*) / 5 / (select count(*) from truth_customers where segment <> 'company')
        from truth_chain_starts group by 1
        """
    )
    assert all(0.015 < share < 0.03 for _, share in shares)
    companies = larger_bank.value(
        "select count(*) from truth_chain_starts inner join truth_customers using (customer_id) "
        "where segment = 'company'"
    )
    assert companies == 0


def test_chains_are_of_known_categories() -> None:
    """Guards the table of chains: every category is in the vocabulary, once per chain, and each has its gap."""
    codes = {row[0] for row in MERCHANT_CATEGORIES}
    for chain in CHAINS:
        assert set(chain.categories) <= codes
        assert len(set(chain.categories)) == len(chain.categories) == len(chain.median_gap_days)


def test_steps_wait_for_their_month() -> None:
    """Guards the state between months: every planned step is taken once, in its own month."""
    first = Month(0, date(2025, 1, 1))
    customers = initial_customers(2_000, 3, 1, first)
    starts, pending, waited = no_starts(), no_steps(), []
    planned, taken = 0, 0
    for month in months_from(first.first, 8):
        engagement = engagement_of(no_departures(), len(customers), 1, month)
        if month.index < 3:
            before = len(pending)
            begin_chains(starts, pending, customers, engagement, 1, month)
            planned += len(pending) - before
        due, pending = take_due_steps(pending, engagement, month)
        assert ((due.day >= month.first_day) & (due.day <= month.last_day)).all()
        taken += len(due)
        waited.append(len(pending))
    assert len(starts) > 400
    assert min(waited[:3]) > 50
    assert len(pending) == 0
    assert taken == planned


def test_who_is_gone_takes_no_step() -> None:
    """Guards silence: the steps of a customer who left are dropped, the other's are kept for later."""
    month = Month(0, date(2025, 1, 1))
    two = np.array([0, 1])
    pending = Steps(two, two * 0, two * 0, np.array([month.first_day, month.last_day + 1]))
    engagement = engagement_of(no_departures(), 2, 1, month)
    engagement.activity[0] = 0
    due, later = take_due_steps(pending, engagement, month)
    assert len(due) == 0
    assert list(later.customer) == [1]
