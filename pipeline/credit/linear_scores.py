"""Linear scores as tables: one row per feature says how its value becomes a part of the log odds.

Belongs here: fitting such a table by logistic regression and scoring rows from the table alone. Does not belong here:
which rows to fit on and whether the result is good enough (``default_model``, ``discrimination``).

The contribution of a feature with value x is

    coefficient * (min(max(t(x), lower), upper) - centre) / scale        with t(x) = x or sign(x) ln(1 + |x|),
    missing_coefficient                                                  where x is null,

the row ``intercept`` adds its coefficient, and the probability is 1 / (1 + exp(-sum)). SQL can say the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

INTERCEPT = "intercept"
COEFFICIENT_COLUMNS = {
    "feature": "str",
    "transform": "str",
    "lower": "float64",
    "upper": "float64",
    "centre": "float64",
    "scale": "float64",
    "coefficient": "float64",
    "missing_coefficient": "float64",
}
WINSORISED_SHARE = 0.005  # at each end
DECIMALS = 10  # of every stored figure: machines differ beyond, and a version is the hash of the table


@dataclass(frozen=True)
class RiskFeature:
    """One column of the score and how its values are bent before they are weighed."""

    column: str
    transform: Literal["identity", "signed_log"]


def fit_coefficients(
    frame: pd.DataFrame, target: np.ndarray, features: Sequence[RiskFeature], inverse_penalty: float
) -> pd.DataFrame:
    """Fit a logistic regression with L2 penalty on winsorised, standardised features with missing indicators.

    Parameters
    ----------
    frame : DataFrame, (n, ...)
        Holds the columns of `features`; nulls are allowed.
    target : ndarray of bool, (n,)
        Both values must occur.
    features : sequence of RiskFeature
        Columns that are constant or null throughout are left out of the table.
    inverse_penalty : float
        scikit-learn's ``C``: the smaller, the more the coefficients are drawn to zero.

    Returns
    -------
    DataFrame
        The columns of `COEFFICIENT_COLUMNS`: the intercept first, then one row per feature.
    """
    varying = [feature for feature in features if frame[feature.column].nunique() > 1]
    table = pd.DataFrame([_placement(frame, feature) for feature in varying])
    values = _standardised(frame, table)
    is_missing = np.isnan(values)
    has_missing = is_missing.any(axis=0)
    design = np.hstack([np.nan_to_num(values), is_missing[:, has_missing]])
    # a Newton solver reaches the optimum to the last digits, so that the table does not depend on the stopping rule
    with threadpool_limits(limits=1):
        model = LogisticRegression(C=inverse_penalty, solver="newton-cholesky", tol=1e-10, max_iter=200)
        model.fit(design, target)
    weights = model.coef_[0]
    missing_weights = np.zeros(len(varying))
    missing_weights[has_missing] = weights[len(varying) :]
    table["coefficient"] = weights[: len(varying)]
    table["missing_coefficient"] = missing_weights
    intercept = pd.DataFrame([{"feature": INTERCEPT, "transform": "identity", "coefficient": model.intercept_[0]}])
    whole = pd.concat([intercept.reindex(columns=list(COEFFICIENT_COLUMNS)).astype(COEFFICIENT_COLUMNS), table])
    return whole.astype(COEFFICIENT_COLUMNS).round(DECIMALS).reset_index(drop=True)


def score_probabilities(frame: pd.DataFrame, coefficients: pd.DataFrame) -> np.ndarray:
    """Score rows from the table alone.

    Parameters
    ----------
    frame : DataFrame, (n, ...)
        Holds the columns that the table names.
    coefficients : DataFrame
        As `fit_coefficients` returns it.

    Returns
    -------
    ndarray of float, (n,)
        Probabilities; each depends on its own row only.
    """
    table = coefficients[coefficients["feature"] != INTERCEPT]
    intercept = coefficients.loc[coefficients["feature"] == INTERCEPT, "coefficient"].sum()
    values = _standardised(frame, table)
    parts = np.where(
        np.isnan(values), table["missing_coefficient"].to_numpy(), values * table["coefficient"].to_numpy()
    )
    probabilities: np.ndarray = expit(intercept + parts.sum(axis=1))
    return probabilities


def _placement(frame: pd.DataFrame, feature: RiskFeature) -> dict[str, object]:
    values = _bent(_floats(frame, feature.column), feature.transform)
    values = values[~np.isnan(values)]
    lower, upper = np.quantile(values, [WINSORISED_SHARE, 1 - WINSORISED_SHARE])
    if lower == upper:
        # rare values, such as days past due, are what matters most: they are no outliers
        lower, upper = values.min(), values.max()
    inner = np.clip(values, lower, upper)
    return {
        "feature": feature.column,
        "transform": feature.transform,
        "lower": round(float(lower), DECIMALS),
        "upper": round(float(upper), DECIMALS),
        "centre": round(float(inner.mean()), DECIMALS),
        "scale": round(float(inner.std()), DECIMALS),
    }


def _standardised(frame: pd.DataFrame, table: pd.DataFrame) -> np.ndarray:
    columns = [
        (np.clip(_bent(_floats(frame, row["feature"]), row["transform"]), row["lower"], row["upper"]) - row["centre"])
        / row["scale"]
        for row in table.to_dict("records")
    ]
    return np.column_stack(columns) if columns else np.empty((len(frame), 0))


def _floats(frame: pd.DataFrame, column: str) -> np.ndarray:
    return frame[column].astype("float64").to_numpy()


def _bent(values: np.ndarray, transform: str) -> np.ndarray:
    return np.sign(values) * np.log1p(np.abs(values)) if transform == "signed_log" else values
