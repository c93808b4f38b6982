"""The first risk model: an honest split, a gate, a version, and no glance at what comes later.

Tempting clean-ups that these tests guard against: training on the month before the test month (its outcomes were not
known then), splitting at random, publishing scores learnt from three defaults, and letting the frame decide what has
been observed.
"""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from pipeline.credit.default_model import RISK_FEATURES, DefaultModel, fit_default_model
from pipeline.errors import InputError
from pipeline.scoring.additive import score_probabilities
from pipeline.scoring.leakage import moved_scores, plant_future
from pipeline.scoring.time_split import month_periods

MONTHS = pd.date_range("2025-01-31", "2025-12-31", freq="ME")
AS_OF = date(2025, 12, 31)
HORIZON = 3
LAST_OBSERVED = pd.Timestamp("2025-09-30")


def _borrower_months(customers: int = 800, signal: float = 1.5, seed: int = 0) -> pd.DataFrame:
    """Twelve months of borrowers whose falling inflow and late days make default likelier; other columns are noise."""
    random = np.random.default_rng(seed)
    size = customers * len(MONTHS)
    frame = pd.DataFrame(
        {
            "customer_key": np.repeat([f"c{number:05d}" for number in range(customers)], len(MONTHS)),
            "month_end_date": np.tile(MONTHS, customers),
            "history_months": np.tile(range(1, len(MONTHS) + 1), customers),
            "horizon_months": HORIZON,
        }
    )
    for feature in RISK_FEATURES:
        frame[feature.column] = random.lognormal(5, 1, size).round(2)
    frame["card_utilisation_share"] = frame["card_utilisation_share"].mask(random.random(size) < 0.7)
    frame["days_past_due"] = np.where(random.random(size) < 0.05, random.integers(1, 30, size), 0)
    habit = np.repeat(random.normal(size=customers), len(MONTHS))
    frame["inflow_1m_amount"] = np.exp(5 - habit + 0.3 * random.normal(size=size)).round(2)
    log_odds = -4.5 + signal * habit + signal * (frame["days_past_due"] > 0)
    is_default = random.random(size) < 1 / (1 + np.exp(-log_odds))
    frame["is_default"] = pd.array(is_default, dtype="boolean")
    frame.loc[frame["month_end_date"] > LAST_OBSERVED, "is_default"] = pd.NA
    return frame


def _value(model: DefaultModel, sample_code: str, metric_code: str, model_code: str = "default_logistic") -> pd.Series:
    metrics = model.metrics
    chosen = (metrics["sample_code"] == sample_code) & (metrics["metric_code"] == metric_code)
    return metrics[chosen & (metrics["model_code"] == model_code)].iloc[0]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return _borrower_months()


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame) -> DefaultModel:
    return fit_default_model(frame, 1, AS_OF, least_events=20, highest_single_feature_auc=0.97, bootstraps=40)


def test_split_leaves_the_outcome_window_out(model: DefaultModel) -> None:
    """Tested on August and September, so trained up to April: May's outcomes were known only at the end of August."""
    months = model.samples.groupby("sample_code")["month_end_date"].agg(lambda dates: sorted(dates.dt.month))
    assert months.to_dict() == {
        "short_history": [1, 2],
        "train": [3, 4],
        "gap": [5, 6, 7],
        "test": [8, 9],
        "not_observed": [10, 11, 12],
    }
    counted = model.samples.set_index("month_end_date")
    assert (counted["row_count"] == 800).all()
    assert (counted.loc[counted["sample_code"] == "not_observed", "event_count"] == 0).all()


def test_signal_is_found_and_beats_the_baseline(model: DefaultModel) -> None:
    """The planted signal is found out of time, with an interval that excludes chance and the baseline's value."""
    area, baseline = _value(model, "test", "auc"), _value(model, "test", "auc", "current_days_past_due")
    assert area["lower_bound"] > 0.7
    assert area["lower_bound"] > baseline["value"]
    assert area["lower_bound"] <= area["value"] <= area["upper_bound"]
    assert _value(model, "test", "top_decile_lift")["lower_bound"] > 1.5
    coefficients = model.coefficients.groupby("feature")["coefficient"].sum()
    assert coefficients["inflow_1m_amount"] < 0 < coefficients["days_past_due"]
    assert coefficients["inflow_1m_amount"] == coefficients.drop("intercept").min()


def test_probabilities_are_calibrated(model: DefaultModel) -> None:
    """The mean probability of the test rows is their default rate: the score is a probability, not only a rank."""
    predictions = model.test_predictions
    assert predictions["probability_of_default"].mean() == pytest.approx(predictions["is_default"].mean(), rel=0.3)
    rate = _value(model, "test", "base_rate")
    assert rate["value"] == pytest.approx(predictions["is_default"].mean())
    assert rate["lower_bound"] < predictions["probability_of_default"].mean() < rate["upper_bound"]


def test_noise_scores_like_chance() -> None:
    """Without a signal the interval of the AUC holds one half: the split and the bootstrap flatter nobody."""
    noise = fit_default_model(
        _borrower_months(signal=0.0), 1, AS_OF, least_events=10, highest_single_feature_auc=0.97, bootstraps=40
    )
    area = _value(noise, "test", "auc")
    assert area["lower_bound"] < 0.5 < area["upper_bound"]


def test_random_split_flatters_where_customers_repeat() -> None:
    """A random split memorises customers, and claims what no new customer confirms: that is why both are shown.

    Each customer has a fixed fingerprint (noise columns that never change) and a fixed outcome, so a model can only
    recognise customers, and new customers are pure chance.
    """
    frame = _borrower_months(60, signal=0.0, seed=3)
    first = frame.groupby("customer_key").transform("first")
    for feature in RISK_FEATURES:
        frame[feature.column] = first[feature.column]
    is_bad = frame["customer_key"].str[-1].isin(["3", "7"])
    is_observed = frame["month_end_date"] <= LAST_OBSERVED
    frame["is_default"] = pd.array(np.where(is_observed, is_bad, pd.NA), dtype="boolean")
    # half of the customers come only in the test months
    is_new = frame["customer_key"] >= "c00030"
    frame = frame[~is_new | (frame["month_end_date"] >= "2025-08-31")]
    found = fit_default_model(frame, 1, AS_OF, least_events=5, highest_single_feature_auc=0.97, bootstraps=40)
    assert _value(found, "random_split", "auc")["value"] > 0.7
    unseen = _value(found, "test_unseen_customers", "auc")
    assert unseen["customer_count"] == 30
    assert unseen["value"] < _value(found, "random_split", "auc")["value"] - 0.1


def test_what_comes_later_moves_no_score(frame: pd.DataFrame, model: DefaultModel) -> None:
    """The canary: rows planted after the date, changed later features and later labels leave every earlier score."""
    planted = frame.assign(month_end_date=frame["month_end_date"] + pd.offsets.MonthEnd(12), is_default=True)
    changed = frame.copy()
    is_later = changed["month_end_date"] > LAST_OBSERVED
    changed.loc[is_later, "is_default"] = True
    changed.loc[is_later, "inflow_1m_amount"] *= 1_000
    again = fit_default_model(
        pd.concat([planted, changed]), 1, AS_OF, least_events=20, highest_single_feature_auc=0.97, bootstraps=40
    )
    assert again.model_version == model.model_version
    one, two = (found.scores[found.scores["month_end_date"] <= LAST_OBSERVED] for found in (model, again))
    pd.testing.assert_frame_equal(one.reset_index(drop=True), two.reset_index(drop=True))
    pd.testing.assert_frame_equal(model.metrics, again.metrics)


def test_outcomes_after_the_date_are_not_looked_at(frame: pd.DataFrame) -> None:
    """At the end of August only windows that ended by then count, though the frame knows more."""
    earlier = fit_default_model(
        frame, 1, date(2025, 8, 31), least_events=5, highest_single_feature_auc=0.97, bootstraps=40, test_month_count=1
    )
    test_months = earlier.samples.loc[earlier.samples["sample_code"] == "test", "month_end_date"]
    assert list(test_months) == [pd.Timestamp("2025-05-31")]
    assert earlier.outcome == "insufficient_data"  # the only training months have less than three months of history


def test_table_alone_gives_the_scores(frame: pd.DataFrame, model: DefaultModel) -> None:
    """Whoever has the coefficients has the model: scoring from the table equals the published scores."""
    scored = frame[frame["history_months"] >= 3].sort_values(["customer_key", "month_end_date"], ignore_index=True)
    expected = score_probabilities(scored, model.coefficients)
    assert np.abs(expected - model.scores["probability_of_default"]).max() < 1e-9
    assert set(model.scores["sample_code"]) == {"train", "gap", "test", "not_observed"}


def test_same_version_in_any_order_of_rows(frame: pd.DataFrame, model: DefaultModel) -> None:
    """A rerun gives the same version, scores and metrics, bit by bit, however the rows come."""
    again = fit_default_model(
        frame.sample(frac=1, random_state=4), 1, AS_OF, least_events=20, highest_single_feature_auc=0.97, bootstraps=40
    )
    assert again.model_version == model.model_version
    for name in ("coefficients", "scores", "metrics", "test_predictions", "samples"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(model, name), check_exact=True)


def test_other_data_make_another_version(frame: pd.DataFrame, model: DefaultModel) -> None:
    """The version tells models apart."""
    other = fit_default_model(
        frame[frame["customer_key"] < "c00700"],
        1,
        AS_OF,
        least_events=10,
        highest_single_feature_auc=0.97,
        bootstraps=40,
    )
    assert other.model_version != model.model_version


@pytest.mark.parametrize("kept_defaults", [0, 8])
def test_too_few_defaults_publish_nothing(frame: pd.DataFrame, model: DefaultModel, kept_defaults: int) -> None:
    """Below the gate there are no scores, a reason with the counts in both languages, and tables with their columns."""
    is_default = frame["is_default"].fillna(False).to_numpy(dtype=bool)
    keep = is_default & (np.cumsum(is_default) <= kept_defaults)
    few = frame.assign(is_default=frame["is_default"].mask(frame["is_default"].notna(), keep))
    gated = fit_default_model(few, 1, AS_OF, least_events=20, highest_single_feature_auc=0.97, bootstraps=40)
    assert gated.outcome == "insufficient_data"
    assert gated.model_version is None
    assert "at least 20" in gated.reason_en
    assert "至少 20" in gated.reason_zh
    for name in ("coefficients", "scores", "metrics", "test_predictions"):
        assert getattr(gated, name).empty
        assert getattr(gated, name).dtypes.to_dict() == getattr(model, name).dtypes.to_dict()


def test_bank_without_loans_has_no_model(frame: pd.DataFrame) -> None:
    """No borrower at all is insufficient data, not an error: a young bank's refresh must not fail on it."""
    assert (
        fit_default_model(
            frame.iloc[:0], 1, AS_OF, least_events=20, highest_single_feature_auc=0.97, bootstraps=40
        ).outcome
        == "insufficient_data"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="loan_balance_amount"), "no loan_balance_amount"),
        (lambda frame: pd.concat([frame, frame.iloc[:1]]), "has a key more than once"),
        (lambda frame: frame.assign(history_months=None), "in history_months"),
    ],
)
def test_bad_frames_are_refused(frame: pd.DataFrame, change: object, message: str) -> None:
    """Bad input is told in words, before scikit-learn sees it."""
    with pytest.raises(InputError, match=message):
        fit_default_model(change(frame), 1, AS_OF, least_events=20, highest_single_feature_auc=0.97, bootstraps=40)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("least_events", "highest_single_feature_auc", "message"),
    [(0, 0.97, "least_events is out of its range"), (20, 1.2, "highest_single_feature_auc is out of its range")],
)
def test_numbers_out_of_range_are_refused(
    frame: pd.DataFrame, least_events: int, highest_single_feature_auc: float, message: str
) -> None:
    """A gate of zero would be no gate."""
    with pytest.raises(InputError, match=message):
        fit_default_model(frame, 1, AS_OF, least_events, highest_single_feature_auc, bootstraps=40)


def test_a_feature_computed_after_the_outcome_is_found(frame: pd.DataFrame) -> None:
    """The inflow after the month-end, which dries up with a default, is suspected, and no score is published."""
    random = np.random.default_rng(5)
    is_default = frame["is_default"].fillna(False).to_numpy(dtype=bool)
    later_inflow = np.where(is_default, 0.1, 1) * random.lognormal(3, 0.3, len(frame))
    leaky = fit_default_model(frame.assign(inflow_3m_amount=later_inflow), 1, AS_OF, 20, 0.97, bootstraps=10)
    assert leaky.outcome == "leakage_suspected"
    assert "inflow_3m_amount" in leaky.reason_en
    assert "inflow_3m_amount" in leaky.reason_zh
    assert "days_past_due" not in leaky.reason_en
    assert leaky.scores.empty


def test_a_planted_future_moves_no_score(frame: pd.DataFrame) -> None:
    """The same canary as for every model: another future, known to nobody on the date, and the same scores.

    Labels of later windows are turned round, later rows altered, rows of the year after added.
    """
    as_of = date(2025, 11, 30)
    columns = [feature.column for feature in RISK_FEATURES]
    rows = month_periods(frame).rename(columns={"is_default": "is_event"})
    planted = plant_future(rows, as_of, columns, seed=2).rename(columns={"is_event": "is_default"})
    before, after = (
        fit_default_model(given, 1, as_of, 5, 0.97, test_month_count=1, bootstraps=5) for given in (frame, planted)
    )
    assert before.outcome == after.outcome == "fitted"
    key = ["customer_key", "month_end_date"]
    assert moved_scores(before.scores, after.scores, key, "probability_of_default", as_of).empty
