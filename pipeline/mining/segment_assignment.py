"""Assignment of customers to segments by a table of centroids, in NumPy and as SQL for anybody with the warehouse.

Belongs here: the nearest centre. Does not belong here: finding the centres (``segments``).

Both ways take the distance in scaled units, rounded to `DECIMALS`; of centres that are equally far the one with the
first code wins. New customers and other months are assigned by the same centres as long as the table stands.
"""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from pipeline.errors import InputError
from pipeline.frames import require_columns, require_rows, require_unique
from pipeline.mining.segment_behaviours import ACTIVE_PERSON
from pipeline.mining.segment_scaling import DECIMALS, scaled_values

SCALING_COLUMNS = (
    "behaviour",
    "block",
    "derivation",
    "measure",
    "unit",
    "lower",
    "upper",
    "centre",
    "scale",
    "weight",
)
CENTROID_COLUMNS = ("segment_code", *SCALING_COLUMNS, "scaled_centre")
CUSTOMERS_PER_BLOCK = 100_000  # 100,000 customers x 10 segments x 16 behaviours take 130 MB

_BENT_SQL = {
    "amount": "sign({value}) * ln(1 + abs({value}) / {unit})",
    "count": "sign({value}) * ln(1 + abs({value}) / {unit})",
    "share": "{value}",
    "composition": "sqrt(greatest({value}, 0))",
    "years": "{value}",
}


def centroid_table(scaling: pd.DataFrame, centres: np.ndarray) -> pd.DataFrame:
    """Join scaling and centres to the one table that assigns anybody.

    Parameters
    ----------
    scaling : DataFrame
        As ``segment_scaling.fit_scaling`` returns it.
    centres : ndarray of float, shape (segments, behaviours)
        In scaled units, in the order of the codes.

    Returns
    -------
    DataFrame
        `CENTROID_COLUMNS`, one row per segment and behaviour.
    """
    parts = [
        scaling.assign(segment_code=f"S{rank}", scaled_centre=row.round(DECIMALS))
        for rank, row in enumerate(centres, start=1)
    ]
    return pd.concat(parts, ignore_index=True)[list(CENTROID_COLUMNS)]


def assign_segments(values: pd.DataFrame, centroids: pd.DataFrame) -> pd.DataFrame:
    """Assign customers, given by their behaviours, to the nearest centre.

    Parameters
    ----------
    values : DataFrame
        ``customer_key`` and one column per behaviour, as ``segment_behaviours.active_persons`` returns them.
    centroids : DataFrame
        As `centroid_table` returns it.

    Returns
    -------
    DataFrame
        ``customer_key, segment_code, centre_distance``, in the order of `values`.

    Raises
    ------
    InputError
        If columns are missing, or the table of centroids is empty or incomplete.
    """
    scaling, centres, codes = _parts(centroids)
    require_columns(values, ["customer_key", *scaling["behaviour"]], "features")
    scaled = scaled_values(values, scaling)
    nearest = np.empty(len(scaled), dtype="int64")
    distance = np.empty(len(scaled))
    for start in range(0, len(scaled), CUSTOMERS_PER_BLOCK):
        block = slice(start, start + CUSTOMERS_PER_BLOCK)
        distances = np.sqrt(((scaled[block, None, :] - centres[None]) ** 2).sum(axis=2)).round(DECIMALS)
        nearest[block] = distances.argmin(axis=1)
        distance[block] = distances.min(axis=1)
    return pd.DataFrame(
        {
            "customer_key": values["customer_key"].to_numpy(),
            "segment_code": codes[nearest],
            "centre_distance": distance,
        }
    )


def assignment_query(centroids: pd.DataFrame, relation: str) -> str:
    """Write the DuckDB query that assigns the active persons of any months to the nearest centre.

    Parameters
    ----------
    centroids : DataFrame
        As `centroid_table` returns it, or as read back from ``mining.segment_centroids``.
    relation : str
        A table, a view or a query in parentheses with the columns of ``features.customer_months``.

    Returns
    -------
    str
        A query that gives ``customer_key, month_end_date, segment_code, centre_distance``, one row per active person
        and month, in that order. It needs no table but `relation`: derivations, scales and centres are written out.

    Raises
    ------
    InputError
        If the table of centroids is empty or incomplete.
    """
    scaling, centres, codes = _parts(centroids)
    rows = scaling.to_dict("records")
    derived = [f"        {row['derivation']} as {row['behaviour']}" for row in rows]
    scaled = [f"        {_scaled_sql(row)} as {row['behaviour']}" for row in rows]
    distances = [
        "        round(sqrt("
        + " + ".join(f"({row['behaviour']} - {_number(centre)}) ** 2" for row, centre in zip(rows, own, strict=True))
        + f"), {DECIMALS}) as distance_{code.lower()}"
        for code, own in zip(codes, centres.tolist(), strict=True)
    ]
    names = [f"distance_{code.lower()}" for code in codes]
    cases = [f"        when centre_distance = {name} then '{code}'" for code, name in zip(codes, names, strict=True)]
    return "\n".join(
        [
            "with derived as (",
            "    select",
            "        customer_key,",
            "        month_end_date,",
            ",\n".join(derived),
            f"    from {relation}",
            f"    where {ACTIVE_PERSON}",
            "),",
            "",
            "scaled as (",
            "    select",
            "        customer_key,",
            "        month_end_date,",
            ",\n".join(scaled),
            "    from derived",
            "),",
            "",
            "distances as (",
            "    select",
            "        customer_key,",
            "        month_end_date,",
            ",\n".join(distances),
            "    from scaled",
            "),",
            "",
            "nearest as (",
            f"    select *, least({', '.join(names)}) as centre_distance",
            "    from distances",
            ")",
            "",
            "select",
            "    customer_key,",
            "    month_end_date,",
            "    case",
            *cases,
            "    end as segment_code,",
            "    centre_distance",
            "from nearest",
            "order by customer_key, month_end_date",
        ]
    )


def _scaled_sql(row: dict[Hashable, Any]) -> str:
    value, lower, upper, centre = row["behaviour"], *(_number(row[name]) for name in ("lower", "upper", "centre"))
    bent = _BENT_SQL[row["measure"]].format(value=value, unit=_number(row["unit"]))
    # greatest and least pass over nulls: the unknown has to stay unknown until it becomes the bank's mean
    clipped = f"case when {value} is not null then least(greatest({bent}, {lower}), {upper}) end"
    return f"coalesce(({clipped} - {centre}) / {_number(row['scale'])} * {_number(row['weight'])}, 0)"


def _number(value: float) -> str:
    """Write a float so that DuckDB reads a double: without an exponent it would be a decimal."""
    return f"({float(value):.{DECIMALS}f}e0)" if value < 0 else f"{float(value):.{DECIMALS}f}e0"


def _parts(centroids: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return the scaling, the centres (segments x behaviours) and the codes of a table of centroids."""
    require_columns(centroids, CENTROID_COLUMNS, "centroids")
    require_rows(centroids, "centroids")
    require_unique(centroids, ["segment_code", "behaviour"], "centroids")
    # by number, as S10 sorts before S2
    codes = sorted(centroids["segment_code"].unique(), key=lambda code: int(code[1:]))
    scaling = centroids.loc[centroids["segment_code"] == codes[0], list(SCALING_COLUMNS)].reset_index(drop=True)
    table = centroids.pivot(index="segment_code", columns="behaviour", values="scaled_centre")
    if table.isna().any(axis=None):
        raise InputError(
            "the table of centroids is incomplete",
            expected="a centre for each segment and behaviour",
            found=f"{int(table.isna().sum().sum())} missing",
            where="centroids",
            action="take all rows of one month and one fit",
        )
    centres = table.loc[codes, scaling["behaviour"].tolist()].to_numpy(dtype="float64")
    return scaling, centres, np.array(codes, dtype=object)
