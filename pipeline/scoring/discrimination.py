"""How well a score tells events from non-events, with the uncertainty of the answer.

Belongs here: measures of ranking, bootstrap intervals. Does not belong here: fitting a score, whether its probabilities
are right (``calibration``), what a number of contacts brings (``budget``).

AUC is the chance that a random event scores above a random non-event (ties count half; Hanley and McNeil 1982); KS is
the largest distance between the two distribution functions. Intervals are percentiles over bootstrap samples of
*customers*, because the months of one customer are not independent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

METRIC_COLUMNS = {
    "metric_code": "str",
    "value": "float64",
    "lower_bound": "float64",
    "upper_bound": "float64",
    "row_count": "int64",
    "event_count": "int64",
    "customer_count": "int64",
}
INTERVAL = (0.025, 0.975)
# With fewer events even the bootstrap claims a certainty that is not there: three of three right is no AUC of 1.
LEAST_EVENTS = 10
DECIMALS = 9


@dataclass(frozen=True)
class ScoreLevels:
    """Weight of the events and of the non-events at each distinct score, the highest score first."""

    events: np.ndarray
    others: np.ndarray


RankingMeasure = Callable[[ScoreLevels], float]
# takes the weights of the rows; what it measures is bound to it
RowMeasure = Callable[[np.ndarray], float]


def score_levels(is_event: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> ScoreLevels:
    """Sum the weights of labelled rows, each array of shape (n,), by distinct score."""
    levels, level = np.unique(-scores, return_inverse=True)
    return _levels(is_event.astype(bool), level, len(levels), weights)


def area_under_curve(levels: ScoreLevels) -> float:
    """Return the area under the ROC curve.

    Examples
    --------
    Two events, scored 3 and 1, and two others, scored 2 and 1: of the four pairs two are right and one is a tie.

    >>> area_under_curve(score_levels(np.array([1, 0, 1, 0]), np.array([3, 2, 1, 1]), np.ones(4)))
    0.625
    """
    others_below = levels.others.sum() - np.cumsum(levels.others)
    pairs = levels.events.sum() * levels.others.sum()
    return float((levels.events * (others_below + levels.others / 2)).sum() / pairs)


def kolmogorov_smirnov(levels: ScoreLevels) -> float:
    """Return the largest distance between the distributions of events and of non-events."""
    true_positive = np.cumsum(levels.events) / levels.events.sum()
    false_positive = np.cumsum(levels.others) / levels.others.sum()
    return float(max(0.0, np.max(true_positive - false_positive)))


def base_rate(levels: ScoreLevels) -> float:
    """Return the share of events."""
    return float(levels.events.sum() / (levels.events.sum() + levels.others.sum()))


def measure(
    is_event: np.ndarray,
    scores: np.ndarray,
    customer_keys: np.ndarray,
    ranking_measures: Mapping[str, RankingMeasure],
    row_measures: Mapping[str, RowMeasure],
    seed: int,
    bootstraps: int,
) -> pd.DataFrame:
    """Measure a score on labelled rows.

    Parameters
    ----------
    is_event : ndarray of bool, (n,)
    scores : ndarray of float, (n,)
        Higher means likelier.
    customer_keys : ndarray, (n,)
        Who is drawn together in the bootstrap.
    ranking_measures : mapping
        Name to a function of `ScoreLevels`.
    row_measures : mapping
        Name to a function of the rows' weights, such as `calibration.probability_measures`; empty for scores that are
        no probabilities.
    seed : int
    bootstraps : int
        Bootstrap samples of customers; those without both events and non-events are not counted.

    Returns
    -------
    DataFrame
        The columns of `METRIC_COLUMNS`, one row per measure; null values where there are fewer than `LEAST_EVENTS`
        events or non-events.
    """
    customers, names = pd.factorize(customer_keys, sort=True)
    counts = {"row_count": len(is_event), "event_count": int(is_event.sum()), "customer_count": len(names)}
    if not LEAST_EVENTS <= counts["event_count"] <= counts["row_count"] - LEAST_EVENTS:
        rows = [{"metric_code": name, **counts} for name in (*ranking_measures, *row_measures)]
        return pd.DataFrame(rows).reindex(columns=list(METRIC_COLUMNS)).astype(METRIC_COLUMNS)
    is_event = is_event.astype(bool)
    distinct, level = np.unique(-scores, return_inverse=True)

    def values(weights: np.ndarray) -> dict[str, float]:
        levels = _levels(is_event, level, len(distinct), weights)
        return {
            **{name: function(levels) for name, function in ranking_measures.items()},
            **{name: function(weights) for name, function in row_measures.items()},
        }

    draws = []
    random = np.random.default_rng(seed)
    for _ in range(bootstraps):
        times_drawn = np.bincount(random.integers(len(names), size=len(names)), minlength=len(names))
        weights = times_drawn[customers].astype("float64")
        if 0 < weights[is_event].sum() < weights.sum():
            draws.append(values(weights))
    drawn = pd.DataFrame(draws)
    rows = []
    for name, value in values(np.ones(len(is_event))).items():
        known = drawn[name].dropna() if draws else drawn
        lower, upper = np.quantile(known, INTERVAL) if len(known) else (np.nan, np.nan)
        rows.append({"metric_code": name, "value": value, "lower_bound": lower, "upper_bound": upper, **counts})
    return pd.DataFrame(rows)[list(METRIC_COLUMNS)].astype(METRIC_COLUMNS).round(DECIMALS)


def measure_random_order(
    is_event: np.ndarray,
    customer_keys: np.ndarray,
    ranking_measures: Mapping[str, RankingMeasure],
    seed: int,
    draws: int,
) -> pd.DataFrame:
    """Measure what ranking the rows at random brings: the control that every score has to beat.

    Parameters
    ----------
    is_event : ndarray of bool, (n,)
    customer_keys : ndarray, (n,)
        Only counted.
    ranking_measures : mapping
        Name to a function of `ScoreLevels`.
    seed : int
    draws : int
        Random orders.

    Returns
    -------
    DataFrame
        The columns of `METRIC_COLUMNS`: the mean over the random orders, and the range that 95 % of them lie in; null
        values where `measure` has none.
    """
    counts = {
        "row_count": len(is_event),
        "event_count": int(is_event.sum()),
        "customer_count": int(pd.Series(customer_keys).nunique()),
    }
    table = pd.DataFrame({"metric_code": list(ranking_measures), **counts})
    if LEAST_EVENTS <= counts["event_count"] <= counts["row_count"] - LEAST_EVENTS and draws:
        random = np.random.default_rng(seed)
        orders = (random.permutation(is_event).astype("float64") for _ in range(draws))
        values = pd.DataFrame(
            {name: function(ScoreLevels(order, 1 - order)) for name, function in ranking_measures.items()}
            for order in orders
        )
        table["value"] = values.mean().to_numpy()
        table["lower_bound"], table["upper_bound"] = (values.quantile(share).to_numpy() for share in INTERVAL)
    return table.reindex(columns=list(METRIC_COLUMNS)).astype(METRIC_COLUMNS).round(DECIMALS)


def _levels(is_event: np.ndarray, level: np.ndarray, level_count: int, weights: np.ndarray) -> ScoreLevels:
    return ScoreLevels(
        np.bincount(level[is_event], weights[is_event], minlength=level_count),
        np.bincount(level[~is_event], weights[~is_event], minlength=level_count),
    )
