"""The steps that all event models share: gates, null test, exact parts, repeatability, and a real table in time order.

Tempting clean-ups that these tests guard against: publishing what a permuted label also gives, letting rows or labels
of the future in, and calling a feature good that is known only after the event.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit

from pipeline.errors import InputError
from pipeline.scoring.additive import INTERCEPT, base_log_odds, contributions, score_probabilities
from pipeline.scoring.event_model import fit_event_model
from pipeline.scoring.event_result import EventModel, EventModelSpec
from pipeline.scoring.leakage import moved_scores, plant_future
from pipeline.scoring.reasons import ModelFeature, Theme
from pipeline.scoring.time_split import month_periods

MONTHS = 8
AS_OF = date(2025, 8, 31)
KEY = ("customer_key", "month_end_date")
COLUMNS = ("signal", "other", "noise")
FRAMES = ("coefficients", "scores", "reasons", "metrics", "lift", "calibration", "samples", "leakage_findings")


def _feature(column: str, pieces: int = 1) -> ModelFeature:
    return ModelFeature(
        column, "identity", pieces, "score", column,
        column, f"high {column}", f"low {column}", f"{column}数", f"{column}高", f"{column}低",
    )  # fmt: skip


SPEC = EventModelSpec(
    model_code="visit",
    event_name_en="visits",
    event_name_zh="来访",
    baseline_name_en="other",
    key=KEY,
    rank_within=("month_end_date",),
    features=tuple(_feature(column) for column in COLUMNS),
    themes=tuple(Theme(column, column, column) for column in COLUMNS),
    least_history_months=1,
    least_events=20,
    test_period_count=2,
    contact_budget_share=0.2,
    highest_single_feature_auc=0.97,
    bootstraps=60,
)


def _rows(customers: int = 500, seed: int = 0) -> pd.DataFrame:
    """Eight months of customers whose log odds are -2 + signal + 0.5 other, one month ahead."""
    random = np.random.default_rng(seed)
    size = customers * MONTHS
    frame = pd.DataFrame(
        {
            "customer_key": np.repeat([f"c{number:04d}" for number in range(customers)], MONTHS),
            "month_end_date": np.tile(pd.date_range("2025-01-31", periods=MONTHS, freq="ME"), customers),
            "horizon_months": 1,
            "history_months": np.tile(range(1, MONTHS + 1), customers),
            **{column: random.normal(size=size).round(3) for column in COLUMNS},
        }
    )
    frame["other"] = frame["other"].mask(random.random(size) < 0.2)
    chance = 1 / (1 + np.exp(2 - frame["signal"] - 0.5 * frame["other"].fillna(0)))
    is_event = pd.array(random.random(size) < chance, dtype="boolean")
    rows = month_periods(frame).assign(is_event=is_event, baseline_score=frame["other"].fillna(-9))
    rows.loc[rows["outcome_end_date"] > pd.Timestamp(AS_OF), "is_event"] = pd.NA
    return rows


def _metric(model: EventModel, metric_code: str, ranking_code: str = "model", sample_code: str = "test") -> pd.Series:
    metrics = model.metrics.set_index(["ranking_code", "sample_code", "metric_code"])
    return metrics.loc[(ranking_code, sample_code, metric_code)]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return _rows()


@pytest.fixture(scope="module")
def model(rows: pd.DataFrame) -> EventModel:
    return fit_event_model(rows, SPEC, 1, AS_OF)


def test_planted_coefficients_are_recovered() -> None:
    """Per standard deviation 1 and 0.5 were planted, and nothing for noise; probabilities are right out of time."""
    model = fit_event_model(_rows(3_000), SPEC, 1, AS_OF)
    coefficients = model.coefficients.set_index("feature")["coefficient"]
    assert coefficients["signal"] == pytest.approx(1, abs=0.1)
    assert coefficients["other"] == pytest.approx(0.5, abs=0.1)
    assert coefficients["noise"] == pytest.approx(0, abs=0.1)
    assert coefficients[INTERCEPT] == pytest.approx(-2, abs=0.1)
    for metric_code, right in (("calibration_slope", 1), ("calibration_intercept", 0)):
        figure = _metric(model, metric_code)
        assert figure["lower_bound"] < right < figure["upper_bound"]


def test_model_beats_simple_rule_and_random_order(model: EventModel) -> None:
    """At the budget the model lifts more than the simple rule, and that more than any of the random orders' range."""
    lifts = {code: _metric(model, "lift_at_budget", code) for code in ("model", "simple_rule", "random")}
    assert lifts["model"]["lower_bound"] > lifts["simple_rule"]["value"] > lifts["random"]["upper_bound"]
    assert _metric(model, "capture_at_budget")["value"] == pytest.approx(lifts["model"]["value"] * 0.2)
    curve = model.lift[(model.lift["ranking_code"] == "model") & (model.lift["contact_share"] == 0.2)].iloc[0]
    assert curve["lift"] == pytest.approx(lifts["model"]["value"], abs=1e-6)


def test_permuted_labels_give_chance(rows: pd.DataFrame) -> None:
    """The null test: labels dealt out anew within each month leave an AUC of 0.5 and a lift of 1."""
    shuffled = rows.copy()
    random = np.random.default_rng(3)
    shuffled["is_event"] = shuffled.groupby("month_end_date")["is_event"].transform(
        lambda labels: labels.iloc[random.permutation(len(labels))].to_numpy()
    )
    null = fit_event_model(shuffled, SPEC, 1, AS_OF)
    for metric_code, chance in (("auc", 0.5), ("lift_at_budget", 1)):
        figure = _metric(null, metric_code)
        assert figure["lower_bound"] < chance < figure["upper_bound"]


def test_parts_add_up_to_the_published_score(rows: pd.DataFrame, model: EventModel) -> None:
    """Base plus contributions are the log odds of the published probability; a reason's part is the feature's."""
    ordered = rows.sort_values(list(KEY), ignore_index=True)
    parts = contributions(ordered, model.coefficients)
    log_odds = base_log_odds(model.coefficients) + parts.sum(axis=1)
    assert np.abs(log_odds - logit(model.scores["probability"])).max() < 1e-9
    assert np.abs(score_probabilities(ordered, model.coefficients) - model.scores["probability"]).max() < 1e-9
    told = model.reasons.merge(ordered[list(KEY)].join(parts), on=list(KEY))
    expected = [row[row["feature"]] for row in told.to_dict("records")]
    assert np.abs(told["contribution"] - expected).max() < 1e-8
    assert (told["contribution"] > 0).all()


def test_reasons_are_of_the_latest_month(model: EventModel) -> None:
    """Up to three per customer, ranked without a gap, falling, in both languages."""
    reasons = model.reasons
    assert set(reasons["month_end_date"]) == {pd.Timestamp(AS_OF)}
    by_customer = reasons.groupby("customer_key")
    assert (by_customer["reason_rank"].max() == by_customer.size()).all()
    assert (by_customer["theme_contribution"].diff().dropna() <= 0).all()
    assert reasons["reason_en"].str.contains("usual: ").all()
    assert reasons["reason_zh"].str.contains("通常：").all()
    assert reasons["feature_value"].notna().all()
    main = model.scores.merge(reasons[reasons["reason_rank"] == 1], on=list(KEY), suffixes=("", "_first"))
    assert (main["theme_code"] == main["theme_code_first"]).all()


def test_rank_share_counts_who_scores_as_high(model: EventModel) -> None:
    """One row's share, counted by hand: of the same month, those with at least its probability."""
    row = model.scores.iloc[1_234]
    month = model.scores[model.scores["month_end_date"] == row["month_end_date"]]
    expected = (month["probability"] >= row["probability"]).mean()
    assert row["probability_rank_share"] == pytest.approx(expected)
    assert model.scores["probability_rank_share"].between(0, 1, inclusive="right").all()


def test_same_result_in_any_order_of_rows(rows: pd.DataFrame, model: EventModel) -> None:
    """A rerun gives every frame bit by bit, however the rows come."""
    again = fit_event_model(rows.sample(frac=1, random_state=4), SPEC, 1, AS_OF)
    for name in (*FRAMES, "test_predictions"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(model, name), check_exact=True)


@settings(max_examples=8, deadline=None)
@given(st.integers(5, 7), st.integers(0, 1_000))
def test_no_future_moves_a_score(month: int, seed: int) -> None:
    """The canary, for any date and any future: later rows and later labels altered, rows added, and the same scores."""
    rows = _rows(250, seed % 3)
    as_of = (pd.Timestamp("2025-01-31") + pd.offsets.MonthEnd(month - 1)).date()
    spec = replace(SPEC, bootstraps=2, test_period_count=1, least_events=10)
    before = fit_event_model(rows, spec, 1, as_of)
    after = fit_event_model(plant_future(rows, as_of, COLUMNS, seed), spec, 1, as_of)
    assert before.outcome == "fitted"
    assert moved_scores(before.scores, after.scores, KEY, "probability", as_of).empty
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(before, name), getattr(after, name), check_exact=True)


def test_a_feature_computed_after_the_outcome_stops_the_model(rows: pd.DataFrame) -> None:
    """What happened in the next month, taken for a feature, is named, and no score is published."""
    leaky = rows.assign(noise=rows["is_event"].astype("float64").fillna(0) + 0.1 * rows["noise"])
    found = fit_event_model(leaky, SPEC, 1, AS_OF)
    assert found.outcome == "leakage_suspected"
    assert found.leakage_findings.loc[found.leakage_findings["is_suspected"], "feature"].tolist() == ["noise"]
    assert "noise (AUC 1.000)" in found.reason_en
    assert "noise" in found.reason_zh
    assert found.model_version is None
    assert found.scores.empty


def test_frames_without_a_model_have_the_columns_of_one(rows: pd.DataFrame, model: EventModel) -> None:
    """A gated run writes the same tables, empty: columns and types do not depend on the outcome."""
    gated = fit_event_model(rows, replace(SPEC, least_events=10_000), 1, AS_OF)
    assert gated.outcome == "insufficient_data"
    assert "at least 10,000" in gated.reason_en
    assert "至少 10,000" in gated.reason_zh
    for name in (*FRAMES, "test_predictions"):
        assert getattr(gated, name).dtypes.to_dict() == getattr(model, name).dtypes.to_dict()
        assert name == "samples" or getattr(gated, name).empty


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda rows: rows.iloc[:0], "0 visits among 0 training rows"),
        (lambda rows: rows[rows["customer_key"] == "c0001"], "each needs at least 20"),
        (lambda rows: rows.assign(is_event=rows["is_event"] & False), "0 visits among"),
        (lambda rows: rows.assign(is_event=rows["is_event"] | True), "and other rows beside them"),
        (lambda rows: rows.assign(**dict.fromkeys(COLUMNS, 1.0)), "every feature has one value"),
        (lambda rows: rows.assign(**dict.fromkeys(COLUMNS, np.nan)), "every feature has one value"),
    ],
)
def test_too_little_to_learn_from_is_an_outcome(
    rows: pd.DataFrame, change: Callable[[pd.DataFrame], pd.DataFrame], reason: str
) -> None:
    """No row, one customer, one class, constant or unknown features: a reason in words; a young bank must not fail."""
    gated = fit_event_model(change(rows), SPEC, 1, AS_OF)
    assert gated.outcome == "insufficient_data"
    assert reason in gated.reason_en


def test_constant_and_empty_features_are_left_out(rows: pd.DataFrame) -> None:
    """One feature that says nothing does not stop the others."""
    for value in (1.0, np.nan):
        fitted = fit_event_model(rows.assign(noise=value), replace(SPEC, bootstraps=2), 1, AS_OF)
        assert fitted.outcome == "fitted"
        assert "noise" not in set(fitted.coefficients["feature"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop(columns="signal"), "no signal"),
        (lambda rows: pd.concat([rows, rows.iloc[:1]]), "has a key more than once"),
        (lambda rows: rows.assign(baseline_score=None), "in baseline_score"),
        (lambda rows: rows.assign(outcome_end_date=pd.NaT), "in outcome_end_date"),
    ],
)
def test_bad_frames_are_refused(
    rows: pd.DataFrame, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    """Bad input is told in words, before scikit-learn sees it."""
    with pytest.raises(InputError, match=message):
        fit_event_model(change(rows), SPEC, 1, AS_OF)


@pytest.mark.parametrize(
    "change",
    [{"least_events": 0}, {"test_period_count": 0}, {"contact_budget_share": 0}, {"contact_budget_share": 1.5}],
)
def test_numbers_out_of_range_are_refused(rows: pd.DataFrame, change: dict[str, float]) -> None:
    """A gate of zero would be no gate, a budget of nobody no budget."""
    with pytest.raises(InputError, match="is out of its range"):
        fit_event_model(rows, replace(SPEC, **change), 1, AS_OF)  # type: ignore[arg-type]


def _telephone_contacts(path: Path) -> pd.DataFrame:
    """Real telephone contacts in the order of their dates; the first 70 % are one period, the last 30 % the next.

    The months in the table have no year, so the order of the rows is all that is known of the time.
    """
    contacts = pd.read_csv(path, sep=";")
    contacts["pdays"] = contacts["pdays"].where(contacts["pdays"] >= 0)
    for column in ("housing", "loan", "default"):
        contacts[column] = (contacts[column] == "yes").astype(float)
    for column, value in (("contact", "cellular"), ("poutcome", "success"), ("marital", "single"), ("job", "retired")):
        contacts[column] = (contacts[column] == value).astype(float)
    position = np.arange(len(contacts))
    is_late = position >= 0.7 * len(contacts)
    return contacts.assign(
        customer_key=[f"{number:06d}" for number in position],
        month_end_date=pd.to_datetime(np.where(is_late, "2010-01-31", "2009-01-31")),
        period_start_date=pd.to_datetime(np.where(is_late, "2010-01-01", "2009-01-01")),
        outcome_end_date=pd.to_datetime(np.where(is_late, "2010-01-31", "2009-01-31")),
        history_months=12,
        is_event=contacts["y"] == "yes",
        baseline_score=-contacts["pdays"].fillna(9_999),
    )


def test_real_contacts_out_of_time(shared_data: Path, record_property: Callable[[str, object], None]) -> None:
    """45,211 real contacts: better than chance out of time; far better with the call's length, known only after it."""
    contacts = _telephone_contacts(shared_data / "bank_marketing" / "bankmarketing.csv.gz")
    known_before = (
        "age", "balance", "campaign", "pdays", "previous", "housing", "loan", "default", "contact", "poutcome",
        "marital", "job",
    )  # fmt: skip
    bent = {"balance", "campaign", "pdays", "previous", "duration"}

    def fitted(columns: tuple[str, ...]) -> EventModel:
        features = tuple(
            replace(_feature(column, 3), transform="signed_log" if column in bent else "identity") for column in columns
        )
        themes = tuple(Theme(column, column, column) for column in columns)
        spec = replace(SPEC, features=features, themes=themes, test_period_count=1, bootstraps=100)
        return fit_event_model(contacts, spec, 1, date(2010, 1, 31))

    honest, leaky = fitted(known_before), fitted((*known_before, "duration"))
    for name, model in (("before_the_call", honest), ("with_duration", leaky)):
        for metric_code in ("auc", "lift_at_budget", "calibration_slope"):
            figure = _metric(model, metric_code)
            bounds = f"{figure['value']:.3f} ({figure['lower_bound']:.3f} to {figure['upper_bound']:.3f})"
            record_property(f"{name}_{metric_code}", bounds)
    assert _metric(honest, "auc")["row_count"] == 13_563
    assert _metric(honest, "auc")["lower_bound"] > 0.55
    assert _metric(leaky, "auc")["lower_bound"] > _metric(honest, "auc")["upper_bound"] + 0.05
    assert leaky.leakage_findings["feature"].iloc[0] == "duration"
