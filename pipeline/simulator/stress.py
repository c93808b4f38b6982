"""Who gets into financial trouble, when, and how it shows.

Belongs here: the planted episodes and what they do to a customer's month. Does not belong here: the loans that are then
not paid (lending), the spending and contacts that show it (payments, spending, contacts).

An episode is up to three months of strain (less income, more cash drawn, complaints), then months of missed
instalments, then a cure or none. Some pass without a missed instalment, a few come without a sign.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.simulator.columns import Columns
from pipeline.simulator.months import Month
from pipeline.simulator.parties import Customers
from pipeline.simulator.randomness import pick, stream

# episodes that begin in a month, per borrower with risk 1
EPISODES_PER_MONTH = 0.0125
# months missed (0: a false alarm; NO_CURE: never paid again) and how often
MISSED_MONTHS = np.array([0, 1, 2, 3, 4, 99])
MISSED_SHARES = np.array([0.34, 0.17, 0.17, 0.08, 0.06, 0.18])
NO_CURE = 99
STRAIN_MONTHS = np.array([0, 1, 2, 3])
STRAIN_SHARES = np.array([0.06, 0.28, 0.38, 0.28])


@dataclass
class Episodes(Columns):
    """Planted trouble, one row per episode; months are indexes of simulated months."""

    customer: np.ndarray
    first_month: np.ndarray
    strain_months: np.ndarray
    missed_months: np.ndarray


@dataclass(frozen=True)
class Stress:
    """How customers fare in one month, one value per customer."""

    income_factor: np.ndarray
    cash_factor: np.ndarray
    is_strained: np.ndarray
    is_missing: np.ndarray
    is_curing: np.ndarray


def begin_episodes(episodes: Episodes, may_begin: np.ndarray, customers: Customers, seed: int, month: Month) -> None:
    """Let trouble begin for some borrowers who are in none; before the first month, also as if months ago.

    ``may_begin`` is the mask of the borrowers who do not leave the bank.
    """
    generator = stream(seed, "episodes", month.index)
    in_trouble = is_in_trouble(episodes, len(customers), month)
    for ago in (2, 1, 0) if month.index == 0 else (0,):
        hit = np.flatnonzero(
            may_begin & ~in_trouble & (generator.random(len(customers)) < EPISODES_PER_MONTH * customers.risk)
        )
        strain = STRAIN_MONTHS[pick(generator, np.broadcast_to(STRAIN_SHARES, (len(hit), len(STRAIN_SHARES))))]
        missed = MISSED_MONTHS[pick(generator, np.broadcast_to(MISSED_SHARES, (len(hit), len(MISSED_SHARES))))]
        # whoever began to strain before the start misses the first instalment after it
        strain = np.maximum(strain, ago)
        in_trouble[hit] = True
        episodes.append(Episodes(hit, np.full(len(hit), month.index - ago), strain, missed))


def is_in_trouble(episodes: Episodes, count: int, month: Month) -> np.ndarray:
    """Return the mask of those of ``count`` customers in an episode that has begun and is not yet forgotten."""
    in_trouble = np.zeros(count, dtype=bool)
    in_trouble[episodes.customer[_end_of(episodes) > month.index]] = True
    return in_trouble


def _end_of(episodes: Episodes) -> np.ndarray:
    """Return the first month in which nothing of the episode is left, some months of recovery included."""
    return episodes.first_month + episodes.strain_months + episodes.missed_months + 3


def stress_of(episodes: Episodes, customers: Customers, seed: int, month: Month) -> Stress:
    """Return how each customer fares in a month, from the episodes begun so far."""
    generator = stream(seed, "stress", month.index)
    count = len(customers)
    into = month.index - episodes.first_month
    strained = (into >= 0) & (into < episodes.strain_months)
    missing_for = into - episodes.strain_months
    missing = (missing_for >= 0) & (missing_for < episodes.missed_months)
    curing = (missing_for == episodes.missed_months) & (episodes.missed_months > 0)
    income_factor, cash_factor = np.ones(count), np.ones(count)
    depth = 0.25 + 0.45 * generator.random(len(episodes))
    income_factor[episodes.customer[strained]] = (1 - depth * (0.5 + 0.25 * into))[strained]
    income_factor[episodes.customer[missing]] = (0.35 * generator.random(len(episodes)))[missing]
    cash_factor[episodes.customer[strained]] = 2.4
    cash_factor[episodes.customer[missing]] = 1.3
    masks = []
    for rows in (strained, missing, curing):
        mask = np.zeros(count, dtype=bool)
        mask[episodes.customer[rows]] = True
        masks.append(mask)
    return Stress(income_factor, cash_factor, *masks)
