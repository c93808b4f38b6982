"""How well a score tells bad customers from good ones, with the uncertainty of the answer.

Belongs here: measures of discrimination and calibration, bootstrap intervals. Does not belong here: fitting a score.

AUC is the chance that a random event scores above a random non-event (ties count half; Hanley and McNeil 1982); KS is
the largest distance between the two distribution functions; the Brier score is the mean squared error of the
probability (Brier 1950); the lift of the top decile is the event rate among the tenth with the highest scores, over the
event rate of all. Intervals are percentiles over bootstrap samples of *customers*, because the months of one customer
are not independent.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.metrics import brier_score_loss, roc_auc_score, roc_curve

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
TOP_SHARE = 0.1
DECIMALS = 9

Measure = Callable[[np.ndarray, np.ndarray, np.ndarray], float]


def area_under_curve(is_event: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Return the area under the ROC curve."""
    return float(roc_auc_score(is_event, scores, sample_weight=weights))


def kolmogorov_smirnov(is_event: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Return the largest distance between the distributions of events and of non-events."""
    false_positive, true_positive, _ = roc_curve(is_event, scores, sample_weight=weights, drop_intermediate=False)
    return float(np.max(true_positive - false_positive))


def brier_score(is_event: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Return the mean squared error of the probabilities."""
    return float(brier_score_loss(is_event, scores, sample_weight=weights))


def base_rate(is_event: np.ndarray, _: np.ndarray, weights: np.ndarray) -> float:
    """Return the share of events."""
    return float(np.average(is_event, weights=weights))


def top_decile_lift(is_event: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Return the event rate of the highest-scored tenth over that of all; equal scores share the border."""
    levels, level = np.unique(-scores, return_inverse=True)
    weight_at = np.bincount(level, weights, minlength=len(levels))
    events_at = np.bincount(level, weights * is_event, minlength=len(levels))
    wanted = TOP_SHARE * weight_at.sum()
    before = np.concatenate([[0.0], np.cumsum(weight_at)[:-1]])
    taken_share = np.clip((wanted - before) / np.where(weight_at > 0, weight_at, 1), 0, 1)
    return float((taken_share * events_at).sum() / wanted / base_rate(is_event, scores, weights))


PROBABILITY_MEASURES: dict[str, Measure] = {
    "auc": area_under_curve,
    "ks": kolmogorov_smirnov,
    "brier": brier_score,
    "base_rate": base_rate,
    "top_decile_lift": top_decile_lift,
}
RANKING_MEASURES: dict[str, Measure] = {
    name: PROBABILITY_MEASURES[name] for name in ("auc", "ks", "base_rate", "top_decile_lift")
}


def measure(
    is_event: np.ndarray,
    scores: np.ndarray,
    customer_keys: np.ndarray,
    measures: dict[str, Measure],
    seed: int,
    bootstraps: int,
) -> pd.DataFrame:
    """Measure a score on labelled rows.

    Parameters
    ----------
    is_event : ndarray of bool, (n,)
    scores : ndarray of float, (n,)
        Higher means riskier.
    customer_keys : ndarray, (n,)
        Who is drawn together in the bootstrap.
    measures : dict
        `PROBABILITY_MEASURES` or, for scores that are no probabilities, `RANKING_MEASURES`.
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
        rows = [{"metric_code": name, **counts} for name in measures]
        return pd.DataFrame(rows).reindex(columns=list(METRIC_COLUMNS)).astype(METRIC_COLUMNS)
    events = is_event.astype("float64")
    values = {name: function(events, scores, np.ones(len(events))) for name, function in measures.items()}
    random = np.random.default_rng(seed)
    draws: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(bootstraps):
        times_drawn = np.bincount(random.integers(len(names), size=len(names)), minlength=len(names))
        weights = times_drawn[customers].astype("float64")
        is_drawn = weights > 0
        drawn_events = events[is_drawn]
        if drawn_events.min() == drawn_events.max():
            continue
        for name, function in measures.items():
            draws[name].append(function(drawn_events, scores[is_drawn], weights[is_drawn]))
    rows = []
    for name, value in values.items():
        lower, upper = np.quantile(draws[name], INTERVAL) if draws[name] else (np.nan, np.nan)
        rows.append({"metric_code": name, "value": value, "lower_bound": lower, "upper_bound": upper, **counts})
    return pd.DataFrame(rows)[list(METRIC_COLUMNS)].astype(METRIC_COLUMNS).round(DECIMALS)
