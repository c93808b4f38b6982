"""Behaviours of segments: who is divided, and how each behaviour is derived, worked by hand."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import InputError
from pipeline.mining.segment_behaviours import BEHAVIOURS, SOURCE_COLUMNS, active_persons

NEEDS = [behaviour.column for behaviour in BEHAVIOURS if behaviour.block == "needs"]


def _customer_month(**values: object) -> dict[str, object]:
    """Return a person with one transaction and nothing else."""
    nothing = dict.fromkeys(SOURCE_COLUMNS, 0)
    return {**nothing, "customer_type": "person", "transactions_3m_count": 1, "age_years": 40, **values}


def test_active_persons_and_their_behaviour() -> None:
    """Only persons who did something are divided; what is null for want of an account or a flow is nothing."""
    paid = _customer_month(
        customer_key="paid",
        age_years=30,
        deposit_average_balance_3m_amount=70.0,
        inflow_3m_amount=200.0,
        salary_inflow_3m_amount=150.0,
        cash_3m_share=0.25,
        purchases_3m_count=8,
        purchases_travel_3m_count=2,
        purchases_daily_needs_3m_count=6,
        mobile_interactions_3m_count=2,
        call_centre_interactions_3m_count=1,
    )
    idle = {**paid, "customer_key": "idle", "transactions_3m_count": 0}
    firm = {**paid, "customer_key": "firm", "customer_type": "company"}
    bare = _customer_month(
        customer_key="bare", age_years=None, deposit_average_balance_3m_amount=None, cash_3m_share=None
    )
    persons = active_persons(pd.DataFrame([paid, idle, firm, bare])).set_index("customer_key")
    assert list(persons.index) == ["bare", "paid"]
    assert list(persons.columns) == [behaviour.column for behaviour in BEHAVIOURS]
    one = persons.loc["paid"]
    assert one["age_years"] == 30
    assert one["deposit_average_balance_3m_amount"] == 70
    assert one["salary_3m_share"] == 0.75
    assert one["cash_3m_share"] == 0.25
    assert one["digital_contacts_3m_share"] == pytest.approx((2 + 0.5) / (3 + 1))
    assert one["travel_purchases_3m_share"] == pytest.approx((2 + 1 / 9) / 9)
    assert one["car_purchases_3m_share"] == pytest.approx((1 / 9) / 9)
    other = persons.loc["bare"]
    assert np.isnan(other["age_years"])
    assert other[["deposit_average_balance_3m_amount", "salary_3m_share", "cash_3m_share"]].tolist() == [0, 0, 0]


def test_needs_are_parts_of_one_whole() -> None:
    """The smoothed shares of all groups add up to one; the needs of who buys nothing are unknown, not evenly spread."""
    groups = [need.removesuffix("_purchases_3m_share") for need in NEEDS]
    random = np.random.default_rng(0)
    rows = []
    for number in range(20):
        counts = random.poisson(number / 5, size=len(groups))
        own = {f"purchases_{group}_3m_count": int(count) for group, count in zip(groups, counts, strict=True)}
        rows.append(_customer_month(customer_key=f"c{number:02}", purchases_3m_count=int(counts.sum()), **own))
    persons = active_persons(pd.DataFrame(rows))
    buys = np.array([row["purchases_3m_count"] > 0 for row in rows])
    assert len(NEEDS) == 9
    assert 0 < buys.sum() < len(buys)
    assert persons.loc[~buys, NEEDS].isna().all(axis=None)
    assert np.allclose(persons.loc[buys, NEEDS].sum(axis=1), 1)
    assert (persons.loc[buys, NEEDS] > 0).all(axis=None)


def test_a_bank_without_merchants_has_no_needs() -> None:
    """What is known of nobody is a constant that the division leaves out, not an error."""
    persons = active_persons(pd.DataFrame([_customer_month(customer_key="a"), _customer_month(customer_key="b")]))
    assert (persons[NEEDS] == 0).all(axis=None)


def test_behaviours_of_the_same_columns_are_of_one_whole() -> None:
    """Whatever is computed from one count or amount hangs together by arithmetic, and must be shuffled together."""
    sharing = [
        (one, other)
        for one, other in combinations(BEHAVIOURS, 2)
        if set(one.source_columns) & set(other.source_columns)
    ]
    assert len(sharing) == 10 * 9 / 2 + 1
    assert all(one.whole and one.whole == other.whole for one, other in sharing)


def test_nobody_is_divided_by_what_he_said_or_was_sold() -> None:
    """Occupation, debts and products held would hand the segments over; they are not read."""
    assert not set(SOURCE_COLUMNS) & {
        "occupation_code",
        "products_held_count",
        "loan_balance_amount",
        "card_debt_amount",
    }


def test_active_persons_needs_its_columns() -> None:
    """A feature table of another version is told apart, not divided on what is left."""
    with pytest.raises(InputError, match="no customer_type"):
        active_persons(pd.DataFrame({"customer_key": ["a"]}))
