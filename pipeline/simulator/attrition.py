"""Who decides to leave the bank, why, and how it shows before the end.

Belongs here: the planted departures and what they do to a person's month. Does not belong here: the accounts that are
closed at the end (accounts, parties), the payments, purchases and contacts that show it (payments, spending, contacts).

A departure is, by its cause, up to two months of a sign (complaints, fees), then a notice of one to three months in
which the person does less and less, then the end: all is closed, or the person is silent for good. Some leave without
sign or notice. Many who show a sign stay after all: false alarms, so that no sign is certain.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from pipeline.simulator.codes import Segment
from pipeline.simulator.columns import Columns
from pipeline.simulator.months import DAYS_PER_YEAR, Month
from pipeline.simulator.parties import Customers
from pipeline.simulator.randomness import pick, stream


class Cause(IntEnum):
    """Why a person leaves; names in lower case are written to the truth."""

    SALARY_MOVED = 0
    COMPLAINT = 1
    FEES = 2
    BETTER_RATE = 3
    NO_SIGN = 4


class End(IntEnum):
    """How a departure ends."""

    CLOSED = 0
    SILENT = 1
    STAYS = 2


# departures that begin in a month, per person of average contentment, long with the bank, with two products
DEPARTURES_PER_MONTH = 0.0112
DISCONTENT_WEIGHT = 0.6
YOUNG_TENURE_WEIGHT, YOUNG_TENURE_YEARS = 1.5, 2.0
# by the number of products beside the current account
PRODUCTS_WEIGHT = np.array([1.4, 0.9, 0.6, 0.4])
BORROWER_WEIGHT = 0.4
LARGEST_PROBABILITY = 0.2
CAUSE_SHARES = np.array([0.30, 0.21, 0.14, 0.20, 0.15])
# of those who show a sign, for average contentment and per standard deviation of it
FALSE_ALARM_SHARE, FALSE_ALARM_SLOPE = 0.55, 0.12
# months of the sign before the notice, by cause
LEAD_MONTHS = np.array([0, 1, 2, 0, 0])
NOTICE_SHARES = np.array([0.3, 0.4, 0.3])
FALSE_ALARM_NOTICE_SHARES = np.array([0.6, 0.4, 0.0])
# what is left of purchases, machine use and contacts, by month of the notice
DECLINE = np.array([0.6, 0.3, 0.1])
LONGEST_DEPARTURE = int(LEAD_MONTHS.max()) + len(NOTICE_SHARES)
# months after a false alarm in which the person does not think of leaving again
CALM_MONTHS = 3
CLOSING_SHARE = 0.5
MORE_COMPLAINTS, LATER_COMPLAINTS = 0.5, 0.4
FEWEST_FEES, MORE_FEES = 2, 1.0
MOVED_OUT_SHARE = 0.9
PAID_REGULARLY = (Segment.YOUNG_PROFESSIONAL, Segment.FAMILY, Segment.AFFLUENT, Segment.RETIRED)


@dataclass
class Departures(Columns):
    """Planted departures, one row each; months are indexes of simulated months.

    The notice is ``notice_months`` from ``first_month`` on; the month after it is the end, or that of the recovery.
    """

    customer: np.ndarray
    cause: np.ndarray
    first_month: np.ndarray
    notice_months: np.ndarray
    end: np.ndarray

    @property
    def end_month(self) -> np.ndarray:
        """The first month without anything the person does, or as before for those who stay."""
        return self.first_month + self.notice_months


@dataclass(frozen=True)
class Engagement:
    """How customers hold to the bank in one month, one value per customer."""

    activity: (
        np.ndarray
    )  # multiplies purchases, machine use and contacts; 1 for those who do not leave, 0 after the end
    has_income_here: np.ndarray  # salary, pension or takings are paid in
    is_dissatisfied: np.ndarray
    complaints: np.ndarray
    extra_fees: np.ndarray
    moved_out_share: np.ndarray  # of the deposits, to other banks

    @property
    def is_leaving(self) -> np.ndarray:
        """Mask of those in notice (false alarms too) and of those who are gone."""
        return self.activity < 1

    @property
    def is_gone(self) -> np.ndarray:
        """Mask of those who do nothing any more."""
        return self.activity == 0


def no_departures() -> Departures:
    """Return a table without departures."""
    none = np.zeros(0, dtype=np.int64)
    return Departures(none, none, none, none, none)


def begin_departures(
    departures: Departures,
    customers: Customers,
    may_begin: np.ndarray,
    may_close: np.ndarray,
    is_borrower: np.ndarray,
    product_count: np.ndarray,
    seed: int,
    month: Month,
) -> None:
    """Let some persons decide to leave; before the first month, also as if months ago.

    Parameters
    ----------
    departures : Departures
        Those begun so far; the new ones are added.
    customers : Customers
        All who came before the month.
    may_begin : ndarray of bool, per customer
        Customers still with the bank who are not in financial trouble.
    may_close : ndarray of bool, per customer
        Customers without debt and card: they may close all, the others can only fall silent.
    is_borrower : ndarray of bool, per customer
        Borrowers are tied to the bank and leave less often.
    product_count : ndarray of int, per customer
        Products beside the current account.
    """
    generator = stream(seed, "departures", month.index)
    count = len(customers)
    is_free = may_begin & ~customers.is_company & ~has_decided(departures, count, month)
    for ago in range(LONGEST_DEPARTURE if month.index == 0 else 0, -1, -1):
        probability = _probability(customers, is_borrower, product_count, month) * is_free
        probability[customers.since_day > month.first_day - 31 * (ago + 1)] = 0
        leaver = np.flatnonzero(generator.random(count) < probability)
        begun = _decide(customers, leaver, may_close, month.index - ago, generator)
        # whoever would have been through with it before the start is left out
        begun = begun.take(begun.end_month >= month.index)
        is_free[begun.customer] = False
        departures.append(begun)


def has_decided(departures: Departures, count: int, month: Month) -> np.ndarray:
    """Return the mask of those of ``count`` customers who have decided to leave, or did so until a short while ago."""
    mask = np.zeros(count, dtype=bool)
    is_open = (departures.end != End.STAYS) | (departures.end_month + CALM_MONTHS > month.index)
    mask[departures.customer[is_open]] = True
    return mask


def _probability(customers: Customers, is_borrower: np.ndarray, product_count: np.ndarray, month: Month) -> np.ndarray:
    tenure_years = (month.first_day - customers.since_day) / DAYS_PER_YEAR
    weight = np.exp(-DISCONTENT_WEIGHT * customers.contentment)
    weight *= 1 + YOUNG_TENURE_WEIGHT * np.exp(-np.maximum(tenure_years, 0) / YOUNG_TENURE_YEARS)
    weight *= PRODUCTS_WEIGHT[np.minimum(product_count, len(PRODUCTS_WEIGHT) - 1)]
    weight *= np.where(is_borrower, BORROWER_WEIGHT, 1.0)
    return np.minimum(DEPARTURES_PER_MONTH * weight, LARGEST_PROBABILITY)


def _decide(
    customers: Customers, leaver: np.ndarray, may_close: np.ndarray, decided_month: int, generator: np.random.Generator
) -> Departures:
    """Give each leaver a cause that applies to the person, a notice and an end."""
    count = len(leaver)
    weights = np.tile(CAUSE_SHARES, (count, 1))
    weights[~np.isin(customers.segment[leaver], PAID_REGULARLY), Cause.SALARY_MOVED] = 0
    cause = pick(generator, weights / weights.sum(axis=1, keepdims=True))
    stays_after_all = FALSE_ALARM_SHARE + FALSE_ALARM_SLOPE * customers.contentment[leaver]
    is_false_alarm = (generator.random(count) < stays_after_all) & (cause != Cause.NO_SIGN)
    shares = np.where(is_false_alarm[:, None], FALSE_ALARM_NOTICE_SHARES, NOTICE_SHARES)
    notice = np.where(cause == Cause.NO_SIGN, 0, 1 + pick(generator, shares))
    closes = may_close[leaver] & (generator.random(count) < CLOSING_SHARE)
    end = np.select([is_false_alarm, closes], [End.STAYS, End.CLOSED], End.SILENT)
    return Departures(leaver, cause, decided_month + LEAD_MONTHS[cause], notice, end)


def close_departed(departures: Departures, may_close: np.ndarray, month: Month) -> np.ndarray:
    """Return the customers who close all in a month; who took a card or a loan meanwhile falls silent instead."""
    due = np.flatnonzero((departures.end == End.CLOSED) & (departures.end_month == month.index))
    is_possible = may_close[departures.customer[due]]
    departures.end[due[~is_possible]] = End.SILENT
    return departures.customer[due[is_possible]]


def engagement_of(departures: Departures, count: int, seed: int, month: Month) -> Engagement:
    """Return how each of ``count`` customers holds to the bank in a month, from the departures begun so far."""
    generator = stream(seed, "engagement", month.index)
    rows = len(departures)
    into = month.index - departures.first_month
    in_lead = (into < 0) & (into >= -LEAD_MONTHS[departures.cause])
    in_notice = (into >= 0) & (into < departures.notice_months)
    is_gone = (into >= departures.notice_months) & (departures.end != End.STAYS)
    complains, is_charged = departures.cause == Cause.COMPLAINT, departures.cause == Cause.FEES
    moves_salary, moves_money = departures.cause == Cause.SALARY_MOVED, departures.cause == Cause.BETTER_RATE

    activity, moved_out_share = np.ones(count), np.zeros(count)
    activity[departures.customer[in_notice]] = DECLINE[into[in_notice]]
    activity[departures.customer[is_gone]] = 0
    has_income_here = np.ones(count, dtype=bool)
    has_income_here[departures.customer[is_gone | (in_notice & moves_salary)]] = False
    is_dissatisfied = np.zeros(count, dtype=bool)
    is_dissatisfied[departures.customer[(in_lead | in_notice) & (complains | is_charged)]] = True
    # all is moved by the end of the notice: a third, then half of what is left, then what is left
    moving = in_notice & moves_money
    moved_out_share[departures.customer[moving]] = MOVED_OUT_SHARE / (departures.notice_months - into)[moving]

    complaints, extra_fees = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    first, later = 1 + generator.poisson(MORE_COMPLAINTS, rows), generator.poisson(LATER_COMPLAINTS, rows)
    number = np.where(in_lead, first, np.where(in_notice & (into == 0), later, 0)) * complains
    np.add.at(complaints, departures.customer, number)
    charges = (FEWEST_FEES + generator.poisson(MORE_FEES, rows)) * (in_lead & is_charged)
    np.add.at(extra_fees, departures.customer, charges)
    return Engagement(activity, has_income_here, is_dissatisfied, complaints, extra_fees, moved_out_share)
