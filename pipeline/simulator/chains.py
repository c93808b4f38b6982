"""Purchases that follow each other: chains of categories that persons begin and go on with for weeks.

Belongs here: the planted chains, who begins one when, the steps still to come. Does not belong here: the purchases
themselves (spending).
"""

from dataclasses import dataclass

import numpy as np

from pipeline.simulator.attrition import Engagement
from pipeline.simulator.columns import Columns
from pipeline.simulator.months import Month
from pipeline.simulator.parties import Customers
from pipeline.simulator.randomness import stream


@dataclass(frozen=True)
class Chain:
    """A chain of merchant categories; the gaps are medians in days, the first step has none."""

    name: str
    categories: tuple[str, ...]
    median_gap_days: tuple[int, ...]
    starts_per_month: float


CHAINS = (
    Chain("trip", ("5941", "4511", "7011"), (0, 12, 5), 0.025),
    Chain("new_home", ("5200", "5712", "5732"), (0, 9, 18), 0.022),
    Chain("newborn", ("8062", "5641", "5945"), (0, 7, 25), 0.020),
    Chain("driving_licence", ("8299", "6300", "7538"), (0, 15, 20), 0.022),
)
STEP_PROBABILITY = 0.75
# spread of the logarithm of the gap
GAP_SPREAD = 0.35


@dataclass
class Starts(Columns):
    """Chains begun, with the day of the first purchase."""

    customer: np.ndarray
    chain: np.ndarray
    day: np.ndarray


@dataclass
class Steps(Columns):
    """Planned purchases: the step of a chain (0 is the first) that a customer takes on a day."""

    customer: np.ndarray
    chain: np.ndarray
    step: np.ndarray
    day: np.ndarray


def no_starts() -> Starts:
    """Return a table without starts."""
    none = np.zeros(0, dtype=np.int64)
    return Starts(none, none, none)


def no_steps() -> Steps:
    """Return a table without steps."""
    none = np.zeros(0, dtype=np.int64)
    return Steps(none, none, none, none)


def begin_chains(
    starts: Starts, pending: Steps, customers: Customers, engagement: Engagement, seed: int, month: Month
) -> None:
    """Let some persons begin chains in a month; all their steps are planned at once and added to ``pending``."""
    generator = stream(seed, "chains", month.index)
    may_begin = ~customers.is_company & (customers.since_day < month.first_day)
    may_begin &= customers.closed_day > month.last_day
    for number, chain in enumerate(CHAINS):
        draw = generator.random(len(customers))
        customer = np.flatnonzero(may_begin & (draw < chain.starts_per_month * engagement.activity))
        day = month.first_day + generator.integers(0, month.days, len(customer))
        starts.append(Starts(customer, np.full(len(customer), number), day))
        for step, median in enumerate(chain.median_gap_days):
            if step > 0:
                goes_on = generator.random(len(customer)) < STEP_PROBABILITY
                customer, day = customer[goes_on], day[goes_on]
                gap = np.round(median * np.exp(generator.normal(0, GAP_SPREAD, len(customer))))
                day = day + np.maximum(gap, 1).astype(np.int64)
            planned = np.full(len(customer), number), np.full(len(customer), step)
            pending.append(Steps(customer, *planned, day))


def take_due_steps(pending: Steps, engagement: Engagement, month: Month) -> tuple[Steps, Steps]:
    """Return the steps of a month, and those that are to come later; who is gone takes none."""
    pending = pending.take(~engagement.is_gone[pending.customer])
    is_due = pending.day <= month.last_day
    return pending.take(is_due), pending.take(~is_due)
