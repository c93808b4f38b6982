"""The table is the model: it scores as scikit-learn does, and no row looks at another."""

import duckdb
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from pipeline.credit.linear_scores import INTERCEPT, RiskFeature, fit_coefficients, score_probabilities

FEATURES = (
    RiskFeature("balance", "signed_log"),
    RiskFeature("utilisation", "identity"),
    RiskFeature("days", "identity"),
    RiskFeature("constant", "identity"),
    RiskFeature("unknown", "identity"),
)


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


def test_sql_scores_from_the_table() -> None:
    """The formula in the module's docstring, said in SQL over the stored table, gives the same probabilities."""
    frame, target = _borrowers(300)
    coefficients = fit_coefficients(frame, target, FEATURES, 0.5)
    borrowers = frame.assign(row_number=range(len(frame)))
    with duckdb.connect() as connection:
        connection.register("borrowers", borrowers)
        connection.register("coefficients", coefficients)
        scored = connection.execute(
            """
            with long as (
                from borrowers unpivot include nulls (x for feature in (balance, utilisation, days))
            ),
            bent as (
                select row_number, coefficients.*,
                    if(transform = 'signed_log', sign(x) * ln(1 + abs(x)), x) as bent_x
                from long join coefficients using (feature)
            ),
            parts as (
                select row_number, if(
                    bent_x is null,
                    missing_coefficient,
                    coefficient * (least(greatest(bent_x, lower), upper) - centre) / scale
                ) as part
                from bent
            )
            select 1 / (1 + exp(-(sum(part) + (select coefficient from coefficients where feature = 'intercept')))) as p
            from parts group by row_number order by row_number
            """
        ).fetchnumpy()["p"]
    assert np.abs(scored - score_probabilities(frame, coefficients)).max() < 1e-9


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
