"""A first credit-risk model: which borrowers in good standing will be past due within the horizon.

Belongs here: which features count, the split by time, the gate before scores are published. Does not belong here: the
definition of default (``policy_default_definition``), the features and outcomes themselves (dbt, ``features``), score
points and limits (scorecards).

The split is honest in time. The test is on the latest month-ends whose outcome is fully observed; the training rows are
earlier month-ends whose outcome window had ended before the first test month began, so that nothing the model learns
was unknown when the first test score would have been given. Month-ends between the two are neither. A split at random,
which mixes months of the same customers, is reported beside it for contrast: the difference is what such a split would
flatter.

Age and gender are no features: the lending law of most countries forbids or restricts them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd
from pandas.tseries.offsets import MonthEnd

from pipeline.credit.discrimination import METRIC_COLUMNS, PROBABILITY_MEASURES, RANKING_MEASURES, measure
from pipeline.credit.linear_scores import COEFFICIENT_COLUMNS, RiskFeature, fit_coefficients, score_probabilities
from pipeline.errors import InputError
from pipeline.frames import require_columns, require_unique, require_values

RISK_FEATURES = (
    RiskFeature("days_past_due", "identity"),
    RiskFeature("max_days_past_due_3m", "identity"),
    RiskFeature("deposit_end_balance_amount", "signed_log"),
    RiskFeature("deposit_minimum_balance_1m_amount", "signed_log"),
    RiskFeature("deposit_average_balance_1m_amount", "signed_log"),
    RiskFeature("deposit_average_balance_3m_amount", "signed_log"),
    RiskFeature("inflow_1m_amount", "signed_log"),
    RiskFeature("inflow_3m_amount", "signed_log"),
    RiskFeature("outflow_1m_amount", "signed_log"),
    RiskFeature("outflow_3m_amount", "signed_log"),
    RiskFeature("salary_inflow_3m_amount", "signed_log"),
    RiskFeature("loan_balance_amount", "signed_log"),
    RiskFeature("instalment_due_3m_amount", "signed_log"),
    RiskFeature("card_debt_amount", "signed_log"),
    RiskFeature("card_utilisation_share", "identity"),
    RiskFeature("cash_3m_share", "identity"),
    RiskFeature("cash_advances_3m_count", "signed_log"),
    RiskFeature("fees_3m_count", "signed_log"),
    RiskFeature("complaints_3m_count", "signed_log"),
    RiskFeature("calls_3m_count", "signed_log"),
    RiskFeature("tenure_months", "signed_log"),
)
BASELINE_FEATURE = "days_past_due"
HISTORY = "history_months"
# Windows of three months mean the same only where three months of history exist.
LEAST_HISTORY_MONTHS = 3
INVERSE_PENALTY = 0.1
RANDOM_TEST_SHARE = 0.3
BOOTSTRAPS = 200

KEY = ["customer_key", "month_end_date"]
COEFFICIENTS = {"model_version": "str", **COEFFICIENT_COLUMNS}
SCORES = {
    "customer_key": "str",
    "month_end_date": "datetime64[us]",
    "model_version": "str",
    "probability_of_default": "float64",
    "sample_code": "str",
}
METRICS = {"model_version": "str", "model_code": "str", "sample_code": "str", **METRIC_COLUMNS}
PREDICTIONS = {
    "customer_key": "str",
    "month_end_date": "datetime64[us]",
    "is_default": "bool",
    "probability_of_default": "float64",
    "baseline_score": "float64",
}
PROBABILITY_DECIMALS = 12

Sample = Literal["train", "gap", "test", "not_observed", "short_history"]


@dataclass(frozen=True)
class DefaultModel:
    """The outcome of `fit_default_model`; frames are empty, with their columns, where there is no model.

    Attributes
    ----------
    outcome : {'fitted', 'insufficient_data'}
    reason_en, reason_zh : str
        What was fitted on what, or why there is no model.
    model_version : str or None
        Hash of the coefficients.
    coefficients : DataFrame
        ``model_version`` and the columns of `linear_scores`: all that scoring takes.
    scores : DataFrame
        ``customer_key, month_end_date, model_version, probability_of_default, sample_code`` for every row with enough
        history. ``sample_code`` says how far a score may be believed: ``train`` rows were fitted on.
    metrics : DataFrame
        ``model_version, model_code, sample_code`` and the columns of `discrimination`. ``model_code`` is
        ``default_logistic`` or ``current_days_past_due``, the baseline; ``sample_code`` is ``test``,
        ``test_unseen_customers`` (no month of theirs was trained on) or ``random_split``.
    test_predictions : DataFrame
        ``customer_key, month_end_date, is_default, probability_of_default, baseline_score``: the test rows, for plots.
    samples : DataFrame
        ``month_end_date, sample_code, row_count, event_count``: how the rows were split.
    """

    outcome: Literal["fitted", "insufficient_data"]
    reason_en: str
    reason_zh: str
    model_version: str | None
    coefficients: pd.DataFrame
    scores: pd.DataFrame
    metrics: pd.DataFrame
    test_predictions: pd.DataFrame
    samples: pd.DataFrame


def fit_default_model(
    frame: pd.DataFrame,
    seed: int,
    as_of_date: date,
    least_events: int,
    test_month_count: int = 2,
    features: Sequence[RiskFeature] = RISK_FEATURES,
    bootstraps: int = BOOTSTRAPS,
) -> DefaultModel:
    """Fit on earlier months, test on the latest observed ones, and score every row.

    Parameters
    ----------
    frame : DataFrame
        ``features.customer_months`` joined with ``features.customer_outcomes`` on customer and month-end: the features,
        ``history_months``, ``horizon_months`` and ``is_default`` (null while not observed), one row per borrower in
        good standing and month-end. May be empty.
    seed : int
        For the bootstrap and the random split.
    as_of_date : date
        Outcomes whose window ends later are not looked at, whatever the frame says: what comes later moves no score.
    least_events : int
        Fewest defaults in training and in test; below, no scores are published.
    test_month_count : int
        Month-ends in the test.
    features : sequence of RiskFeature
        Columns to weigh.
    bootstraps : int
        Bootstrap samples behind each interval.

    Returns
    -------
    DefaultModel

    Raises
    ------
    InputError
        If columns are missing, a key is null or comes twice, or a number is not positive.
    """
    _check(frame, features, least_events, test_month_count)
    rows = frame.assign(month_end_date=pd.to_datetime(frame["month_end_date"])).sort_values(KEY, ignore_index=True)
    rows["sample_code"] = _samples(rows, as_of_date, test_month_count)
    is_observed = rows["sample_code"].isin(["train", "gap", "test"])
    is_event = rows["is_default"].eq(True).fillna(False).to_numpy(dtype=bool) & is_observed.to_numpy()
    samples = _sample_table(rows, is_event)
    is_train, is_test = (rows["sample_code"].eq(name).to_numpy() for name in ("train", "test"))
    counts = {
        "training": (int(is_event[is_train].sum()), int(is_train.sum())),
        "test": (int(is_event[is_test].sum()), int(is_test.sum())),
    }
    if any(not least_events <= events < of_rows for events, of_rows in counts.values()):
        return _without_model(counts, least_events, samples)

    coefficients = fit_coefficients(rows[is_train], is_event[is_train], features, INVERSE_PENALTY)
    model_version = f"default-logistic-{_digest(coefficients)}"
    rows["probability_of_default"] = score_probabilities(rows, coefficients).round(PROBABILITY_DECIMALS)
    rows["model_version"] = model_version
    rows["baseline_score"] = rows[BASELINE_FEATURE].astype("float64").fillna(0)
    rows["is_default"] = is_event

    metrics = pd.concat(
        [
            *_test_metrics(rows, is_train, is_test, seed, bootstraps),
            _random_split_metrics(rows[is_train | is_test], features, seed, bootstraps),
        ]
    ).assign(model_version=model_version)
    (train_events, train_rows), (test_events, test_rows) = counts.values()
    return DefaultModel(
        outcome="fitted",
        reason_en=f"fitted on {train_rows:,} rows with {train_events:,} defaults ({_months(rows[is_train], 'to')}), "
        f"tested on {test_rows:,} with {test_events:,} ({_months(rows[is_test], 'to')})",
        reason_zh=f"训练 {train_rows:,} 行、违约 {train_events:,}（{_months(rows[is_train], '至')}），"
        f"检验 {test_rows:,} 行、违约 {test_events:,}（{_months(rows[is_test], '至')}）",
        model_version=model_version,
        coefficients=_typed(coefficients.assign(model_version=model_version), COEFFICIENTS),
        scores=_typed(rows[rows["sample_code"] != "short_history"], SCORES),
        metrics=_typed(metrics, METRICS),
        test_predictions=_typed(rows[is_test], PREDICTIONS),
        samples=samples,
    )


def _check(frame: pd.DataFrame, features: Sequence[RiskFeature], least_events: int, test_month_count: int) -> None:
    columns = [*KEY, HISTORY, "horizon_months", "is_default", BASELINE_FEATURE]
    require_columns(frame, [*columns, *(feature.column for feature in features)], "customer months with outcomes")
    require_values(frame, [*KEY, HISTORY, "horizon_months"], "customer months with outcomes")
    require_unique(frame, KEY, "customer months with outcomes")
    for name, value in (("least_events", least_events), ("test_month_count", test_month_count)):
        if value < 1:
            raise InputError(
                f"{name} is out of its range",
                expected="1 or more",
                found=str(value),
                where=name,
                action="correct it where the model is called",
            )


def _samples(rows: pd.DataFrame, as_of_date: date, test_month_count: int) -> pd.Series:
    """Return for each row the `Sample` it belongs to."""
    horizon_months = rows["horizon_months"].astype("int64")
    horizons = {months: rows["month_end_date"] + MonthEnd(months) for months in horizon_months.unique()}
    outcome_end = rows["month_end_date"].copy()
    for months, end in horizons.items():
        outcome_end = outcome_end.mask(horizon_months == months, end)

    has_history = rows[HISTORY] >= LEAST_HISTORY_MONTHS
    is_observed = rows["is_default"].notna() & (outcome_end <= pd.Timestamp(as_of_date))
    usable = rows["month_end_date"][has_history & is_observed]
    test_months = sorted(usable.unique())[-test_month_count:]
    first_test_day = test_months[0] - MonthEnd(1) + pd.Timedelta(days=1) if test_months else pd.Timestamp.min

    samples = pd.Series("gap", index=rows.index, dtype="str")
    samples = samples.mask(outcome_end < first_test_day, "train")
    samples = samples.mask(rows["month_end_date"].isin(test_months), "test")
    samples = samples.mask(~is_observed, "not_observed")
    return samples.mask(~has_history, "short_history")


def _sample_table(rows: pd.DataFrame, is_event: np.ndarray) -> pd.DataFrame:
    grouped = rows.assign(is_event=is_event).groupby(["month_end_date", "sample_code"], sort=True)["is_event"]
    return grouped.agg(row_count="size", event_count="sum").reset_index()


def _without_model(counts: dict[str, tuple[int, int]], least_events: int, samples: pd.DataFrame) -> DefaultModel:
    (train_events, train_rows), (test_events, test_rows) = counts.values()
    return DefaultModel(
        outcome="insufficient_data",
        reason_en=f"no scores: {train_events:,} defaults among {train_rows:,} training rows and {test_events:,} among "
        f"{test_rows:,} test rows; each needs at least {least_events:,}, and good cases beside them",
        reason_zh=f"不发布评分：训练 {train_rows:,} 行中违约 {train_events:,}，"
        f"检验 {test_rows:,} 行中违约 {test_events:,}；两者均须至少 {least_events:,}，且须有未违约者",
        model_version=None,
        coefficients=_empty(COEFFICIENTS),
        scores=_empty(SCORES),
        metrics=_empty(METRICS),
        test_predictions=_empty(PREDICTIONS),
        samples=samples,
    )


def _test_metrics(
    rows: pd.DataFrame, is_train: np.ndarray, is_test: np.ndarray, seed: int, bootstraps: int
) -> list[pd.DataFrame]:
    is_unseen = ~rows["customer_key"].isin(rows.loc[is_train, "customer_key"]).to_numpy()
    tables = []
    for sample_code, is_in_sample in (("test", is_test), ("test_unseen_customers", is_test & is_unseen)):
        sample = rows[is_in_sample]
        for model_code, column, measures in (
            ("default_logistic", "probability_of_default", PROBABILITY_MEASURES),
            ("current_days_past_due", "baseline_score", RANKING_MEASURES),
        ):
            table = measure(
                sample["is_default"].to_numpy(dtype=bool),
                sample[column].to_numpy(dtype=float),
                sample["customer_key"].to_numpy(),
                measures,
                seed,
                bootstraps,
            )
            tables.append(table.assign(model_code=model_code, sample_code=sample_code))
    return tables


def _random_split_metrics(
    observed: pd.DataFrame, features: Sequence[RiskFeature], seed: int, bootstraps: int
) -> pd.DataFrame:
    """Measure what a split that mixes the months of all customers would have claimed."""
    is_event = observed["is_default"].to_numpy(dtype=bool)
    is_held_out = np.random.default_rng(seed).random(len(observed)) < RANDOM_TEST_SHARE
    scores = np.zeros(len(observed))
    if np.unique(is_event[~is_held_out]).size == 2:
        coefficients = fit_coefficients(observed[~is_held_out], is_event[~is_held_out], features, INVERSE_PENALTY)
        scores = score_probabilities(observed, coefficients)
    table = measure(
        is_event[is_held_out],
        scores[is_held_out],
        observed["customer_key"].to_numpy()[is_held_out],
        PROBABILITY_MEASURES,
        seed,
        bootstraps,
    )
    return table.assign(model_code="default_logistic", sample_code="random_split")


def _digest(coefficients: pd.DataFrame) -> str:
    return hashlib.sha256(coefficients.to_csv(index=False).encode()).hexdigest()[:12]


def _months(rows: pd.DataFrame, to: str) -> str:
    months = rows["month_end_date"]
    return f"{months.min():%Y-%m} {to} {months.max():%Y-%m}"


def _typed(frame: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    return frame[list(columns)].astype(columns).reset_index(drop=True)


def _empty(columns: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns)).astype(columns)
