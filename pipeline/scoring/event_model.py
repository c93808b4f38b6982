"""One way to model an event to come: split by time, look for leaks, fit, measure, score, give reasons.

Belongs here: the steps that default, churn and response have in common, and the gates before anything is published.
Does not belong here: what the event is, its features and their words (``default_model``, ``churn``, ``propensity``);
each step's mathematics (the other modules of ``scoring``).

Nothing later than ``as_of_date`` is looked at: rows of later months are dropped, and outcomes whose window ends later
count as not observed, whatever the frame says.

The model is compared, on the same test rows, with a simple rule (``baseline_score`` of the frame) and with what random
orders bring. A split at random, which mixes the months of all customers, is measured beside the split by
time: the difference is what such a split would flatter.
"""

import hashlib
from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd
from scipy.special import expit

from pipeline.frames import require_columns, require_unique, require_values
from pipeline.scoring.additive import (
    base_log_odds,
    contributions,
    fit_coefficients,
    score_probabilities,
    varying,
)
from pipeline.scoring.budget import budget_measures, gain_curve, random_gain_curve
from pipeline.scoring.calibration import calibration_bins, probability_measures
from pipeline.scoring.discrimination import (
    RankingMeasure,
    area_under_curve,
    base_rate,
    kolmogorov_smirnov,
    measure,
    measure_random_order,
)
from pipeline.scoring.event_result import (
    CALIBRATION,
    COEFFICIENTS,
    FINDINGS,
    LIFT,
    METRICS,
    MODEL,
    RANDOM,
    SAMPLES,
    SIMPLE_RULE,
    EventModel,
    EventModelSpec,
    prediction_types,
    published,
    reason_types,
    require_in_range,
    score_types,
    typed,
    without_model,
)
from pipeline.scoring.leakage import single_feature_findings
from pipeline.scoring.reasons import main_reasons, rank_themes, reason_table, usual_values
from pipeline.scoring.time_split import sample_table, split_by_time

INVERSE_PENALTY = 0.1
RANDOM_TEST_SHARE = 0.3
PROBABILITY_DECIMALS = 12
# rows scored at a time: the parts of a million rows would take half a gigabyte
BLOCK_ROWS = 250_000

RANKING_COLUMNS = {MODEL: "probability", SIMPLE_RULE: "baseline_score"}


def fit_event_model(frame: pd.DataFrame, spec: EventModelSpec, seed: int, as_of_date: date) -> EventModel:
    """Fit on earlier periods, test on the latest observed ones, and score every row.

    The model is a logistic regression on bent, winsorised, standardised values (see `additive`), with L2 penalty. The
    same frame and seed give the same result in any order of the rows.

    Parameters
    ----------
    frame : DataFrame
        The key, ``period_start_date, outcome_end_date`` (see `time_split`), ``history_months``, ``is_event`` (null
        while not observed), ``baseline_score`` (higher is likelier by the simple rule) and the features. May be empty.
    spec : EventModelSpec
    seed : int
        For the bootstrap, the random order and the random split.
    as_of_date : date
        Later rows and outcomes whose window ends later are not looked at.

    Returns
    -------
    EventModel

    Raises
    ------
    InputError
        If columns are missing, a key is null or comes twice, or a number of `spec` is out of its range.
    """
    _check(frame, spec)
    rows = _known_rows(frame, spec, as_of_date)
    samples = sample_table(rows).assign(model_code=spec.model_code)
    is_train, is_test = (rows["sample_code"].eq(name).to_numpy() for name in ("train", "test"))
    is_event = rows["is_event"].to_numpy()
    counts = {
        "training": (int(is_event[is_train].sum()), int(is_train.sum())),
        "test": (int(is_event[is_test].sum()), int(is_test.sum())),
    }
    if any(not spec.least_events <= events < of_rows for events, of_rows in counts.values()):
        return without_model(spec, "insufficient_data", *_too_few(spec, counts), samples)
    training = rows[is_train]
    if not varying(training, spec.features):
        return without_model(spec, "insufficient_data", *_NOTHING_VARIES, samples)
    findings = single_feature_findings(training, is_event[is_train], spec.columns, spec.highest_single_feature_auc)
    if findings["is_suspected"].any():
        return without_model(spec, "leakage_suspected", *_suspicion(findings), samples, findings)

    coefficients = fit_coefficients(training, is_event[is_train], spec.features, INVERSE_PENALTY)
    version = f"{spec.model_code}-logistic-{_digest(coefficients)}"
    usual = usual_values(training, spec.features)
    scored = rows[rows["sample_code"] != "short_history"]
    scores = score_rows(scored, spec, coefficients, usual).assign(sample_code=scored["sample_code"])
    latest = scored[scored["month_end_date"] == scored["month_end_date"].max()]
    test = rows[is_test].assign(probability=scores["probability"])
    calibration = calibration_bins(test["is_event"].to_numpy(), test["probability"].to_numpy())
    reason_en, reason_zh = _fitted(spec, counts, training, test, calibration)
    return EventModel(
        spec=spec,
        outcome="fitted",
        reason_en=reason_en,
        reason_zh=reason_zh,
        model_version=version,
        coefficients=published(coefficients, spec, COEFFICIENTS, version),
        scores=published(scores, spec, score_types(spec), version),
        reasons=published(explain_rows(latest, spec, coefficients, usual), spec, reason_types(spec), version),
        metrics=published(_metrics(training, test, spec, seed), spec, METRICS, version),
        lift=published(_curves(test), spec, LIFT, version),
        calibration=published(calibration, spec, CALIBRATION, version),
        samples=typed(samples, SAMPLES),
        leakage_findings=published(findings, spec, FINDINGS, version),
        test_predictions=published(test, spec, prediction_types(spec), version),
        usual=usual,
    )


def score_rows(
    rows: pd.DataFrame, spec: EventModelSpec, coefficients: pd.DataFrame, usual: Mapping[str, float]
) -> pd.DataFrame:
    """Score rows and name the strongest reason of each.

    Parameters
    ----------
    rows : DataFrame, (n, ...)
        The key and the features.
    spec : EventModelSpec
    coefficients : DataFrame
        Of an `EventModel`.
    usual : mapping
        Of the same `EventModel`.

    Returns
    -------
    DataFrame, (n, ...)
        The key and the columns of `SCORE_COLUMNS`; the index of `rows`.
    """
    blocks = [
        _scored_block(rows.iloc[first : first + BLOCK_ROWS], spec, coefficients, usual)
        for first in range(0, max(len(rows), 1), BLOCK_ROWS)
    ]
    scores = pd.concat(blocks)
    by_group = scores.groupby(list(spec.rank_within))["probability"]
    rank = by_group.rank(method="max", ascending=False)
    scores["probability_rank_share"] = (rank / by_group.transform("size")).round(PROBABILITY_DECIMALS)
    return scores


def explain_rows(
    rows: pd.DataFrame, spec: EventModelSpec, coefficients: pd.DataFrame, usual: Mapping[str, float]
) -> pd.DataFrame:
    """Return the ranked reasons of rows, with figures, from what `score_rows` takes."""
    parts = contributions(rows, coefficients)
    ranked = rank_themes(rows, parts, spec.features, spec.themes, usual)
    return reason_table(rows, spec.key, parts, ranked, spec.features, spec.themes, usual)


def _check(frame: pd.DataFrame, spec: EventModelSpec) -> None:
    require_in_range("least_events", spec.least_events, 1, np.inf)
    require_in_range("test_period_count", spec.test_period_count, 1, np.inf)
    require_in_range("contact_budget_share", spec.contact_budget_share, 1e-6, 1)
    require_in_range("highest_single_feature_auc", spec.highest_single_feature_auc, 0.5, 1)
    name = f"the frame of the {spec.model_code} model"
    dated = ["period_start_date", "outcome_end_date", "history_months"]
    require_columns(frame, [*spec.key, *dated, "is_event", "baseline_score", *spec.columns], name)
    require_values(frame, [*spec.key, *dated, "baseline_score"], name)
    require_unique(frame, spec.key, name)


def _known_rows(frame: pd.DataFrame, spec: EventModelSpec, as_of_date: date) -> pd.DataFrame:
    """Return the rows up to the date in a fixed order, with their sample; events are False where not observed."""
    rows = frame.assign(month_end_date=pd.to_datetime(frame["month_end_date"]))
    rows = rows[rows["month_end_date"] <= pd.Timestamp(as_of_date)].sort_values(list(spec.key), ignore_index=True)
    rows["sample_code"] = split_by_time(rows, as_of_date, spec.test_period_count, spec.least_history_months)
    is_observed = rows["sample_code"].isin(["train", "gap", "test"]).to_numpy()
    rows["is_event"] = rows["is_event"].eq(True).fillna(False).to_numpy(dtype=bool) & is_observed
    rows["baseline_score"] = rows["baseline_score"].astype("float64")
    return rows


def _scored_block(
    rows: pd.DataFrame, spec: EventModelSpec, coefficients: pd.DataFrame, usual: Mapping[str, float]
) -> pd.DataFrame:
    parts = contributions(rows, coefficients)
    log_odds = base_log_odds(coefficients) + parts.sum(axis=1)
    ranked = rank_themes(rows, parts, spec.features, spec.themes, usual)
    reasons = main_reasons(rows, parts, ranked, spec.features, spec.themes, usual)
    return rows[list(spec.key)].assign(probability=expit(log_odds).round(PROBABILITY_DECIMALS)).join(reasons)


def _metrics(training: pd.DataFrame, test: pd.DataFrame, spec: EventModelSpec, seed: int) -> pd.DataFrame:
    is_unseen = ~test["customer_key"].isin(training["customer_key"]).to_numpy()
    observed = pd.concat([training, test]).sort_values(list(spec.key), ignore_index=True)
    return pd.concat(
        [
            _measured(test, spec, seed).assign(sample_code="test"),
            _measured(test[is_unseen], spec, seed).assign(sample_code="test_unseen_customers"),
            _random_split_metrics(observed, spec, seed).assign(sample_code="random_split"),
        ]
    )


def _curves(test: pd.DataFrame) -> pd.DataFrame:
    is_event = test["is_event"].to_numpy()
    scored = [
        gain_curve(is_event, test[column].to_numpy()).assign(ranking_code=code)
        for code, column in RANKING_COLUMNS.items()
    ]
    return pd.concat([*scored, random_gain_curve().assign(ranking_code=RANDOM)])


def _measured(sample: pd.DataFrame, spec: EventModelSpec, seed: int) -> pd.DataFrame:
    is_event, customers = sample["is_event"].to_numpy(), sample["customer_key"].to_numpy()
    at_random = measure_random_order(is_event, customers, _ranking_measures(spec), seed, spec.bootstraps)
    tables = [at_random.assign(ranking_code=RANDOM)]
    for code, column in RANKING_COLUMNS.items():
        scores = sample[column].to_numpy(dtype=float)
        row_measures = probability_measures(is_event, scores) if code == MODEL else {}
        table = measure(
            is_event,
            scores,
            customers,
            _ranking_measures(spec),
            row_measures,
            seed,
            spec.bootstraps,
        )
        tables.append(table.assign(ranking_code=code))
    return pd.concat(tables)


def _random_split_metrics(observed: pd.DataFrame, spec: EventModelSpec, seed: int) -> pd.DataFrame:
    """Measure what a split that mixes the months of all customers would have claimed."""
    is_event = observed["is_event"].to_numpy()
    is_held_out = np.random.default_rng(seed).random(len(observed)) < RANDOM_TEST_SHARE
    kept, held_out = observed[~is_held_out], observed[is_held_out]
    scores = np.full(len(held_out), is_event[~is_held_out].mean() if len(kept) else 0.5)
    if np.unique(is_event[~is_held_out]).size == 2 and varying(kept, spec.features):
        coefficients = fit_coefficients(kept, is_event[~is_held_out], spec.features, INVERSE_PENALTY)
        scores = score_probabilities(held_out, coefficients)
    events = is_event[is_held_out]
    table = measure(
        events,
        scores,
        held_out["customer_key"].to_numpy(),
        _ranking_measures(spec),
        probability_measures(events, scores),
        seed,
        spec.bootstraps,
    )
    return table.assign(ranking_code=MODEL)


def _ranking_measures(spec: EventModelSpec) -> dict[str, RankingMeasure]:
    return {
        "auc": area_under_curve,
        "ks": kolmogorov_smirnov,
        "base_rate": base_rate,
        **budget_measures(spec.contact_budget_share),
    }


_NOTHING_VARIES = (
    "no scores: every feature has one value, or none, in all training rows",
    "不发布评分：训练样本中每个特征均只有一个取值或无取值",
)


def _too_few(spec: EventModelSpec, counts: dict[str, tuple[int, int]]) -> tuple[str, str]:
    (train_events, train_rows), (test_events, test_rows) = counts.values()
    return (
        f"no scores: {train_events:,} {spec.event_name_en} among {train_rows:,} training rows and {test_events:,} "
        f"among {test_rows:,} test rows; each needs at least {spec.least_events:,}, and other rows beside them",
        f"不发布评分：训练 {train_rows:,} 行中{spec.event_name_zh} {train_events:,}，"
        f"检验 {test_rows:,} 行中{spec.event_name_zh} {test_events:,}；"
        f"两者均须至少 {spec.least_events:,}，且须有未发生者",
    )


def _suspicion(findings: pd.DataFrame) -> tuple[str, str]:
    suspected = findings[findings["is_suspected"]]
    listed = ", ".join(f"{row['feature']} (AUC {row['auc']:.3f})" for row in suspected.to_dict("records"))
    limit = suspected["auc_limit"].iloc[0]
    return (
        f"no scores: suspected of knowing the outcome, because alone they rank it above the limit of {limit:g}: "
        f"{listed}; look when these values become known, then leave them out or raise the limit in the policy",
        f"不发布评分：下列特征单独排序即超过限度 {limit:g}，疑似含有未来信息：{listed}；"
        "请核对其取值时点，剔除该特征或在政策中提高限度",
    )


def _fitted(
    spec: EventModelSpec,
    counts: dict[str, tuple[int, int]],
    training: pd.DataFrame,
    test: pd.DataFrame,
    calibration: pd.DataFrame,
) -> tuple[str, str]:
    (train_events, train_rows), (test_events, test_rows) = counts.values()
    too_high = int((calibration["predicted_share"] > calibration["upper_bound"]).sum())
    too_low = int((calibration["predicted_share"] < calibration["lower_bound"]).sum())
    return (
        f"fitted on {train_rows:,} rows with {train_events:,} {spec.event_name_en} ({_months(training, ' to ')}), "
        f"tested on {test_rows:,} with {test_events:,} ({_months(test, ' to ')}); of {len(calibration)} groups by "
        f"score, probabilities are too high in {too_high} and too low in {too_low}",
        f"训练 {train_rows:,} 行、{spec.event_name_zh} {train_events:,}（{_months(training, ' 至 ')}），"
        f"检验 {test_rows:,} 行、{spec.event_name_zh} {test_events:,}（{_months(test, ' 至 ')}）；"
        f"按评分分 {len(calibration)} 组，概率偏高 {too_high} 组、偏低 {too_low} 组",
    )


def _months(rows: pd.DataFrame, to: str) -> str:
    months = rows["month_end_date"]
    return f"{months.min():%Y-%m}{to}{months.max():%Y-%m}"


def _digest(coefficients: pd.DataFrame) -> str:
    return hashlib.sha256(coefficients.to_csv(index=False).encode()).hexdigest()[:12]
