"""Churn: planted leavers of several causes are found in time, and the cause is named; the future moves nothing.

Tempting clean-ups that these tests guard against: naming the first feature instead of the group that adds most, and
taking a late month's label for known.
"""

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.mining.churn import CAUSES, CHURN_FEATURES, ChurnModel, fit_churn_model
from pipeline.scoring.leakage import moved_scores, plant_future
from pipeline.scoring.time_split import month_periods

MONTHS = pd.date_range("2025-01-31", "2025-12-31", freq="ME")
AS_OF = date(2025, 12, 31)
COLUMNS = [feature.column for feature in CHURN_FEATURES]
KEY = ["customer_key", "month_end_date"]
# what shows in the months before a loss, by cause
SIGNS = {
    "activity_falls": {
        "own_transactions_1m_count": 2,
        "own_transactions_trend_ratio": 0.2,
        "purchase_trend_ratio": 0.2,
    },
    "salary_gone": {"months_since_last_salary": 2, "inflow_trend_ratio": 0.1},
    "balance_moved_out": {
        "deposit_balance_trend_ratio": 0.1,
        "transfers_out_trend_ratio": 6,
        "transfers_out_1m_amount": 9e4,
    },
    "complaint": {"complaints_1m_count": 2, "complaints_3m_count": 2, "satisfaction_3m_average": 1},
}


def _customer_months(customers: int = 1_500, seed: int = 0) -> pd.DataFrame:
    """A year of active persons; one in 25 customer-months shows the signs of a cause, and half of those are lost."""
    random = np.random.default_rng(seed)
    size = customers * len(MONTHS)
    frame = pd.DataFrame(
        {
            "customer_key": np.repeat([f"c{number:05d}" for number in range(customers)], len(MONTHS)),
            "month_end_date": np.tile(MONTHS, customers),
            "history_months": np.tile(range(1, len(MONTHS) + 1), customers),
            "horizon_months": 3,
            "own_transactions_1m_count": random.poisson(11, size),
            "own_transactions_3m_count": random.poisson(33, size),
            "own_transactions_trend_ratio": random.lognormal(0, 0.2, size),
            "days_since_last_own_transaction": random.geometric(0.4, size) - 1,
            "purchase_trend_ratio": random.lognormal(0, 0.3, size),
            # most have a salary on record, which came this month
            "months_since_last_salary": np.where(random.random(size) < 0.6, 0, np.nan),
            "inflow_trend_ratio": random.lognormal(0, 0.2, size),
            "deposit_end_balance_amount": random.lognormal(9, 1, size).round(2),
            "deposit_balance_trend_ratio": random.lognormal(0, 0.2, size),
            "transfers_out_1m_amount": random.lognormal(6, 1, size).round(2),
            "transfers_out_trend_ratio": random.lognormal(0, 0.4, size),
            "complaints_1m_count": random.random(size) < 0.02,
            "complaints_3m_count": random.random(size) < 0.06,
            "satisfaction_3m_average": np.where(random.random(size) < 0.3, random.integers(2, 6, size), np.nan),
            "fees_3m_count": random.poisson(0.6, size),
            "own_interactions_3m_count": random.poisson(2, size),
            "own_interactions_trend_ratio": random.lognormal(0, 0.5, size),
            "tenure_months": random.integers(1, 200, size),
            "products_held_count": random.integers(1, 6, size),
        }
    )
    frame[COLUMNS] = frame[COLUMNS].astype("float64")
    planted = np.where(random.random(size) < 0.04, random.integers(len(SIGNS), size=size), -1)
    for position, signs in enumerate(SIGNS.values()):
        for column, value in signs.items():
            frame.loc[planted == position, column] = value
    frame["planted"] = np.array([*SIGNS, None], dtype=object)[planted]
    chance = np.where(planted >= 0, 0.5, 0.01)
    frame["is_attrited"] = pd.array(random.random(size) < chance, dtype="boolean")
    frame.loc[frame["month_end_date"] > MONTHS[-4], "is_attrited"] = pd.NA
    return frame


def _fitted(frame: pd.DataFrame, as_of: date = AS_OF, bootstraps: int = 40, test_months: int = 2) -> ChurnModel:
    return fit_churn_model(frame, 1, as_of, 20, test_months, 0.1, 0.95, bootstraps)


def _lift(model: ChurnModel, ranking_code: str) -> pd.Series:
    metrics = model.event_model.metrics.set_index(["ranking_code", "sample_code", "metric_code"])
    return metrics.loc[(ranking_code, "test", "lift_at_budget")]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return _customer_months()


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame) -> ChurnModel:
    return _fitted(frame)


def test_planted_leavers_are_found_in_time(model: ChurnModel) -> None:
    """Of those who can be contacted far more are lost than by recency or at random, in months not learnt from."""
    assert model.event_model.outcome == "fitted"
    lifts = {code: _lift(model, code) for code in ("model", "simple_rule", "random")}
    assert lifts["model"]["lower_bound"] > 4
    assert lifts["model"]["lower_bound"] > lifts["simple_rule"]["upper_bound"]
    assert lifts["random"]["lower_bound"] < 1 < lifts["random"]["upper_bound"]


def test_planted_causes_are_named(frame: pd.DataFrame, model: ChurnModel) -> None:
    """Nearly all with the signs of one cause are warned of for that cause, in words of both languages."""
    scores = model.scores.merge(frame[[*KEY, "planted"]], on=KEY)
    warned = scores[scores["planted"].notna()]
    right = (warned["cause_code"] == warned["planted"]).groupby(warned["planted"]).mean()
    assert set(right.index) == set(SIGNS)
    assert (right.drop("activity_falls") > 0.9).all()
    # activity that falls for no reason is told by whatever else is a little out of the ordinary in the other cases
    assert right["activity_falls"] > 0.4
    names = {cause.theme_code: (cause.name_en, cause.name_zh) for cause in CAUSES}
    told = warned[["cause_code", "cause_en", "cause_zh"]].drop_duplicates()
    assert all(names[code] == (en, zh) for code, en, zh in told.itertuples(index=False))


def test_first_reason_is_of_the_cause(model: ChurnModel) -> None:
    """Where the first reason is a notable cause it is the score's cause, and its figure is the customer's own."""
    first = model.reasons[model.reasons["reason_rank"] == 1]
    causes = [cause.theme_code for cause in CAUSES if cause.is_cause]
    notable = first[first["cause_code"].isin(causes) & (first["cause_contribution"] > 0.2)]
    both = model.scores.merge(notable, on=KEY, suffixes=("", "_first"))
    assert len(both) == len(notable) > 100
    for column in ("cause_code", "cause_en", "cause_zh", "model_version"):
        assert (both[column] == both[f"{column}_first"]).all()
    row = first[first["feature"] == "own_transactions_1m_count"].sort_values("feature_value").iloc[0]
    usual = f"{model.event_model.usual['own_transactions_1m_count']:.1f}"
    assert row["feature_value"] == 2
    assert row["reason_en"] == f"few own transactions (own transactions of the month: 2, usual: {usual})"
    assert row["reason_zh"] == f"主动交易少（当月主动交易：2，通常：{usual}）"


def test_no_cause_without_its_sign(frame: pd.DataFrame, model: ChurnModel) -> None:
    """What is said is so: a salary that stopped was on record, what fell did fall, who complained did complain."""
    told = model.scores.merge(frame, on=KEY)
    of_cause = {code: told[told["cause_code"] == code] for code in SIGNS}
    assert all(len(of_code) > 50 for of_code in of_cause.values())
    assert (of_cause["salary_gone"]["months_since_last_salary"] > 0).all()
    complaint = of_cause["complaint"]
    complained = complaint[["complaints_1m_count", "complaints_3m_count"]].max(axis=1) > 0
    assert (complained | (complaint["satisfaction_3m_average"] < 3)).all()
    for column, fell in (
        ("own_transactions_trend_ratio", "own transactions fell"),
        ("deposit_balance_trend_ratio", "balance fell"),
    ):
        assert (told.loc[told["reason_en"] == fell, column] < 1).all()
    # sides that speak against a loss are never named, though the score may rise there
    against = {feature.high_en for feature in CHURN_FEATURES if feature.named_when == "low"}
    against |= {feature.low_en for feature in CHURN_FEATURES if feature.named_when == "high"}
    assert not set(told["reason_en"]) & against
    assert model.reasons["feature_value"].notna().all()


def test_every_feature_has_a_side_and_every_trend_a_reference() -> None:
    """A cause is a sign of a loss: no feature may speak for it on both sides, and ratios are told against 1."""
    assert all(feature.named_when in ("low", "high") for feature in CHURN_FEATURES)
    trends = [feature for feature in CHURN_FEATURES if feature.column.endswith("_trend_ratio")]
    assert len(trends) == 6
    assert all(feature.reference == 1 for feature in trends)


@settings(max_examples=5, deadline=None)
@given(st.integers(10, 12), st.integers(0, 1_000))
def test_no_future_moves_a_score(month: int, seed: int) -> None:
    """The canary: altered later rows, turned later labels and planted rows leave every score up to the date."""
    frame = _customer_months(300, seed % 2)
    as_of = MONTHS[month - 1].date()
    rows = month_periods(frame).rename(columns={"is_attrited": "is_event"})
    planted = plant_future(rows, as_of, COLUMNS, seed).rename(columns={"is_event": "is_attrited"})
    before, after = (
        fit_churn_model(given_rows, 1, as_of, 3, 1, 0.1, 0.95, bootstraps=2) for given_rows in (frame, planted)
    )
    assert before.event_model.outcome == "fitted"
    assert moved_scores(before.scores, after.scores, KEY, "probability", as_of).empty
    pd.testing.assert_frame_equal(before.reasons, after.reasons, check_exact=True)


def test_next_months_transactions_are_found(frame: pd.DataFrame) -> None:
    """Own transactions counted over the month after the month-end, in place of the month's own: found and named."""
    random = np.random.default_rng(9)
    is_lost = frame["is_attrited"].fillna(False).to_numpy(dtype=bool)
    leaky = frame.assign(own_transactions_1m_count=np.where(is_lost, 0, 1 + random.poisson(10, len(frame))))
    found = _fitted(leaky, bootstraps=2)
    assert found.event_model.outcome == "leakage_suspected"
    assert "own_transactions_1m_count" in found.event_model.reason_en
    assert found.scores.empty
    assert found.reasons.empty


def test_same_columns_without_a_model(frame: pd.DataFrame, model: ChurnModel) -> None:
    """An empty frame is too little to learn from, and leaves tables with the columns of a fitted model."""
    empty = _fitted(frame.iloc[:0])
    assert empty.event_model.outcome == "insufficient_data"
    assert "0 lost customers" in empty.event_model.reason_en
    for name in ("scores", "reasons"):
        assert getattr(empty, name).empty
        assert getattr(empty, name).dtypes.to_dict() == getattr(model, name).dtypes.to_dict()


def test_scores_are_probabilities_of_both_languages(model: ChurnModel) -> None:
    """Every active person and month with three months of history has one row, without nulls."""
    assert list(model.scores.columns) == [
        "model_code", "model_version", "customer_key", "month_end_date", "probability", "probability_rank_share",
        "cause_code", "cause_en", "cause_zh", "reason_en", "reason_zh", "sample_code",
    ]  # fmt: skip
    assert not model.scores.isna().any().any()
    assert len(model.scores) == 1_500 * (len(MONTHS) - 2)
    assert model.scores["probability"].between(0, 1).all()


def test_a_null_recency_ranks_first(frame: pd.DataFrame) -> None:
    """Who never did anything of their own is the longest silent: first by the simple rule, not an error."""
    days = frame["days_since_last_own_transaction"]
    unknown = frame.assign(days_since_last_own_transaction=days.where(days < 5))
    predictions = _fitted(unknown, bootstraps=2).event_model.test_predictions
    assert predictions["baseline_score"].max() == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="months_since_last_salary"), "no months_since_last_salary"),
        (lambda frame: pd.concat([frame, frame.iloc[:1]]), "has a key more than once"),
        (lambda frame: frame.assign(horizon_months=None), "in horizon_months"),
    ],
)
def test_bad_frames_are_refused(
    frame: pd.DataFrame, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    """Bad input is told in words."""
    with pytest.raises(InputError, match=message):
        _fitted(change(frame))
