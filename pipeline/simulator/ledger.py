"""The ledger: postings in booking order, running balances in whole cents, general-ledger figures.

Belongs here: which postings are booked, what they leave on the account, and the sums the ledger reports. Does not
belong here: why a customer pays (spending, payments, lending).
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from pipeline.simulator.codes import Channel, Purpose, Rule, Type
from pipeline.simulator.columns import Columns
from pipeline.simulator.months import NEVER, SECONDS_PER_DAY

# a part payment below this is not taken (100.00)
SMALLEST_PART_PAYMENT = 10_000
# on its first day an account takes postings from 00:30 UTC on, on its last until 09:00; then it is swept
OPENING_SECOND = 30 * 60
CLOSING_SECOND = 9 * 3600


@dataclass
class Postings(Columns):
    """Postings of one month. Amounts are unsigned cents, ``sign`` is +1 (credit) or -1 (debit)."""

    account: np.ndarray
    second: np.ndarray
    cents: np.ndarray
    sign: np.ndarray
    rule: np.ndarray
    channel: np.ndarray
    type: np.ndarray
    purpose: np.ndarray
    reference: np.ndarray  # loan, linked account, card or interaction partner: what the module that made it says
    counterparty: np.ndarray  # account number >= 0 of this bank, <= -2 of another one, -1 none
    merchant: np.ndarray
    fee_cents: np.ndarray
    flag: np.ndarray  # booked online (cards)


_TYPES: dict[str, tuple[type, int]] = {
    "account": (np.int32, 0),
    "second": (np.int32, 0),
    "cents": (np.int64, 0),
    "sign": (np.int8, 0),
    "rule": (np.int8, Rule.IF_COVERED),
    "channel": (np.int8, Channel.COUNTER),
    "type": (np.int8, Type.TRANSFER_OUT),
    "purpose": (np.int8, Purpose.NONE),
    "reference": (np.int32, -1),
    "counterparty": (np.int32, -1),
    "merchant": (np.int32, -1),
    "fee_cents": (np.int32, 0),
    "flag": (np.bool_, False),
}


class PostingList:
    """Collects the postings of a month from the modules that make them."""

    def __init__(self, opened_second: np.ndarray, closed_second: np.ndarray) -> None:
        """Take the bounds, in seconds of the month, between which each account can be posted to."""
        self._opened_second = opened_second
        self._closed_second = closed_second
        self._parts: list[Postings] = []

    def add(self, account: np.ndarray, second: np.ndarray, cents: np.ndarray, **attributes: Any) -> None:
        """Add postings; attributes (see `Postings`) are arrays of that length or scalars.

        Postings without an account or an amount, or outside the life of the account, are left out.
        """
        second = np.broadcast_to(second, account.shape)
        rule = attributes.get("rule", Rule.IF_COVERED)
        keep = (account >= 0) & (second >= self._opened_second[account]) & ((cents > 0) | (rule >= Rule.LOAN))
        if rule != Rule.SWEEP:
            keep &= second <= self._closed_second[account]
        given = {"account": account, "second": second, "cents": cents, **attributes}
        self._parts.append(
            Postings(
                **{
                    name: np.broadcast_to(np.asarray(given.get(name, default)), account.shape)[keep].astype(dtype)
                    for name, (dtype, default) in _TYPES.items()
                }
            )
        )

    def add_again(self, postings: Postings) -> None:
        """Add postings that were collected before."""
        self._parts.append(postings)

    def collect(self) -> Postings:
        """Return all postings in booking order of each account: by account, second, and order of adding."""
        names = [field.name for field in fields(Postings)]
        merged = Postings(**{name: np.concatenate([getattr(part, name) for part in self._parts]) for name in names})
        self._parts = []
        key = merged.account.astype(np.int64) << 32 | merged.second
        return merged.take(np.argsort(key, kind="stable"))


def seconds_of_life(opened_day: np.ndarray, closed_day: np.ndarray, first_day: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and last second of the month at which accounts can be posted to, from their days of life."""
    opened = (opened_day.astype(np.int64) - first_day) * SECONDS_PER_DAY + OPENING_SECOND
    closed = (closed_day.astype(np.int64) - first_day) * SECONDS_PER_DAY + CLOSING_SECOND
    return opened, np.where(closed_day == NEVER, np.int64(NEVER), closed)


def post(postings: Postings, balance: np.ndarray, floor: np.ndarray, owed: np.ndarray) -> tuple[Postings, np.ndarray]:
    """Book postings one after the other on each account, all accounts side by side.

    Parameters
    ----------
    postings : Postings
        Sorted by account and second (`PostingList.collect`).
    balance, floor : ndarray of int64, per account
        Balance in cents, changed in place, and the lowest balance that a debit may leave.
    owed : ndarray of int64, per loan
        Cents due and unpaid, changed in place by the rule LOAN.

    Returns
    -------
    booked : Postings
        Those that were booked, in the same order, with the amount and the second as booked: two postings of an account
        never share a second, so that the moment of booking orders them.
    balance_after : ndarray of int64
        Balance of the account after each booked posting.

    Notes
    -----
    IF_COVERED: a debit is booked if it leaves at least the floor. FORCED: always. LOAN: pays what the loan owes, at
    most ``cents``, in part if the account holds less. FEE_IF_DECLINED: forced, if the account's last LOAN or
    IF_COVERED debit was declined. SWEEP: brings the account to zero, whatever the sign.
    """
    cents = postings.cents.copy()
    sign = postings.sign.copy()
    booked = np.zeros(len(postings), dtype=bool)
    after = np.zeros(len(postings), dtype=np.int64)
    was_declined = np.zeros(len(balance), dtype=bool)
    accounts, starts, counts = np.unique(postings.account, return_index=True, return_counts=True)
    by_count = np.argsort(-counts, kind="stable")
    accounts, starts, counts = accounts[by_count], starts[by_count], counts[by_count]
    for rank in range(int(counts[0]) if len(counts) else 0):
        many = int(np.searchsorted(-counts, -rank, side="left"))
        account, row = accounts[:many], starts[:many] + rank
        rule, amount, direction = postings.rule[row], cents[row], sign[row].astype(np.int64)
        now = balance[account]
        room = now - floor[account]

        is_loan = rule == Rule.LOAN
        loan_declined = np.zeros(many, dtype=bool)
        amount[is_loan], loan_declined[is_loan] = _pay_loans(
            postings.reference[row[is_loan]], amount[is_loan], now[is_loan], owed
        )
        is_sweep = rule == Rule.SWEEP
        amount[is_sweep] = np.abs(now[is_sweep])
        direction[is_sweep] = np.where(now[is_sweep] > 0, -1, 1)

        covered = (direction > 0) | (amount <= room)
        ok = np.where(rule == Rule.IF_COVERED, covered, True)
        is_fee = rule == Rule.FEE_IF_DECLINED
        ok &= ~is_fee | was_declined[account]
        ok &= amount > 0

        is_tested = ((rule == Rule.IF_COVERED) & (direction < 0)) | is_loan
        failed = ((rule == Rule.IF_COVERED) & ~covered) | loan_declined
        was_declined[account] = np.where(is_tested, failed, np.where(is_fee, False, was_declined[account]))
        now = now + np.where(ok, direction * amount, 0)
        balance[account] = now
        cents[row], sign[row], booked[row], after[row] = amount, direction, ok, now

    kept = postings.take(booked)
    kept.cents, kept.sign = cents[booked], sign[booked]
    kept.type[(kept.rule == Rule.SWEEP) & (kept.sign > 0)] = Type.DEPOSIT
    kept.second = _distinct_seconds(kept.account, kept.second)
    return kept, after[booked]


def _pay_loans(
    loan: np.ndarray, most: np.ndarray, balance: np.ndarray, owed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pay different loans from their accounts' balances; lower what is owed; return the cents and who still owes."""
    owed_before = owed[loan]
    wanted = np.minimum(owed_before, most)
    paid = np.minimum(wanted, np.maximum(balance, 0))
    paid[(paid < wanted) & (paid < SMALLEST_PART_PAYMENT)] = 0
    owed[loan] = owed_before - paid
    return paid, paid < owed_before


def _distinct_seconds(account: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Push a posting that shares its second with the account's last one to the next second."""
    position = np.arange(len(account), dtype=np.int64)
    lane = np.cumsum(np.diff(account, prepend=account[:1]) != 0) << 34
    pushed = np.maximum.accumulate(lane + second - position) + position - lane
    return pushed.astype(np.int32)


def daily_turnover(postings: Postings, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Return debits and credits in cents per day of the month."""
    day = postings.second // SECONDS_PER_DAY
    debits, credits = np.zeros(days, dtype=np.int64), np.zeros(days, dtype=np.int64)
    is_credit = postings.sign > 0
    np.add.at(debits, day[~is_credit], postings.cents[~is_credit])
    np.add.at(credits, day[is_credit], postings.cents[is_credit])
    return debits, credits
