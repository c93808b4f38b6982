"""How segments change over months while their centres stand: sizes, fit, and who moved where.

Belongs here: figures on the assignments of several months by one table of centroids. Does not belong here: making the
assignments (``segment_assignment``).
"""

from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

from pipeline.errors import InputError
from pipeline.frames import require_columns, require_rows, require_unique, require_values
from pipeline.mining.segment_scaling import DECIMALS

ASSIGNMENT_COLUMNS = ("customer_key", "month_end_date", "segment_code", "centre_distance")
SMALLEST_SHARE_IN_INDEX = 0.0001  # an empty segment would make the index infinite
NO_SEGMENT = "none"


def segment_drift(assignments: pd.DataFrame, fitted_month_end_date: date) -> pd.DataFrame:
    """Measure how the segments of each month differ from those of the month the centres were fitted to.

    The population stability index is the sum over segments of (a - e) ln(a / e), where e is a segment's share in the
    fitted month and a its share in the month (Siddiqi 2006, Credit Risk Scorecards, p. 137). The usual reading: below
    0.1 no change that matters, up to 0.25 a shift to look into, above it another population: fit the segments anew. A
    mean distance from the centre that grows while shares stand says that customers move away from all segments.

    Parameters
    ----------
    assignments : DataFrame
        ``customer_key, month_end_date, segment_code, centre_distance``: one row per customer and month.
    fitted_month_end_date : date
        One of the months.

    Returns
    -------
    DataFrame
        ``month_end_date, segment_code, customer_count, customer_share, share_change, mean_centre_distance,
        population_stability_index``: one row per month and segment, in this order, also for a segment that is empty
        in a month (without a distance). ``share_change`` is the change to the month before, null in the first month;
        the index is of the month, and stands in each of its rows.

    Raises
    ------
    InputError
        If columns are missing, there are no rows or nulls, a customer comes twice in a month, or the fitted month is
        not among the months.

    Examples
    --------
    >>> assignments = pd.DataFrame(
    ...     [("a", 1, "S1"), ("b", 1, "S2"), ("a", 2, "S1"), ("b", 2, "S1"), ("c", 2, "S1"), ("d", 2, "S2")],
    ...     columns=["customer_key", "month_end_date", "segment_code"],
    ... ).assign(centre_distance=1.0)
    >>> drift = segment_drift(assignments, 1)
    >>> drift.loc[2, ["customer_share", "share_change", "population_stability_index"]].tolist()
    [0.75, 0.25, 0.274653]
    """
    _check(assignments)
    by_segment = assignments.groupby(["month_end_date", "segment_code"])["centre_distance"].agg(["size", "mean"])
    counts = by_segment["size"].unstack(fill_value=0).sort_index()
    if fitted_month_end_date not in counts.index:
        raise InputError(
            "the month that segments were fitted to is not among the assignments",
            expected=f"assignments of {fitted_month_end_date}",
            found=f"{counts.index[0]} to {counts.index[-1]}",
            where="assignments",
            action="assign the customers of the fitted month, too",
        )
    shares = counts.div(counts.sum(axis=1), axis=0)
    actual = shares.clip(lower=SMALLEST_SHARE_IN_INDEX)
    expected = actual.loc[fitted_month_end_date]
    index = ((actual - expected) * np.log(actual / expected)).sum(axis=1)
    drift = pd.DataFrame(
        {
            "customer_count": counts.stack(),
            "customer_share": shares.stack(),
            "share_change": shares.diff().stack(future_stack=True),
            "mean_centre_distance": by_segment["mean"],
        }
    ).reset_index()
    drift["population_stability_index"] = drift["month_end_date"].map(index)
    numbers = ["customer_share", "share_change", "mean_centre_distance", "population_stability_index"]
    # plus zero, so that what rounds to nothing is not written as -0
    drift[numbers] = drift[numbers].round(DECIMALS) + 0.0
    return drift.sort_values(["month_end_date", "segment_code"], key=_in_order, ignore_index=True)


def segment_movements(assignments: pd.DataFrame) -> pd.DataFrame:
    """Count customers by the segment they were in a month ago and the one they are in now.

    Parameters
    ----------
    assignments : DataFrame
        ``customer_key, month_end_date, segment_code, centre_distance``: one row per customer and month. The months are
        taken as they follow each other in the table.

    Returns
    -------
    DataFrame
        ``month_end_date, from_segment_code, to_segment_code, customer_count``, from the second month on, in this order,
        without the pairs that nobody took. From "none" come those who are new or active again, to "none" go those who
        left or did nothing for three months.

    Raises
    ------
    InputError
        If columns are missing, there are no rows or nulls, or a customer comes twice in a month.

    Examples
    --------
    >>> assignments = pd.DataFrame(
    ...     [("a", 1, "S1"), ("b", 1, "S2"), ("a", 2, "S2"), ("c", 2, "S1")],
    ...     columns=["customer_key", "month_end_date", "segment_code"],
    ... ).assign(centre_distance=1.0)
    >>> segment_movements(assignments)
       month_end_date from_segment_code to_segment_code  customer_count
    0               2                S1              S2               1
    1               2                S2            none               1
    2               2              none              S1               1
    """
    _check(assignments)
    months = sorted(assignments["month_end_date"].unique())
    following = dict(pairwise(months))
    now = assignments[assignments["month_end_date"] != months[0]]
    now = now[["customer_key", "month_end_date", "segment_code"]].rename(columns={"segment_code": "to_segment_code"})
    before = assignments[assignments["month_end_date"] != months[-1]]
    before = before[["customer_key", "month_end_date", "segment_code"]].rename(
        columns={"segment_code": "from_segment_code"}
    )
    before["month_end_date"] = before["month_end_date"].map(following).astype(now["month_end_date"].dtype)
    key = ["month_end_date", "from_segment_code", "to_segment_code"]
    moved = before.merge(now, on=["customer_key", "month_end_date"], how="outer").fillna(
        {"from_segment_code": NO_SEGMENT, "to_segment_code": NO_SEGMENT}
    )
    counts = moved.groupby(key).size().rename("customer_count").reset_index()
    return counts.sort_values(key, key=_in_order, ignore_index=True)


def _in_order(column: pd.Series) -> pd.Series:
    """Sort codes by number, as S10 is not between S1 and S2, and those without a segment last."""
    if column.name == "month_end_date":
        return column
    return column.map(lambda code: np.inf if code == NO_SEGMENT else int(code[1:]))


def _check(assignments: pd.DataFrame) -> None:
    require_columns(assignments, ASSIGNMENT_COLUMNS, "assignments")
    require_rows(assignments, "assignments")
    require_values(assignments, list(ASSIGNMENT_COLUMNS), "assignments")
    require_unique(assignments, ["customer_key", "month_end_date"], "assignments")
