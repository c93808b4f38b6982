"""The leakage canary: it tells whether a score knows what it could not have known.

Belongs here: the search for features that tell the outcome by themselves, and the comparison of scores before and after
the future has been altered. Does not belong here: when a feature was known (dbt, by ``as_of_date``).

What the two can and cannot find. `single_feature_findings` finds a feature that *is* the outcome in other words, such
as a count over the weeks after the month-end, or a date that only leavers have. It finds no subtle leak: one that adds
a little to an honest feature, that shows only in company of another feature, or that ranks neither upwards nor
downwards. It may also suspect an honest feature that is that good: a person has to look. `plant_future` with
`moved_scores` finds every dependence on rows and labels dated after the date, and none on values that were already
wrong in the rows before it.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from pipeline.scoring.discrimination import DECIMALS, area_under_curve, score_levels

FINDING_COLUMNS = {"feature": "str", "auc": "float64", "auc_limit": "float64", "is_suspected": "bool"}
PLANTED_FACTOR = 1_000.0


def single_feature_findings(
    frame: pd.DataFrame, is_event: np.ndarray, features: Sequence[str], limit: float
) -> pd.DataFrame:
    """Say how well each feature alone ranks the outcome, and suspect those above the limit.

    Parameters
    ----------
    frame : DataFrame, (n, ...)
        Training rows with the columns of `features`; nulls are allowed.
    is_event : ndarray of bool, (n,)
        Both values occur.
    features : sequence of str
    limit : float
        Highest AUC that an honest feature is believed to have.

    Returns
    -------
    DataFrame
        ``feature, auc, auc_limit, is_suspected``, the highest AUC first. The AUC is taken in the better direction, and
        missing values as a level of their own, below or above all others, whichever ranks better.

    Examples
    --------
    A date that only leavers have: where it is missing, nobody leaves.

    >>> frame = pd.DataFrame({"days_to_closing": [3, None, 8, None], "age": [30, 31, 35, 40]})
    >>> single_feature_findings(frame, np.array([True, False, True, False]), ["age", "days_to_closing"], 0.95)
               feature   auc  auc_limit  is_suspected
    0  days_to_closing  1.00       0.95          True
    1              age  0.75       0.95         False
    """
    areas = [_best_area(frame[feature].astype("float64").to_numpy(), is_event) for feature in features]
    table = pd.DataFrame({"feature": list(features), "auc": np.round(areas, DECIMALS), "auc_limit": limit})
    table["is_suspected"] = table["auc"] > limit
    return table.sort_values(["auc", "feature"], ascending=[False, True], ignore_index=True).astype(FINDING_COLUMNS)


def plant_future(rows: pd.DataFrame, as_of_date: date, features: Sequence[str], seed: int) -> pd.DataFrame:
    """Alter all that was not known on a date: later rows, labels whose window ends later, and rows that were not there.

    Parameters
    ----------
    rows : DataFrame
        ``period_start_date, month_end_date, outcome_end_date, is_event`` and the columns of `features`.
    as_of_date : date
    features : sequence of str
        Numeric columns.
    seed : int
        For the order in which later values are dealt out.

    Returns
    -------
    DataFrame
        What was known, as it was; later rows with their features dealt out anew and `PLANTED_FACTOR` times as large;
        labels of windows that end later turned round (an unknown one is made an event); and a copy of the rows of the
        last period known, one year on, every one of them an event.
    """
    day = pd.Timestamp(as_of_date)
    altered = rows.copy()
    altered[list(features)] = altered[list(features)].astype("float64")
    is_later = (altered["month_end_date"] > day).to_numpy()
    order = np.random.default_rng(seed).permutation(int(is_later.sum()))
    altered.loc[is_later, list(features)] = altered.loc[is_later, list(features)].to_numpy()[order] * PLANTED_FACTOR
    is_unknown = (altered["outcome_end_date"] > day).to_numpy()
    label = altered["is_event"].astype("boolean")
    altered["is_event"] = label.mask(is_unknown, (~label).fillna(True))
    known = altered[~is_later]
    planted = known[known["month_end_date"] == known["month_end_date"].max()].assign(is_event=True)
    for column in ("month_end_date", "period_start_date", "outcome_end_date"):
        # from the end of a month to the end of a month
        planted[column] = planted[column] + pd.DateOffset(years=1)
    planted[list(features)] *= PLANTED_FACTOR
    return pd.concat([altered, planted.astype({"is_event": "boolean"})], ignore_index=True)


def moved_scores(
    before: pd.DataFrame, after: pd.DataFrame, key: Sequence[str], score: str, as_of_date: date
) -> pd.DataFrame:
    """Compare the scores up to a date of two fits: of what was known, and of the same with another future.

    Parameters
    ----------
    before, after : DataFrame
        `key`, among it ``month_end_date``, and the column `score`.
    key : sequence of str
    score : str
    as_of_date : date
        Scores of later months are not compared.

    Returns
    -------
    DataFrame
        `key`, ``score_before, score_after``: the rows whose score moved in any digit, appeared or vanished. Empty when
        the model does not know the future.
    """
    one, two = (
        frame.loc[frame["month_end_date"] <= pd.Timestamp(as_of_date), [*key, score]].set_index(list(key))[score]
        for frame in (before, after)
    )
    both = pd.concat({"score_before": one, "score_after": two}, axis=1)
    is_same = both["score_before"].eq(both["score_after"]) | both.isna().all(axis=1)
    return both[~is_same].sort_index().reset_index()


def _best_area(values: np.ndarray, is_event: np.ndarray) -> float:
    is_missing = np.isnan(values)
    if is_missing.all():
        return 0.5
    below, above = np.nanmin(values) - 1, np.nanmax(values) + 1
    weights = np.ones(len(values))
    areas = [
        area_under_curve(score_levels(is_event, np.where(is_missing, place, values), weights))
        for place in ((below, above) if is_missing.any() else (below,))
    ]
    return max(max(area, 1 - area) for area in areas)
