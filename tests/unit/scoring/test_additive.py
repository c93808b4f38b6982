"""The table is the model: it scores as scikit-learn does, and no row looks at another."""

from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from pipeline.scoring.additive import (
    INTERCEPT,
    AdditiveFeature,
    base_log_odds,
    contributions,
    fit_coefficients,
    score_probabilities,
    score_query,
)

FEATURES = (
    AdditiveFeature("balance", "signed_log", 1),
    AdditiveFeature("utilisation", "identity", 1),
    AdditiveFeature("days", "identity", 1),
    AdditiveFeature("constant", "identity", 1),
    AdditiveFeature("unknown", "identity", 1),
)
PIECED = tuple(replace(feature, piece_count=3) for feature in FEATURES)


def _borrowers(rows: int = 2_000) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(2)
    frame = pd.DataFrame(
        {
            "balance": random.normal(0, 1e4, rows).round(2),
            "utilisation": np.where(random.random(rows) < 0.4, np.nan, random.random(rows)),
            "days": np.where(random.random(rows) < 0.003, 20.0, 0.0),
            "constant": 1.0,
            "unknown": np.nan,
        }
    )
    log_odds = -2 - np.sign(frame["balance"]) + frame["utilisation"].fillna(1.5) + frame["days"] / 5
    return frame, random.random(rows) < 1 / (1 + np.exp(-log_odds.to_numpy()))


def test_table_scores_like_scikit_learn() -> None:
    """The probabilities from the table are those of a logistic regression set up apart, to 1e-9."""
    frame, target = _borrowers()
    table = fit_coefficients(frame, target, FEATURES, inverse_penalty=0.5)
    balance = np.sign(frame["balance"]) * np.log1p(frame["balance"].abs())
    columns = []
    for values in (balance, frame["utilisation"]):
        inner = values.clip(*values.quantile([0.005, 0.995]))
        columns.append(((inner - inner.mean()) / inner.std(ddof=0)).fillna(0))
    columns.append((frame["days"] - frame["days"].mean()) / frame["days"].std(ddof=0))
    columns.append(frame["utilisation"].isna().astype(float))
    design = np.column_stack(columns)
    model = LogisticRegression(C=0.5, solver="newton-cholesky", tol=1e-10).fit(design, target)
    assert np.abs(score_probabilities(frame, table) - model.predict_proba(design)[:, 1]).max() < 1e-9


def test_rare_values_are_not_winsorised_away() -> None:
    """Days past due in 3 of 1,000 rows are the strongest sign there is; quantiles alone would cut them off."""
    frame, target = _borrowers()
    row = fit_coefficients(frame, target, FEATURES, 0.5).set_index("feature").loc["days"]
    assert (row["lower"], row["upper"]) == (0, 20)
    assert row["coefficient"] > 0


def test_columns_that_say_nothing_are_left_out() -> None:
    """A constant or empty column has no scale; it is no row of the table instead of a division by zero."""
    frame, target = _borrowers()
    table = fit_coefficients(frame, target, FEATURES, 0.5)
    assert list(table["feature"]) == [INTERCEPT, "balance", "utilisation", "days"]


@pytest.mark.parametrize("features", [FEATURES, PIECED])
def test_sql_scores_from_the_table(features: tuple[AdditiveFeature, ...]) -> None:
    """The query made of the table gives the probabilities of Python for every row: nulls, negatives, outliers too."""
    frame, target = _borrowers(3_000)
    coefficients = fit_coefficients(frame, target, features, 0.5)
    outside = pd.DataFrame({"balance": [-1e12, 1e12, None], "utilisation": [5, -3, None], "days": [99, None, -1]})
    borrowers = pd.concat([frame, outside], ignore_index=True)
    borrowers["row_number"] = range(len(borrowers))
    with duckdb.connect() as connection:
        connection.register("borrowers", borrowers)
        query = f"select probability from ({score_query(coefficients, 'borrowers')}) order by row_number"
        scored = connection.execute(query).fetchnumpy()["probability"]
    assert len(scored) == 3_003
    assert np.abs(scored - score_probabilities(borrowers, coefficients)).max() < 1e-9


def test_pieces_score_like_scikit_learn() -> None:
    """Several pieces are a linear spline: the probabilities are those of a design of hinges set up apart."""
    random = np.random.default_rng(4)
    values = random.uniform(0, 10, 4_000)
    frame = pd.DataFrame({"value": values})
    target = random.random(4_000) < 1 / (1 + np.exp(1 + 2 * np.abs(values - 5) / 5))
    table = fit_coefficients(frame, target, [AdditiveFeature("value", "identity", 3)], inverse_penalty=0.5)
    terms = table.iloc[1:]
    assert len(terms) == 3
    assert list(terms["upper"].iloc[:-1]) == list(terms["lower"].iloc[1:])
    lower, upper = np.quantile(values, [0.005, 0.995])
    inner = values[(values > lower) & (values < upper)]
    bounds = [lower, *np.quantile(inner, [1 / 3, 2 / 3]), upper]
    design = np.column_stack([np.clip(values, bounds[at], bounds[at + 1]) for at in range(3)])
    design = (design - design.mean(axis=0)) / design.std(axis=0)
    model = LogisticRegression(C=0.5, solver="newton-cholesky", tol=1e-10).fit(design, target)
    assert np.abs(score_probabilities(frame, table) - model.predict_proba(design)[:, 1]).max() < 1e-9
    # a hill, which no straight line follows
    assert terms["coefficient"].iloc[0] > 0 > terms["coefficient"].iloc[2]


def test_rare_values_leave_pieces_where_there_are_any() -> None:
    """Four in five customers have none, so that quantiles of all coincide: knots lie among those that have some."""
    random = np.random.default_rng(6)
    counts = np.where(random.random(5_000) < 0.8, 0, random.integers(1, 30, 5_000))
    table = fit_coefficients(
        pd.DataFrame({"count": counts}), counts > 15, [AdditiveFeature("count", "identity", 3)], 0.5
    )
    assert len(table) == 4
    assert table["lower"].iloc[1] == 0
    assert (table["scale"].iloc[1:] > 0).all()


@pytest.mark.parametrize("features", [FEATURES, PIECED])
def test_contributions_add_up_to_the_score(features: tuple[AdditiveFeature, ...]) -> None:
    """Base plus the parts of all features are the log odds; a part averages zero where there is a value."""
    frame, target = _borrowers()
    table = fit_coefficients(frame, target, features, 0.5)
    parts = contributions(frame, table)
    assert list(parts.columns) == ["balance", "utilisation", "days"]
    log_odds = logit(score_probabilities(frame, table))
    assert np.abs(base_log_odds(table) + parts.sum(axis=1) - log_odds).max() < 1e-9
    assert parts["balance"].mean() == pytest.approx(0, abs=1e-9)
    assert parts.loc[frame["utilisation"].notna(), "utilisation"].mean() == pytest.approx(0, abs=1e-9)


def test_a_row_is_scored_on_its_own() -> None:
    """The score of a row is the same alone and among others, in any order."""
    frame, target = _borrowers(200)
    table = fit_coefficients(frame, target, FEATURES, 0.5)
    whole = score_probabilities(frame, table)
    assert score_probabilities(frame.iloc[[17]], table)[0] == whole[17]
    assert (score_probabilities(frame.iloc[::-1], table) == whole[::-1]).all()


def test_same_table_in_any_order_of_rows() -> None:
    """The optimum does not depend on the order of the training rows, beyond the last digits of their sums."""
    frame, target = _borrowers()
    order = np.random.default_rng(0).permutation(len(frame))
    one = fit_coefficients(frame, target, FEATURES, 0.5)
    two = fit_coefficients(frame.iloc[order], target[order], FEATURES, 0.5)
    pd.testing.assert_frame_equal(one, two, rtol=0, atol=1e-8)


def test_penalty_draws_to_zero() -> None:
    """A stronger penalty makes smaller coefficients: the argument reaches the fit."""
    frame, target = _borrowers()
    weak, strong = (fit_coefficients(frame, target, FEATURES, penalty) for penalty in (10.0, 0.001))
    assert strong["coefficient"].iloc[1:].abs().sum() < 0.5 * weak["coefficient"].iloc[1:].abs().sum()
