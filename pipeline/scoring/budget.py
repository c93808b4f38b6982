"""What a number of contacts brings: captured events and lift when only the highest scores are contacted.

Belongs here: capture, lift and the gain curve. Does not belong here: the size of the budget, which is policy.

Capture is the share of all events among the contacted; lift is capture over the contacted share, that is the event rate
of the contacted over that of all (a random choice has a lift of 1). Rows with equal scores share the border of the
budget, so that the order of the rows cannot make a lift.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from pipeline.scoring.discrimination import DECIMALS, RankingMeasure, ScoreLevels, score_levels

TOP_DECILE = 0.1
# close together where budgets lie, in steps of twentieths beyond
CURVE_SHARES = tuple(np.unique([0.0, 0.01, 0.02, 0.03, 0.04, *np.arange(0.05, 1.001, 0.05)]).round(2).tolist())
CURVE_COLUMNS = {"contact_share": "float64", "captured_share": "float64", "lift": "float64"}


def capture_at_share(levels: ScoreLevels, share: float) -> float:
    """Return the share of all events among the `share` of rows with the highest scores.

    Examples
    --------
    Four of ten rows are events; of the best three two are events, and the third ties with a fourth row, an event.

    >>> scores = np.array([9, 8, 7, 7, 5, 4, 3, 2, 1, 0])
    >>> is_event = np.array([1, 1, 0, 1, 0, 0, 0, 0, 0, 1])
    >>> capture_at_share(score_levels(is_event, scores, np.ones(10)), 0.3)
    0.625
    """
    weight_at = levels.events + levels.others
    wanted = share * weight_at.sum()
    before = np.cumsum(weight_at) - weight_at
    taken_share = np.clip((wanted - before) / np.where(weight_at > 0, weight_at, 1), 0, 1)
    return float((taken_share * levels.events).sum() / levels.events.sum())


def lift_at_share(levels: ScoreLevels, share: float) -> float:
    """Return the event rate of the `share` of rows with the highest scores over that of all; `share` is above 0."""
    return capture_at_share(levels, share) / share


def budget_measures(contact_budget_share: float) -> dict[str, RankingMeasure]:
    """Return the measures at a budget, and at a tenth, which is what the literature tells."""
    return {
        "top_decile_lift": partial(lift_at_share, share=TOP_DECILE),
        "lift_at_budget": partial(lift_at_share, share=contact_budget_share),
        "capture_at_budget": partial(capture_at_share, share=contact_budget_share),
    }


def gain_curve(is_event: np.ndarray, scores: np.ndarray, shares: Sequence[float] = CURVE_SHARES) -> pd.DataFrame:
    """Return points of the gain curve.

    Parameters
    ----------
    is_event : ndarray of bool, (n,)
        At least one event.
    scores : ndarray of float, (n,)
        Higher is contacted first.
    shares : sequence of float
        Shares of the rows contacted, 0 to 1.

    Returns
    -------
    DataFrame
        ``contact_share, captured_share, lift``, one row per share; no lift where nobody is contacted.
    """
    levels = score_levels(is_event, scores, np.ones(len(scores)))
    return _curve(shares, [capture_at_share(levels, share) for share in shares])


def random_gain_curve(shares: Sequence[float] = CURVE_SHARES) -> pd.DataFrame:
    """Return what is to be expected of contacting at random, in the columns of `gain_curve`: a lift of 1."""
    return _curve(shares, list(shares))


def _curve(shares: Sequence[float], captured: Sequence[float]) -> pd.DataFrame:
    curve = pd.DataFrame({"contact_share": shares, "captured_share": captured}).astype("float64")
    curve["lift"] = curve["captured_share"] / curve["contact_share"].where(curve["contact_share"] > 0)
    return curve.astype(CURVE_COLUMNS).round(DECIMALS)
