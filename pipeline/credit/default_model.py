"""A first credit-risk model: which borrowers in good standing will be past due within the horizon.

Belongs here: which features count and what they are called, the tables of the default model. Does not belong here: the
steps that it has in common with other models (``scoring``); the definition of default (``policy_default_definition``),
the features and outcomes themselves (dbt, ``features``), score points and limits (scorecards).

The simple rule beside it is the current number of days past due.

Age and gender are no features: the lending law of most countries forbids or restricts them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from pipeline.frames import require_columns, require_unique, require_values
from pipeline.scoring.additive import COEFFICIENT_COLUMNS
from pipeline.scoring.budget import TOP_DECILE
from pipeline.scoring.discrimination import METRIC_COLUMNS
from pipeline.scoring.event_model import fit_event_model
from pipeline.scoring.event_result import BOOTSTRAPS, MODEL, SIMPLE_RULE, EventModel, EventModelSpec, Outcome
from pipeline.scoring.reasons import ModelFeature, Theme
from pipeline.scoring.time_split import SAMPLE_COLUMNS, month_periods

THEMES = (
    Theme("arrears", "arrears", "逾期"),
    Theme("balance", "balances", "余额"),
    Theme("income", "income", "收入"),
    Theme("spending", "spending", "支出"),
    Theme("debt", "debt", "负债"),
    Theme("trouble", "fees and complaints", "费用与投诉"),
    Theme("tenure", "length of the relation", "关系年限"),
)
# Amounts, counts and shares may bend once: on the earlier months of a simulated bank, and on a public table of 150,000
# borrowers, two pieces rank later or other rows better than one; more pieces need more defaults than a bank has.
RISK_FEATURES = (
    ModelFeature(
        "days_past_due", "identity", 1, "days", "arrears",
        "days past due", "past due", "not past due",
        "逾期天数", "当前逾期", "当前未逾期",
    ),
    ModelFeature(
        "max_days_past_due_3m", "identity", 1, "days", "arrears",
        "most days past due in 3 months", "past due lately", "not past due lately",
        "近三月最大逾期天数", "近期有逾期", "近期无逾期",
    ),
    ModelFeature(
        "deposit_end_balance_amount", "signed_log", 2, "amount", "balance",
        "deposit balance", "high deposit balance", "low deposit balance",
        "存款余额", "存款余额高", "存款余额低",
    ),
    ModelFeature(
        "deposit_minimum_balance_1m_amount", "signed_log", 2, "amount", "balance",
        "lowest balance of the month", "balance never ran low", "balance ran low",
        "当月最低余额", "余额未见底", "余额曾见底",
    ),
    ModelFeature(
        "deposit_average_balance_1m_amount", "signed_log", 2, "amount", "balance",
        "average balance of the month", "high average balance", "low average balance",
        "当月日均余额", "日均余额高", "日均余额低",
    ),
    ModelFeature(
        "deposit_average_balance_3m_amount", "signed_log", 2, "amount", "balance",
        "average balance of 3 months", "high average balance in 3 months", "low average balance in 3 months",
        "近三月日均余额", "近三月日均余额高", "近三月日均余额低",
    ),
    ModelFeature(
        "inflow_1m_amount", "signed_log", 2, "amount", "income",
        "inflow of the month", "much inflow this month", "little inflow this month",
        "当月流入", "当月流入多", "当月流入少",
    ),
    ModelFeature(
        "inflow_3m_amount", "signed_log", 2, "amount", "income",
        "inflow of 3 months", "much inflow in 3 months", "little inflow in 3 months",
        "近三月流入", "近三月流入多", "近三月流入少",
    ),
    ModelFeature(
        "outflow_1m_amount", "signed_log", 2, "amount", "spending",
        "outflow of the month", "much outflow this month", "little outflow this month",
        "当月流出", "当月流出多", "当月流出少",
    ),
    ModelFeature(
        "outflow_3m_amount", "signed_log", 2, "amount", "spending",
        "outflow of 3 months", "much outflow in 3 months", "little outflow in 3 months",
        "近三月流出", "近三月流出多", "近三月流出少",
    ),
    ModelFeature(
        "salary_inflow_3m_amount", "signed_log", 2, "amount", "income",
        "salary or pension of 3 months", "high salary or pension", "little or no salary or pension",
        "近三月工资或养老金", "工资或养老金高", "工资或养老金少或无",
    ),
    ModelFeature(
        "loan_balance_amount", "signed_log", 2, "amount", "debt",
        "loan balance", "high loan balance", "low loan balance",
        "贷款余额", "贷款余额高", "贷款余额低",
    ),
    ModelFeature(
        "instalment_due_3m_amount", "signed_log", 2, "amount", "debt",
        "instalments due in 3 months", "high instalments", "low instalments",
        "近三月应还款额", "还款额高", "还款额低",
    ),
    ModelFeature(
        "card_debt_amount", "signed_log", 2, "amount", "debt",
        "credit card debt", "high card debt", "low card debt",
        "信用卡欠款", "信用卡欠款多", "信用卡欠款少",
    ),
    ModelFeature(
        "card_utilisation_share", "identity", 2, "share", "debt",
        "used share of the card limit", "card limit much used", "card limit little used",
        "信用卡额度使用率", "额度使用率高", "额度使用率低",
    ),
    ModelFeature(
        "cash_3m_share", "identity", 2, "share", "spending",
        "cash in outflow", "much cash", "little cash",
        "现金占流出", "现金支取多", "现金支取少",
    ),
    ModelFeature(
        "cash_advances_3m_count", "signed_log", 2, "count", "debt",
        "cash advances in 3 months", "cash advances on the card", "no or few cash advances",
        "近三月信用卡取现", "有信用卡取现", "无或少信用卡取现",
    ),
    ModelFeature(
        "fees_3m_count", "signed_log", 2, "count", "trouble",
        "fees in 3 months", "many fees", "few fees",
        "近三月收费次数", "收费多", "收费少",
    ),
    ModelFeature(
        "complaints_3m_count", "signed_log", 2, "count", "trouble",
        "complaints in 3 months", "complained", "did not complain",
        "近三月投诉", "有投诉", "无投诉",
    ),
    ModelFeature(
        "calls_3m_count", "signed_log", 2, "count", "trouble",
        "calls in 3 months", "many calls", "few calls",
        "近三月来电", "来电多", "来电少",
    ),
    ModelFeature(
        "tenure_months", "signed_log", 2, "months", "tenure",
        "months as a customer", "long a customer", "customer for a short time",
        "客户月数", "老客户", "新客户",
    ),
)  # fmt: skip
BASELINE_FEATURE = "days_past_due"
HISTORY = "history_months"
# Windows of three months mean the same only where three months of history exist.
LEAST_HISTORY_MONTHS = 3

KEY = ("customer_key", "month_end_date")
RANKING_NAMES = {MODEL: "default_logistic", SIMPLE_RULE: "current_days_past_due"}
# What a contact budget brings is of no concern to a risk model.
BUDGET_METRICS = ("lift_at_budget", "capture_at_budget")
COEFFICIENTS = ["model_version", *COEFFICIENT_COLUMNS]
SCORES = [*KEY, "model_version", "probability_of_default", "sample_code"]
METRICS = ["model_version", "model_code", "sample_code", *METRIC_COLUMNS]
PREDICTIONS = [*KEY, "is_default", "probability_of_default", "baseline_score"]


@dataclass(frozen=True)
class DefaultModel:
    """The outcome of `fit_default_model`; frames are empty, with their columns, where there is no model.

    Attributes
    ----------
    outcome : {'fitted', 'insufficient_data', 'leakage_suspected'}
    reason_en, reason_zh : str
        What was fitted on what, or why there is no model.
    model_version : str or None
        Hash of the coefficients.
    coefficients : DataFrame
        ``model_version`` and the columns of `additive`: all that scoring takes.
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
    event_model : EventModel
        The same and more (reasons, calibration, leakage findings), in the columns that all models share.
    """

    outcome: Outcome
    reason_en: str
    reason_zh: str
    model_version: str | None
    coefficients: pd.DataFrame
    scores: pd.DataFrame
    metrics: pd.DataFrame
    test_predictions: pd.DataFrame
    samples: pd.DataFrame
    event_model: EventModel


def fit_default_model(
    frame: pd.DataFrame,
    seed: int,
    as_of_date: date,
    least_events: int,
    highest_single_feature_auc: float,
    test_month_count: int = 2,
    features: Sequence[ModelFeature] = RISK_FEATURES,
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
        Later rows, and outcomes whose window ends later, are not looked at: what comes later moves no score.
    least_events : int
        Fewest defaults in training and in test; below, no scores are published.
    highest_single_feature_auc : float
        A feature that alone ranks the training rows better is suspected of knowing the outcome: no scores either.
    test_month_count : int
        Month-ends in the test.
    features : sequence of ModelFeature
        Columns to weigh.
    bootstraps : int
        Bootstrap samples behind each interval.

    Returns
    -------
    DefaultModel

    Raises
    ------
    InputError
        If columns are missing, a key is null or comes twice, or a number is out of its range.
    """
    spec = EventModelSpec(
        model_code="default",
        event_name_en="defaults",
        event_name_zh="违约",
        baseline_name_en="days past due now",
        key=KEY,
        rank_within=("month_end_date",),
        features=tuple(features),
        themes=THEMES,
        least_history_months=LEAST_HISTORY_MONTHS,
        least_events=least_events,
        test_period_count=test_month_count,
        contact_budget_share=TOP_DECILE,
        highest_single_feature_auc=highest_single_feature_auc,
        bootstraps=bootstraps,
    )
    return _default_model(fit_event_model(_event_rows(frame), spec, seed, as_of_date))


def _event_rows(frame: pd.DataFrame) -> pd.DataFrame:
    name = "customer months with outcomes"
    require_columns(frame, [*KEY, HISTORY, "horizon_months", "is_default", BASELINE_FEATURE], name)
    require_values(frame, [*KEY, HISTORY, "horizon_months"], name)
    require_unique(frame, KEY, name)
    baseline = frame[BASELINE_FEATURE].astype("float64").fillna(0)
    return month_periods(frame).assign(is_event=frame["is_default"], baseline_score=baseline)


def _default_model(model: EventModel) -> DefaultModel:
    metrics = model.metrics
    is_told = metrics["ranking_code"].isin(list(RANKING_NAMES)) & ~metrics["metric_code"].isin(BUDGET_METRICS)
    told = metrics[is_told]
    renamed = {"probability": "probability_of_default", "is_event": "is_default"}
    return DefaultModel(
        outcome=model.outcome,
        reason_en=model.reason_en,
        reason_zh=model.reason_zh,
        model_version=model.model_version,
        coefficients=model.coefficients[COEFFICIENTS],
        scores=model.scores.rename(columns=renamed)[SCORES],
        metrics=told.assign(model_code=told["ranking_code"].map(RANKING_NAMES).astype("str"))[METRICS].reset_index(
            drop=True
        ),
        test_predictions=model.test_predictions.rename(columns=renamed)[PREDICTIONS],
        samples=model.samples[list(SAMPLE_COLUMNS)],
        event_model=model,
    )
