"""How segments change over months while their centres stand: sizes, fit, and who moved where.

Belongs here: figures on the assignments of several months by one table of centroids. Does not belong here: making the
assignments (``segment_assignment``).
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from pipeline.errors import InputError
from pipeline.frames import require_columns, require_rows, require_unique, require_values
from pipeline.mining.segment_scaling import DECIMALS

ASSIGNMENT_COLUMNS = ("customer_key", "month_end_date", "segment_code", "centre_distance")
SMALLEST_SHARE_IN_INDEX = 0.0001  # an empty segment would make the index infinite
NO_SEGMENT = "none"
UNDIVIDED = -1


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
    divided = _divided(assignments)
    if fitted_month_end_date not in divided.months:
        raise InputError(
            "the month that segments were fitted to is not among the assignments",
            expected=f"assignments of {fitted_month_end_date}",
            found=f"{divided.months[0]} to {divided.months[-1]}",
            where="assignments",
            action="assign the customers of the fitted month, too",
        )
    counts, distances = _sizes(divided, assignments["centre_distance"].to_numpy(dtype="float64"))
    shares = counts / counts.sum(axis=1, keepdims=True)
    actual = shares.clip(min=SMALLEST_SHARE_IN_INDEX)
    expected = actual[divided.months.get_loc(fitted_month_end_date)]
    index = ((actual - expected) * np.log(actual / expected)).sum(axis=1)
    first_month = np.full((1, len(divided.codes)), np.nan)
    drift = pd.DataFrame(
        {
            "month_end_date": divided.months.repeat(len(divided.codes)),
            "segment_code": np.tile(divided.codes, len(divided.months)),
            "customer_count": counts.ravel(),
            "customer_share": shares.ravel(),
            "share_change": np.vstack([first_month, np.diff(shares, axis=0)]).ravel(),
            "mean_centre_distance": distances.ravel(),
            "population_stability_index": index.repeat(len(divided.codes)),
        }
    )
    numbers = ["customer_share", "share_change", "mean_centre_distance", "population_stability_index"]
    # plus zero, so that what rounds to nothing is not written as -0
    drift[numbers] = drift[numbers].round(DECIMALS) + 0.0
    return drift


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
    divided = _divided(assignments)
    # behind the last segment: those without one
    codes = np.array([*divided.codes, NO_SEGMENT], dtype=object)
    segments = np.where(divided.segments == UNDIVIDED, len(divided.codes), divided.segments)
    parts = []
    for month in range(1, len(divided.months)):
        pairs = segments[:, month - 1].astype("int64") * len(codes) + segments[:, month]
        counts = np.bincount(pairs, minlength=len(codes) ** 2)
        counts[-1] = 0  # in neither month
        taken = np.flatnonzero(counts)
        parts.append(
            pd.DataFrame(
                {
                    "month_end_date": divided.months[[month] * len(taken)],
                    "from_segment_code": codes[taken // len(codes)],
                    "to_segment_code": codes[taken % len(codes)],
                    "customer_count": counts[taken],
                }
            )
        )
    if not parts:
        return pd.DataFrame(columns=["month_end_date", "from_segment_code", "to_segment_code", "customer_count"])
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class _Divided:
    """The assignments without their text, which is slow to sort and to join where there are millions.

    Attributes
    ----------
    months : Index
        Ascending.
    codes : list of str
        Of the segments, by number, as S10 is not between S1 and S2.
    month_of_row : ndarray of int, shape (rows,)
        Position in `months`.
    segment_of_row : ndarray of int, shape (rows,)
        Position in `codes`.
    segments : ndarray of int, shape (customers, months)
        Position in `codes`, `UNDIVIDED` where the customer has no segment.
    """

    months: pd.Index
    codes: list[str]
    month_of_row: np.ndarray
    segment_of_row: np.ndarray
    segments: np.ndarray


def _divided(assignments: pd.DataFrame) -> _Divided:
    require_columns(assignments, ASSIGNMENT_COLUMNS, "assignments")
    require_rows(assignments, "assignments")
    require_values(assignments, list(ASSIGNMENT_COLUMNS), "assignments")
    customer_of_row, customers = pd.factorize(assignments["customer_key"])
    month_of_row, months = pd.factorize(assignments["month_end_date"], sort=True)
    found_of_row, found = pd.factorize(assignments["segment_code"])
    codes = sorted(found, key=lambda code: int(code[1:]))
    segment_of_row = np.array([codes.index(code) for code in found])[found_of_row]
    segments = np.full((len(customers), len(months)), UNDIVIDED, dtype="int16")
    segments[customer_of_row, month_of_row] = segment_of_row
    if np.count_nonzero(segments != UNDIVIDED) < len(assignments):
        # only to say which: to look for what is not there takes longer than all the rest
        require_unique(assignments, ["customer_key", "month_end_date"], "assignments")
    return _Divided(pd.Index(months), codes, month_of_row, segment_of_row, segments)


def _sizes(divided: _Divided, distance_of_row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return customers and mean distance by month and segment; without a customer there is no distance."""
    shape = (len(divided.months), len(divided.codes))
    cell_of_row = divided.month_of_row * shape[1] + divided.segment_of_row
    counts = np.bincount(cell_of_row, minlength=shape[0] * shape[1]).reshape(shape)
    sums = np.bincount(cell_of_row, weights=distance_of_row, minlength=shape[0] * shape[1]).reshape(shape)
    return counts, np.divide(sums, counts, out=np.full(shape, np.nan), where=counts > 0)
