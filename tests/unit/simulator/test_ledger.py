"""The vectorised ledger books what a plain loop over the postings would book."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.simulator.codes import Rule, Type
from pipeline.simulator.ledger import SMALLEST_PART_PAYMENT, PostingList, daily_turnover, post, seconds_of_life
from pipeline.simulator.months import NEVER, SECONDS_PER_DAY

ACCOUNTS, LOANS = 4, 4
POSTING = st.tuples(
    st.integers(0, ACCOUNTS - 1),
    st.integers(0, 40),
    st.integers(1, 60_000),
    st.sampled_from([1, -1]),
    st.sampled_from(list(Rule)),
)


def book_one_by_one(
    postings: list[tuple[int, int, int, int, Rule]], balance: list[int], floor: list[int], owed: list[int]
) -> list[tuple[int, int, int, int]]:
    """Return (account, cents, sign, balance after) of what is booked; a posting's loan has its account's number."""
    declined = [False] * ACCOUNTS
    booked = []
    for account, _, cents, sign, rule in sorted(postings, key=lambda posting: posting[:2]):
        amount = cents
        if rule is Rule.LOAN:
            wanted = min(owed[account], cents)
            amount = min(wanted, max(balance[account], 0))
            if amount < wanted and amount < SMALLEST_PART_PAYMENT:
                amount = 0
            declined[account] = amount < owed[account]
            owed[account] -= amount
        elif rule is Rule.SWEEP:
            amount, sign = abs(balance[account]), (-1 if balance[account] > 0 else 1)
        elif rule is Rule.FEE_IF_DECLINED:
            if not declined[account]:
                continue
            declined[account] = False
        elif rule is Rule.IF_COVERED and sign < 0:
            declined[account] = amount > balance[account] - floor[account]
            if declined[account]:
                continue
        if amount:
            balance[account] += sign * amount
            booked.append((account, amount, sign, balance[account]))
    return booked


def collect(postings: list[tuple[int, int, int, int, Rule]]) -> PostingList:
    collected = PostingList(np.zeros(ACCOUNTS, dtype=np.int64), np.full(ACCOUNTS, NEVER))
    for account, second, cents, sign, rule in postings:
        one = np.array([account])
        sign = -1 if rule in (Rule.LOAN, Rule.FEE_IF_DECLINED) else sign
        collected.add(one, np.array([second]), np.array([cents]), sign=sign, rule=rule, reference=one)
    return collected


@settings(max_examples=150, deadline=None)
@given(
    st.lists(POSTING, min_size=1, max_size=25),
    st.lists(st.integers(-5_000, 50_000), min_size=ACCOUNTS, max_size=ACCOUNTS),
    st.lists(st.integers(-20_000, 0), min_size=ACCOUNTS, max_size=ACCOUNTS),
    st.lists(st.integers(0, 40_000), min_size=LOANS, max_size=LOANS),
)
def test_booking_equals_a_plain_loop(
    postings: list[tuple[int, int, int, int, Rule]], balance: list[int], floor: list[int], owed: list[int]
) -> None:
    """Guards every rule, in any mixture: what is booked, the balances after, the final balances, the debts."""
    plain = [
        (account, second, cents, -1 if rule in (Rule.LOAN, Rule.FEE_IF_DECLINED) else sign, rule)
        for account, second, cents, sign, rule in postings
    ]
    balances, debts = np.array(balance), np.array(owed)
    booked, after = post(collect(plain).collect(), balances, np.array(floor), debts)
    expected = book_one_by_one(plain, balance, floor, owed)
    found = zip(booked.account.tolist(), booked.cents.tolist(), booked.sign.tolist(), after.tolist(), strict=True)
    assert list(found) == expected
    assert balances.tolist() == balance
    assert debts.tolist() == owed


def test_a_hand_worked_month() -> None:
    """Guards the rules by example: 100.00 and no overdraft; 80 rent, 30 loan from 20, a fee of 5, then all paid out."""
    postings = [
        (0, 10, 8_000, -1, Rule.IF_COVERED),
        (0, 20, 3_000, -1, Rule.IF_COVERED),
        (0, 21, 500, -1, Rule.FEE_IF_DECLINED),
        (0, 22, 500, -1, Rule.FEE_IF_DECLINED),
        (0, 30, 0, -1, Rule.SWEEP),
    ]
    booked, after = post(
        collect(postings).collect(), np.array([10_000, 0, 0, 0]), np.zeros(ACCOUNTS, dtype=np.int64), np.zeros(LOANS)
    )
    assert booked.cents.tolist() == [8_000, 500, 1_500]
    assert after.tolist() == [2_000, 1_500, 0]


def test_postings_of_one_second_get_seconds_of_their_own() -> None:
    """Guards the order of booking: each account's moments strictly rise, and a free second is not moved."""
    postings = [(0, 5, 1, 1, Rule.FORCED)] * 3 + [(0, 6, 1, 1, Rule.FORCED), (0, 50, 1, 1, Rule.FORCED)]
    postings += [(1, 5, 1, 1, Rule.FORCED)]
    booked, _ = post(
        collect(postings).collect(), np.zeros(ACCOUNTS, dtype=np.int64), np.zeros(ACCOUNTS), np.zeros(LOANS)
    )
    assert booked.second.tolist() == [5, 6, 7, 8, 50, 5]


def test_an_overdrawn_account_is_swept_by_a_deposit() -> None:
    """Guards the kind of posting that closes an overdrawn account."""
    collected = PostingList(np.zeros(1, dtype=np.int64), np.full(1, NEVER))
    account = np.array([0])
    collected.add(account, account, account, sign=-1, rule=Rule.SWEEP, type=Type.WITHDRAWAL)
    booked, after = post(collected.collect(), np.array([-700]), np.zeros(1), np.zeros(0))
    assert (booked.type.tolist(), booked.sign.tolist(), after.tolist()) == ([Type.DEPOSIT], [1], [0])


@pytest.mark.parametrize(
    ("second", "is_kept"), [(86_399 + 1_799, False), (86_400 + 1_800, True), (172_800 + 32_401, False)]
)
def test_nothing_is_posted_outside_the_life_of_an_account(second: int, is_kept: bool) -> None:
    """Guards the first and the last moment: open from 00:30 of the second day to 09:00 of the third."""
    opened, closed = seconds_of_life(np.array([101]), np.array([102]), first_day=100)
    collected = PostingList(opened, closed)
    collected.add(np.array([0, 0]), np.array([second, 100_000]), np.array([1, 1]), sign=1)
    assert len(collected.collect()) == 1 + is_kept


def test_turnover_is_exact_beyond_floating_point() -> None:
    """Guards whole cents: sums beyond 2**53 would lose a cent in floating point."""
    collected = PostingList(np.zeros(1, dtype=np.int64), np.full(1, NEVER))
    cents = np.array([2**53, 1, 1, 5])
    collected.add(
        np.zeros(4, dtype=np.int64), np.array([0, 1, 2, SECONDS_PER_DAY]), cents, sign=np.array([1, 1, 1, -1])
    )
    debits, credits = daily_turnover(collected.collect(), 2)
    assert (debits.tolist(), credits.tolist()) == ([0, 5], [2**53 + 2, 0])
