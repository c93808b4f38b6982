"""Churn warning: which active persons will be lost within the horizon, and what speaks for it.

Belongs here: which features count, the causes they are signs of, the words for both. Does not belong here: the steps
that all event models share (``scoring``), the features and the label (dbt, ``features``), the policy's numbers.

The label is ``is_attrited`` of ``features.customer_attrition``, by ``policy_attrition_definition``: of the persons with
a transaction of their own in the three months to the month-end, those whose relation is closed within the horizon, or
who do nothing of their own in its last months. It is known when the horizon is over, for early and late losses alike.
Who is only away for long, and comes back later, counts as lost: the label has no other way to tell a silent loss.

The simple rule beside the model is recency: the longer nothing of their own, the sooner lost.

The cause of a score is the group of features that together add most to the log odds, against an average customer.
Falling activity and contact show whatever the cause, and a short relation is none: they are named only where nothing
else adds notably. A feature is named only on the side that speaks for a loss (see `reasons.ModelFeature`): a salary is
gone only where one is on record that no longer comes, what is said to have fallen is below what it was, and that
something is missing is no cause. Still a customer who leaves without a sign of a cause may be given a weak one: the
cause is a place to begin a conversation, and no proof of why somebody leaves. Age and gender are no features: a warning
should not rest on what a person is.
"""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from pipeline.frames import require_columns, require_unique, require_values
from pipeline.scoring.event_model import fit_event_model
from pipeline.scoring.event_result import BOOTSTRAPS, EventModel, EventModelSpec
from pipeline.scoring.reasons import NO_THEME, ModelFeature, Theme
from pipeline.scoring.time_split import month_periods

CAUSES = (
    Theme("activity_falls", "activity falls", "活跃度下降", is_cause=False),
    Theme("salary_gone", "salary or pension gone", "工资或养老金转走"),
    Theme("balance_moved_out", "balance moved out", "资金转出"),
    Theme("complaint", "complaint or low satisfaction", "投诉或满意度低"),
    Theme("fees", "fees", "费用"),
    Theme("contact_fades", "contact fades", "联系减少", is_cause=False),
    Theme("weak_relation", "short relation, few products", "关系短、产品少", is_cause=False),
)
NO_CAUSE = Theme(NO_THEME, "no cause in sight", "无明显原因")
# not among the causes: who transfers much as ever moves nothing out
LEVEL_THEME = "level"
CHURN_FEATURES = (
    ModelFeature(
        "own_transactions_1m_count", "signed_log", 3, "count", "activity_falls",
        "own transactions of the month", "many own transactions", "few own transactions",
        "当月主动交易", "主动交易多", "主动交易少",
        named_when="low",
    ),
    ModelFeature(
        "own_transactions_3m_count", "signed_log", 3, "count", "activity_falls",
        "own transactions of 3 months", "many own transactions in 3 months", "few own transactions in 3 months",
        "近三月主动交易", "近三月主动交易多", "近三月主动交易少",
        named_when="low",
    ),
    ModelFeature(
        "own_transactions_trend_ratio", "signed_log", 3, "share", "activity_falls",
        "own transactions against the two months before", "own transactions rose", "own transactions fell",
        "当月主动交易与前两月均值之比", "主动交易上升", "主动交易下降",
        named_when="low", reference=1,
    ),
    ModelFeature(
        "days_since_last_own_transaction", "signed_log", 3, "days", "activity_falls",
        "days since the last own transaction", "longer than usual without own transactions", "active lately",
        "距上次主动交易天数", "较长时间无主动交易", "近期活跃",
        named_when="high",
    ),
    ModelFeature(
        "purchase_trend_ratio", "signed_log", 3, "share", "activity_falls",
        "purchases against the two months before", "purchases rose", "purchases fell",
        "当月消费与前两月均值之比", "消费上升", "消费下降",
        named_when="low", reference=1,
    ),
    ModelFeature(
        "months_since_last_salary", "identity", 1, "months", "salary_gone",
        "months since the last salary or pension", "no salary or pension lately", "salary or pension is current",
        "距上次工资或养老金月数", "近期无工资或养老金入账", "工资或养老金正常",
        named_when="high", reference=0,
    ),
    ModelFeature(
        "inflow_trend_ratio", "signed_log", 3, "share", "activity_falls",
        "inflow against the two months before", "inflow rose", "inflow fell",
        "当月流入与前两月均值之比", "流入上升", "流入下降",
        named_when="low", reference=1,
    ),
    ModelFeature(
        "deposit_end_balance_amount", "signed_log", 3, "amount", "weak_relation",
        "deposit balance", "high deposit balance", "low deposit balance",
        "存款余额", "存款余额高", "存款余额低",
        named_when="low",
    ),
    ModelFeature(
        "deposit_balance_trend_ratio", "signed_log", 3, "share", "balance_moved_out",
        "balance against the average of 3 months", "balance rose", "balance fell",
        "余额与近三月日均之比", "余额上升", "余额下降",
        named_when="low", reference=1,
    ),
    ModelFeature(
        "transfers_out_1m_amount", "signed_log", 3, "amount", LEVEL_THEME,
        "transfers out this month", "much transferred out", "little transferred out",
        "当月转出", "转出多", "转出少",
        named_when="high",
    ),
    ModelFeature(
        "transfers_out_trend_ratio", "signed_log", 3, "share", "balance_moved_out",
        "transfers out against the two months before", "transfers out rose", "transfers out fell",
        "当月转出与前两月均值之比", "转出上升", "转出下降",
        named_when="high", reference=1,
    ),
    ModelFeature(
        "complaints_1m_count", "identity", 1, "count", "complaint",
        "complaints this month", "complained this month", "no complaint this month",
        "当月投诉", "当月有投诉", "当月无投诉",
        named_when="high", reference=0,
    ),
    ModelFeature(
        "complaints_3m_count", "identity", 1, "count", "complaint",
        "complaints in 3 months", "complained lately", "no complaint lately",
        "近三月投诉", "近期有投诉", "近期无投诉",
        named_when="high", reference=0,
    ),
    ModelFeature(
        "satisfaction_3m_average", "identity", 1, "score", "complaint",
        "satisfaction of 3 months (1 to 5)", "high satisfaction", "low satisfaction",
        "近三月满意度（1 至 5）", "满意度高", "满意度低",
        named_when="low", reference=3,
    ),
    ModelFeature(
        "fees_3m_count", "identity", 1, "count", "fees",
        "fees in 3 months", "fees charged lately", "few fees lately",
        "近三月收费次数", "近期收费多", "近期收费少",
        named_when="high",
    ),
    ModelFeature(
        "own_interactions_3m_count", "signed_log", 3, "count", "contact_fades",
        "contacts of their own in 3 months", "many contacts", "few contacts",
        "近三月主动联系", "主动联系多", "主动联系少",
        named_when="low",
    ),
    ModelFeature(
        "own_interactions_trend_ratio", "signed_log", 3, "share", "contact_fades",
        "contacts against the two months before", "contacts rose", "contacts fell",
        "当月主动联系与前两月均值之比", "主动联系上升", "主动联系下降",
        named_when="low", reference=1,
    ),
    ModelFeature(
        "tenure_months", "signed_log", 3, "months", "weak_relation",
        "months as a customer", "long a customer", "customer for a short time",
        "客户月数", "老客户", "新客户",
        named_when="low",
    ),
    ModelFeature(
        "products_held_count", "identity", 1, "count", "weak_relation",
        "products held", "many products", "few products",
        "持有产品数", "持有产品多", "持有产品少",
        named_when="low",
    ),
)  # fmt: skip
BASELINE_FEATURE = "days_since_last_own_transaction"
# Trends compare a month with the two before it.
LEAST_HISTORY_MONTHS = 3
KEY = ("customer_key", "month_end_date")
CAUSE_COLUMNS = ["cause_code", "cause_en", "cause_zh"]


@dataclass(frozen=True)
class ChurnModel:
    """The outcome of `fit_churn_model`; frames are empty, with their columns, where there is no model.

    Attributes
    ----------
    event_model : EventModel
        Everything that event models share, ``churn`` being the ``model_code``.
    scores : DataFrame
        ``model_code, model_version, customer_key, month_end_date, probability, probability_rank_share, cause_code,
        cause_en, cause_zh, reason_en, reason_zh, sample_code``, one row per active person and month-end with enough
        history.
    reasons : DataFrame
        ``model_code, model_version, customer_key, month_end_date, reason_rank, cause_code, cause_en, cause_zh,
        cause_contribution, feature, feature_value, contribution, reason_en, reason_zh``: up to three reasons of each
        person of the latest month, what adds most first, falling activity among them.
    """

    event_model: EventModel
    scores: pd.DataFrame
    reasons: pd.DataFrame


def fit_churn_model(
    frame: pd.DataFrame,
    seed: int,
    as_of_date: date,
    least_events: int,
    test_month_count: int,
    contact_budget_share: float,
    highest_single_feature_auc: float,
    bootstraps: int = BOOTSTRAPS,
) -> ChurnModel:
    """Fit on earlier months, test on the latest observed ones, score every active person, and name causes.

    Parameters
    ----------
    frame : DataFrame
        ``features.customer_months`` joined with ``features.customer_attrition`` on customer and month-end: the
        features, ``history_months``, ``horizon_months`` and ``is_attrited`` (null while not observed), one row per
        active person and month-end. May be empty.
    seed : int
        For the bootstrap, the random order and the random split.
    as_of_date : date
        Later rows, and labels whose horizon ends later, are not looked at: what comes later moves no score.
    least_events, test_month_count, contact_budget_share, highest_single_feature_auc
        Of ``policy.policy_customer_models``; see `scoring.event_result.EventModelSpec`.
    bootstraps : int
        Bootstrap samples behind each interval.

    Returns
    -------
    ChurnModel

    Raises
    ------
    InputError
        If columns are missing, a key is null or comes twice, or a number is out of its range.
    """
    spec = EventModelSpec(
        model_code="churn",
        event_name_en="lost customers",
        event_name_zh="流失客户",
        baseline_name_en="days since the last own transaction",
        key=KEY,
        rank_within=("month_end_date",),
        features=CHURN_FEATURES,
        themes=CAUSES,
        least_history_months=LEAST_HISTORY_MONTHS,
        least_events=least_events,
        test_period_count=test_month_count,
        contact_budget_share=contact_budget_share,
        highest_single_feature_auc=highest_single_feature_auc,
        bootstraps=bootstraps,
    )
    model = fit_event_model(_event_rows(frame), spec, seed, as_of_date)
    return ChurnModel(model, _with_causes(model.scores), _with_causes(model.reasons))


def _event_rows(frame: pd.DataFrame) -> pd.DataFrame:
    name = "customer months with attrition"
    require_columns(frame, [*KEY, "history_months", "horizon_months", "is_attrited", BASELINE_FEATURE], name)
    require_values(frame, [*KEY, "history_months", "horizon_months"], name)
    require_unique(frame, KEY, name)
    days = frame[BASELINE_FEATURE].astype("float64")
    # who never did anything was inactive for longer than anybody
    baseline = days.fillna(days.max() + 1).fillna(0)
    return month_periods(frame).assign(is_event=frame["is_attrited"], baseline_score=baseline)


def _with_causes(table: pd.DataFrame) -> pd.DataFrame:
    """Replace the theme by the cause and its names, in the same place."""
    causes = {cause.theme_code: cause for cause in (*CAUSES, NO_CAUSE)}
    position = list(table.columns).index("theme_code")
    renamed = table.rename(columns={"theme_code": "cause_code", "theme_contribution": "cause_contribution"})
    renamed["cause_en"] = renamed["cause_code"].map({code: cause.name_en for code, cause in causes.items()})
    renamed["cause_zh"] = renamed["cause_code"].map({code: cause.name_zh for code, cause in causes.items()})
    others = [column for column in renamed.columns if column not in CAUSE_COLUMNS]
    ordered = renamed[[*others[:position], *CAUSE_COLUMNS, *others[position:]]]
    return ordered.astype(dict.fromkeys(CAUSE_COLUMNS, "str"))
