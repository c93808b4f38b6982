"""Additive scores as tables: each row says how a value becomes a part of the log odds.

Belongs here: fitting such a table by logistic regression, scoring rows from the table alone in Python and in SQL, and
the parts that make up a score. Does not belong here: which rows to fit on (``time_split``), whether the result is good
enough (``discrimination``, ``calibration``), words for the parts (``reasons``).

The contribution of a row of the table for a feature with value x is

    coefficient * (min(max(t(x), lower), upper) - centre) / scale        with t(x) = x or sign(x) ln(1 + |x|),
    missing_coefficient                                                  where x is null,

the row ``intercept`` adds its coefficient, and the probability is 1 / (1 + exp(-sum)). SQL says the same
(`score_query`).

A feature may have several rows: pieces whose bounds meet, [a, b], [b, c], ... Their sum is a piecewise-linear function
of t(x), continuous, with a bend at each bound (a linear spline, Hastie, Tibshirani and Friedman 2009, The Elements of
Statistical Learning, 5.2). Every piece is centred on its training mean, so that the parts of a feature average zero
over the training rows that have a value, and the intercept is the log odds of the average customer.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

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
class AdditiveFeature:
    """One column of the score, how its values are bent before they are weighed, and in how many pieces.

    With one piece the part is linear in the bent value; with more, slopes may differ between low and high values.
    """

    column: str
    transform: Literal["identity", "signed_log"]
    piece_count: int


def fit_coefficients(
    frame: pd.DataFrame, target: np.ndarray, features: Sequence[AdditiveFeature], inverse_penalty: float
) -> pd.DataFrame:
    """Fit a logistic regression with L2 penalty on winsorised, standardised pieces with missing indicators.

    Parameters
    ----------
    frame : DataFrame, (n, ...)
        Holds the columns of `features`; nulls are allowed.
    target : ndarray of bool, (n,)
        Both values must occur.
    features : sequence of AdditiveFeature
        At least one must vary; those that are constant or null throughout are left out of the table (see `varying`).
    inverse_penalty : float
        scikit-learn's ``C``: the smaller, the more the coefficients are drawn to zero.

    Returns
    -------
    DataFrame
        The columns of `COEFFICIENT_COLUMNS`: the intercept first, then one row per feature and piece. The missing
        coefficient stands in a feature's first row.

    Examples
    --------
    >>> frame = pd.DataFrame({"days": [0, 0, 0, 0, 20, 20, 20, 20]})
    >>> target = np.array([0, 0, 0, 1, 0, 1, 1, 1], dtype=bool)
    >>> table = fit_coefficients(frame, target, [AdditiveFeature("days", "identity", 1)], inverse_penalty=1e6)
    >>> table[["feature", "centre", "scale", "coefficient"]].round(3).to_dict("records")[1]
    {'feature': 'days', 'centre': 10.0, 'scale': 10.0, 'coefficient': 1.099}
    >>> score_probabilities(frame, table).round(3)[[0, 7]].tolist()
    [0.25, 0.75]
    """
    places = [place for feature in varying(frame, features) for place in _places(frame, feature)]
    table = pd.DataFrame(places)
    values = _standardised(frame, table)
    has_missing = np.isnan(values).any(axis=0) & ~table["feature"].duplicated().to_numpy()
    design = np.hstack([np.nan_to_num(values), np.isnan(values[:, has_missing])])
    # a Newton solver reaches the optimum to the last digits, so that the table does not depend on the stopping rule
    with threadpool_limits(limits=1):
        model = LogisticRegression(C=inverse_penalty, solver="newton-cholesky", tol=1e-10, max_iter=200)
        model.fit(design, target)
    weights = model.coef_[0]
    missing_weights = np.zeros(len(table))
    missing_weights[has_missing] = weights[len(table) :]
    table["coefficient"] = weights[: len(table)]
    table["missing_coefficient"] = missing_weights
    intercept = pd.DataFrame([{"feature": INTERCEPT, "transform": "identity", "coefficient": model.intercept_[0]}])
    whole = pd.concat([intercept.reindex(columns=list(COEFFICIENT_COLUMNS)).astype(COEFFICIENT_COLUMNS), table])
    return whole.astype(COEFFICIENT_COLUMNS).round(DECIMALS).reset_index(drop=True)


def varying(frame: pd.DataFrame, features: Sequence[AdditiveFeature]) -> list[AdditiveFeature]:
    """Return the features of which there is more than one value: the others have no scale and say nothing."""
    return [feature for feature in features if frame[feature.column].nunique() > 1]


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
    probabilities: np.ndarray = expit(base_log_odds(coefficients) + _parts(frame, coefficients).sum(axis=1))
    return probabilities


def contributions(frame: pd.DataFrame, coefficients: pd.DataFrame) -> pd.DataFrame:
    """Return what each feature adds to the log odds, against a customer who is average in it.

    `base_log_odds` plus the sum of a row is the log odds of its score.

    Parameters
    ----------
    frame : DataFrame, (n, ...)
        Holds the columns that the table names.
    coefficients : DataFrame
        As `fit_coefficients` returns it.

    Returns
    -------
    DataFrame, (n, number of features)
        One column per feature in the order of the table, the index of `frame`.
    """
    features = _terms(coefficients)["feature"]
    parts = _parts(frame, coefficients)
    return pd.DataFrame(
        {feature: parts[:, (features == feature).to_numpy()].sum(axis=1) for feature in features.unique()},
        index=frame.index,
    )


def base_log_odds(coefficients: pd.DataFrame) -> float:
    """Return the intercept: the log odds of a customer who is average in every feature."""
    return float(coefficients.loc[coefficients["feature"] == INTERCEPT, "coefficient"].sum())


def score_query(coefficients: pd.DataFrame, relation: str) -> str:
    """Write the score as SQL (DuckDB's), for a warehouse that scores without Python.

    Parameters
    ----------
    coefficients : DataFrame
        As `fit_coefficients` returns it.
    relation : str
        A table or a subquery in brackets, as SQL; it holds the columns that the table names.

    Returns
    -------
    str
        A query that returns the columns of the relation and ``probability``.

    Examples
    --------
    >>> row = {"feature": "x", "transform": "identity", "lower": 0, "upper": 30, "centre": 2, "scale": 5}
    >>> table = pd.DataFrame([
    ...     {"feature": "intercept", "coefficient": -2.0},
    ...     {**row, "coefficient": 0.5, "missing_coefficient": 0.0},
    ... ])
    >>> print(score_query(table, "borrowers"))
    select
        *,
        1 / (1 + exp(-(
            -2.0e0
            + if("x"::double is null, 0.0e0, 0.5e0 * (least(greatest("x"::double, 0.0e0), 30.0e0) - 2.0e0) / 5.0e0)
        ))) as probability
    from borrowers
    """
    terms = [_term_sql(row) for row in _terms(coefficients).to_dict("records")]
    total = "\n        + ".join([_literal(base_log_odds(coefficients)), *terms])
    return f"select\n    *,\n    1 / (1 + exp(-(\n        {total}\n    ))) as probability\nfrom {relation}"


def _term_sql(row: dict[Hashable, Any]) -> str:
    column = '"' + str(row["feature"]).replace('"', '""') + '"::double'
    bent = f"sign({column}) * ln(1 + abs({column}))" if row["transform"] == "signed_log" else column
    lower, upper, centre, scale, coefficient, missing = (
        _literal(row[name]) for name in ("lower", "upper", "centre", "scale", "coefficient", "missing_coefficient")
    )
    # greatest() and least() pass over nulls, so the null has to be kept from them
    inner = f"least(greatest({bent}, {lower}), {upper})"
    return f"if({column} is null, {missing}, {coefficient} * ({inner} - {centre}) / {scale})"


def _literal(value: object) -> str:
    # with an exponent it is a double; without, DuckDB reads a decimal
    text = repr(float(value))  # type: ignore[arg-type]
    return text if "e" in text else f"{text}e0"


def _terms(coefficients: pd.DataFrame) -> pd.DataFrame:
    return coefficients[coefficients["feature"] != INTERCEPT]


def _parts(frame: pd.DataFrame, coefficients: pd.DataFrame) -> np.ndarray:
    terms = _terms(coefficients)
    values = _standardised(frame, terms)
    parts: np.ndarray = np.where(
        np.isnan(values), terms["missing_coefficient"].to_numpy(), values * terms["coefficient"].to_numpy()
    )
    return parts


def _places(frame: pd.DataFrame, feature: AdditiveFeature) -> list[dict[str, object]]:
    values = _bent(_floats(frame, feature.column), feature.transform)
    values = values[~np.isnan(values)]
    bounds = _bounds(values, feature.piece_count)
    pieces = [np.clip(values, lower, upper) for lower, upper in pairwise(bounds)]
    return [
        {
            "feature": feature.column,
            "transform": feature.transform,
            "lower": float(lower),
            "upper": float(upper),
            "centre": round(float(piece.mean()), DECIMALS),
            "scale": round(float(piece.std()), DECIMALS),
        }
        for lower, upper, piece in zip(bounds[:-1], bounds[1:], pieces, strict=True)
    ]


def _bounds(values: np.ndarray, piece_count: int) -> np.ndarray:
    """Return where pieces meet: the ends, and quantiles of what lies between them."""
    lower, upper = np.quantile(values, [WINSORISED_SHARE, 1 - WINSORISED_SHARE])
    if lower == upper:
        # rare values, such as days past due, are what matters most: they are no outliers
        lower, upper = values.min(), values.max()
    inner = values[(values > lower) & (values < upper)]
    # taken among what lies between the ends, because most customers may have the same lowest value
    knots = np.quantile(inner, np.arange(1, piece_count) / piece_count) if len(inner) else np.empty(0)
    bounds = np.array([lower, *knots, upper]).round(DECIMALS)
    return np.unique(bounds)


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
