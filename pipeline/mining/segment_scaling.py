"""How behaviours of different kinds and heavy tails are brought to one scale, and how a scale is kept as a table.

Belongs here: bending, clipping and weighting of behaviours. Does not belong here: which behaviours there are
(``segment_behaviours``) and the same steps in SQL (``segment_assignment``).

Each value goes through four steps, all of them stated in one row of a table per behaviour:

1. bent: an amount as sign(x) ln(1 + |x| / unit), the unit being the median of the amounts that are not zero; a count
   as sign(x) ln(1 + |x|); the parts of a composition as their square roots, whose Euclidean distance is Hellinger's
   (Rao 1995, Qüestiió 19, 23-63); a share or an age as it is;
2. clipped to ``lower`` and ``upper``, the 0.5 % and 99.5 % quantiles, so that no giant has a say in scale or centre;
3. centred on the mean and divided by the standard deviation of the clipped values. The quartiles would be no better
   yardstick: half the customers of a bank may have none of something. The parts of a composition share one scale, the
   root of their mean variance, as Hellinger's distance wants it, or rare purchases would be mostly noise;
4. weighted by one over the root of the number of behaviours in the block that vary, so that blocks weigh alike.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.errors import InputError
from pipeline.mining.segment_behaviours import Behaviour

CLIPPED_TAIL = 0.005
DECIMALS = 6  # of every float that is stored: sums may differ in the last bits between machines


def fit_scaling(values: pd.DataFrame, behaviours: Sequence[Behaviour]) -> pd.DataFrame:
    """Measure the scale of each behaviour that varies between customers.

    Parameters
    ----------
    values : DataFrame
        One column per behaviour, one row per customer; null is unknown.
    behaviours : sequence of Behaviour

    Returns
    -------
    DataFrame
        ``behaviour, block, derivation, measure, unit, lower, upper, centre, scale, weight``, one row per behaviour that
        varies, in the order given. One that is the same for all but a few customers at either end does not vary.

    Raises
    ------
    InputError
        If no behaviour varies.

    Examples
    --------
    >>> age = Behaviour("age", "life_stage", "years", ("age",), "age", *[""] * 6)
    >>> fit_scaling(pd.DataFrame({"age": [20.0, 40.0]}), [age]).loc[0, ["centre", "scale", "weight"]].tolist()
    [30.0, 9.9, 1.0]
    """
    rows = []
    for behaviour in behaviours:
        column = values[behaviour.column].dropna().to_numpy(dtype="float64")
        unit = _unit(column) if behaviour.measure == "amount" else 1.0
        bent = bend(column, behaviour.measure, unit)
        lower, upper = np.quantile(bent, [CLIPPED_TAIL, 1 - CLIPPED_TAIL]).round(DECIMALS)
        clipped = bent.clip(lower, upper)
        rows.append(
            {
                "behaviour": behaviour.column,
                "block": behaviour.block,
                "derivation": behaviour.derivation,
                "measure": behaviour.measure,
                "unit": unit,
                "lower": lower,
                "upper": upper,
                "centre": clipped.mean(),
                "scale": clipped.std(),
            }
        )
    scaling = pd.DataFrame(rows)
    scaling = scaling[scaling["upper"] > scaling["lower"]].reset_index(drop=True)
    if scaling.empty:
        raise InputError(
            "no behaviour varies between customers",
            expected="at least one column with different values",
            found=f"the same value for all {len(values):,} customers in {', '.join(values.columns)}",
            where="features",
            action="wait for more business dates, or choose other behaviours",
        )
    is_part = scaling["measure"] == "composition"
    scaling.loc[is_part, "scale"] = np.sqrt((scaling.loc[is_part, "scale"] ** 2).mean())
    scaling["weight"] = 1 / np.sqrt(scaling.groupby("block")["behaviour"].transform("size"))
    return scaling.round({"centre": DECIMALS, "scale": DECIMALS, "weight": DECIMALS})


def _unit(column: np.ndarray) -> float:
    amounts = np.abs(column[column != 0])
    # without an amount there is nothing to bend, and any unit will do
    return round(float(np.median(amounts)), DECIMALS) if len(amounts) else 1.0


def bend(column: np.ndarray, measure: str, unit: float) -> np.ndarray:
    """Bend heavy tails; money may be negative (an overdraft).

    Parameters
    ----------
    column : ndarray of float
    measure : str
        Of the behaviour.
    unit : float
        The amount at which a logarithm takes over from a straight line; 1 for anything but money.

    Returns
    -------
    ndarray of float

    Examples
    --------
    >>> bend(np.array([-9.0, 0.0, 90.0]), "amount", 10.0).round(3).tolist()
    [-0.642, 0.0, 2.303]
    >>> bend(np.array([0.25]), "composition", 1.0).tolist()
    [0.5]
    """
    if measure in ("amount", "count"):
        bent: np.ndarray = np.sign(column) * np.log(1 + np.abs(column) / unit)
        return bent
    if measure == "composition":
        return np.sqrt(np.maximum(column, 0))
    return column


def scaled_values(values: pd.DataFrame, scaling: pd.DataFrame) -> np.ndarray:
    """Scale customers by a table that `fit_scaling` made.

    Parameters
    ----------
    values : DataFrame
        One column per behaviour; null is unknown.
    scaling : DataFrame
        As `fit_scaling` returns it.

    Returns
    -------
    ndarray of float, shape (customers, behaviours)
        The unknown is 0, the bank's mean.
    """
    columns = []
    for row in scaling.to_dict("records"):
        bent = bend(values[row["behaviour"]].to_numpy(dtype="float64"), row["measure"], row["unit"])
        columns.append((bent.clip(row["lower"], row["upper"]) - row["centre"]) / row["scale"] * row["weight"])
    return np.nan_to_num(np.column_stack(columns), nan=0.0)
