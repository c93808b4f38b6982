"""Propensity: who takes up an offer when contacted, and what the contact itself brings.

Belongs here: which features count and what they are called, who may be offered what, the uplift against the control
group. Does not belong here: the steps that all event models share (``scoring``), offers and features (dbt,
``features``), the policy's numbers.

Learnt from the contacted only: the event is a response within the campaign's window. The split is by campaign, since
all of a campaign's customers are chosen on one day: tested are the latest campaigns whose windows have ended, learnt
from earlier ones whose windows had ended before the first tested one began. Features are those of the month-end before
the campaign, which is what was known when customers were chosen.

The simple rule beside the model is recency: the shorter ago the last transaction of their own, the sooner they respond
(the R of recency, frequency and monetary value; Bult and Wansbeek 1995, Marketing Science 14, 378-394).

A likely response is not a response that the contact has caused. Customers of the control group, chosen alike and kept
from contact at random, say what would have happened anyway: by tenths of the score, the uplift is the response rate of
those who were to be contacted minus that of the control group, campaign by campaign (``scoring.uplift``). Compared is
what was drawn, not what was done: who could not be reached counts as to be contacted, because nobody knows whom of the
control group one would not have reached. Age and gender are no features.

One model ranks customers for all products: the product offered moves the level of the score and not the order. A
product that no campaign of the training offered is not scored: of its takers nothing has been learnt.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from pipeline.frames import require_columns, require_unique, require_values
from pipeline.scoring.discrimination import DECIMALS
from pipeline.scoring.event_model import explain_rows, fit_event_model, score_rows
from pipeline.scoring.event_result import (
    BOOTSTRAPS,
    REASON_COLUMNS,
    SCORE_COLUMNS,
    VERSION,
    EventModel,
    EventModelSpec,
    empty,
    typed,
)
from pipeline.scoring.reasons import ModelFeature, Theme
from pipeline.scoring.uplift import uplift_within_strata

THEMES = (
    Theme("means", "money", "资金"),
    Theme("activity", "activity", "活跃度"),
    Theme("spending", "spending", "消费"),
    Theme("contact", "contact with the bank", "与银行的联系"),
    Theme("relation", "relation", "客户关系"),
)
# not among the themes: that an offer is popular with all says nothing about a customer
OFFER_THEME = "offer"
PROPENSITY_FEATURES = (
    ModelFeature(
        "deposit_average_balance_3m_amount", "signed_log", 3, "amount", "means",
        "average balance of 3 months", "high average balance", "low average balance",
        "近三月日均余额", "日均余额高", "日均余额低",
    ),
    ModelFeature(
        "inflow_3m_amount", "signed_log", 3, "amount", "means",
        "inflow of 3 months", "much inflow", "little inflow",
        "近三月流入", "流入多", "流入少",
    ),
    ModelFeature(
        "salary_inflow_3m_amount", "signed_log", 3, "amount", "means",
        "salary or pension of 3 months", "high salary or pension", "little or no salary or pension",
        "近三月工资或养老金", "工资或养老金高", "工资或养老金少或无",
    ),
    ModelFeature(
        "own_transactions_3m_count", "signed_log", 3, "count", "activity",
        "own transactions of 3 months", "many own transactions", "few own transactions",
        "近三月主动交易", "主动交易多", "主动交易少",
    ),
    ModelFeature(
        "days_since_last_own_transaction", "signed_log", 3, "days", "activity",
        "days since the last own transaction", "longer than usual without own transactions", "active lately",
        "距上次主动交易天数", "较长时间无主动交易", "近期活跃",
    ),
    ModelFeature(
        "purchase_3m_amount", "signed_log", 3, "amount", "spending",
        "purchases of 3 months", "spends much", "spends little",
        "近三月消费", "消费多", "消费少",
    ),
    ModelFeature(
        "purchases_3m_count", "signed_log", 3, "count", "spending",
        "number of purchases in 3 months", "buys often", "buys rarely",
        "近三月消费次数", "消费频繁", "消费少见",
    ),
    ModelFeature(
        "cash_3m_share", "identity", 3, "share", "spending",
        "cash in outflow", "much cash", "little cash",
        "现金占流出", "多用现金", "少用现金",
    ),
    ModelFeature(
        "card_utilisation_share", "identity", 1, "share", "spending",
        "used share of the card limit", "card limit much used", "card limit little used",
        "信用卡额度使用率", "额度使用率高", "额度使用率低",
    ),
    ModelFeature(
        "own_interactions_3m_count", "signed_log", 3, "count", "contact",
        "contacts of their own in 3 months", "many contacts", "few contacts",
        "近三月主动联系", "主动联系多", "主动联系少",
    ),
    ModelFeature(
        "mobile_interactions_3m_count", "signed_log", 1, "count", "contact",
        "contacts by mobile in 3 months", "uses the mobile bank much", "uses the mobile bank little",
        "近三月手机银行联系", "常用手机银行", "少用手机银行",
    ),
    ModelFeature(
        "complaints_3m_count", "identity", 1, "count", "contact",
        "complaints in 3 months", "complained lately", "no complaint lately",
        "近三月投诉", "近期有投诉", "近期无投诉",
    ),
    ModelFeature(
        "satisfaction_3m_average", "identity", 1, "score", "contact",
        "satisfaction of 3 months (1 to 5)", "high satisfaction", "low satisfaction",
        "近三月满意度（1 至 5）", "满意度高", "满意度低",
    ),
    ModelFeature(
        "tenure_months", "signed_log", 3, "months", "relation",
        "months as a customer", "long a customer", "customer for a short time",
        "客户月数", "老客户", "新客户",
    ),
    ModelFeature(
        "products_held_count", "identity", 1, "count", "relation",
        "products held", "many products", "few products",
        "持有产品数", "持有产品多", "持有产品少",
    ),
)  # fmt: skip
BASELINE_FEATURE = "days_since_last_own_transaction"
# Windows of three months mean the same only where three months of history exist; campaigns are few, and every month
# waited for would leave fewer, so customers whose history is shorter are taken as they are.
LEAST_HISTORY_MONTHS = 1
KEY = ("customer_key", "month_end_date", "campaign_id")
CANDIDATE_KEY = ("customer_key", "month_end_date", "product_code")
OFFER_COLUMNS = (
    "customer_key", "campaign_id", "product_code", "start_date", "feature_month_end_date", "is_control",
    "contacted_date", "response_until_date", "is_response", "history_months",
)  # fmt: skip
TENTHS = 10

CANDIDATE_SCORES = {
    **VERSION,
    "customer_key": "str",
    "month_end_date": "datetime64[us]",
    "product_code": "str",
    **SCORE_COLUMNS,
}
CANDIDATE_REASONS = {
    **VERSION,
    "customer_key": "str",
    "month_end_date": "datetime64[us]",
    "product_code": "str",
    **REASON_COLUMNS,
}
UPLIFT_FIGURES = {
    "predicted_share": "float64",
    "contacted_count": "int64",
    "contacted_response_share": "float64",
    "control_count": "int64",
    "control_response_share": "float64",
    "uplift_share": "float64",
    "lower_bound": "float64",
    "upper_bound": "float64",
}
UPLIFT = {**VERSION, "score_tenth": "int64", **UPLIFT_FIGURES}
UPLIFT_SUMMARY = {**VERSION, "group_code": "str", **UPLIFT_FIGURES}


@dataclass(frozen=True)
class PropensityModel:
    """The outcome of `fit_propensity_model`; frames are empty, with their columns, where there is no model.

    Attributes
    ----------
    event_model : EventModel
        Everything that event models share, ``propensity`` being the ``model_code``. Its scores and reasons are of the
        contacted customers of past campaigns, by ``customer_key, month_end_date, campaign_id``.
    scores : DataFrame
        ``model_code, model_version, customer_key, month_end_date, product_code, probability, probability_rank_share``
        (within month and product), ``theme_code, reason_en, reason_zh``: one row per candidate and product that a
        campaign of the training offered.
    reasons : DataFrame
        ``model_code, model_version, customer_key, month_end_date, product_code`` and the columns of
        `scoring.event_result.REASON_COLUMNS`: up to three per candidate and product.
    uplift : DataFrame
        The columns of `UPLIFT`: test campaigns by tenths of the score (1 is the highest), those to be contacted
        against control. Shares are weighted over campaigns, and null where no campaign has customers of both kinds in
        the tenth.
    uplift_summary : DataFrame
        The same with ``group_code`` for the tenth: ``all``, and ``budget``, the highest scores within the contact
        budget.
    """

    event_model: EventModel
    scores: pd.DataFrame
    reasons: pd.DataFrame
    uplift: pd.DataFrame
    uplift_summary: pd.DataFrame


def fit_propensity_model(
    offers: pd.DataFrame,
    candidates: pd.DataFrame,
    seed: int,
    as_of_date: date,
    least_events: int,
    test_campaign_count: int,
    contact_budget_share: float,
    highest_single_feature_auc: float,
    bootstraps: int = BOOTSTRAPS,
) -> PropensityModel:
    """Fit on the contacted of earlier campaigns, test on the latest, score candidates, measure the uplift.

    Parameters
    ----------
    offers : DataFrame
        ``features.campaign_offers`` joined with ``features.customer_months`` on customer and
        ``feature_month_end_date``: `OFFER_COLUMNS` and the features, one row per campaign and chosen customer,
        contacted or control. May be empty. Rows without ``history_months``, of customers of whom nothing is known at
        that month-end, are left out, and the reason of the outcome says how many.
    candidates : DataFrame
        From `eligible_candidates`: ``customer_key, month_end_date, product_code`` and the features. May be empty.
    seed : int
        For the bootstrap, the random order and the random split.
    as_of_date : date
        Campaigns that begin later, and responses whose window ends later, are not looked at.
    least_events, contact_budget_share, highest_single_feature_auc
        Of ``policy.policy_customer_models``; see `scoring.event_result.EventModelSpec`.
    test_campaign_count : int
        Starting days of campaigns that are tested on; campaigns that start on one day count as one.
    bootstraps : int
        Bootstrap samples behind each interval.

    Returns
    -------
    PropensityModel

    Raises
    ------
    InputError
        If columns are missing, a key is null or comes twice, or a number is out of its range.
    """
    _check(offers, candidates)
    begun = offers[pd.to_datetime(offers["start_date"]) <= pd.Timestamp(as_of_date)]
    is_known = begun["history_months"].notna()
    known = begun[is_known]
    product_codes = sorted(known["product_code"].unique())
    features = (*PROPENSITY_FEATURES, *(_offer_feature(code) for code in product_codes))
    spec = EventModelSpec(
        model_code="propensity",
        event_name_en="responses",
        event_name_zh="响应",
        baseline_name_en="recent own transactions",
        key=KEY,
        rank_within=("month_end_date", "campaign_id"),
        features=features,
        themes=THEMES,
        least_history_months=LEAST_HISTORY_MONTHS,
        least_events=least_events,
        test_period_count=test_campaign_count,
        contact_budget_share=contact_budget_share,
        highest_single_feature_auc=highest_single_feature_auc,
        bootstraps=bootstraps,
    )
    rows = _event_rows(known, product_codes)
    is_contacted = ~rows["is_control"].astype(bool) & rows["contacted_date"].notna()
    model = fit_event_model(rows[is_contacted], spec, seed, as_of_date)
    model = _with_note(model, *_left_out_offers(int((~is_known).sum())))
    if model.outcome != "fitted":
        return PropensityModel(model, *(empty(columns) for columns in _OWN_FRAMES))
    trained = model.scores.loc[model.scores["sample_code"] == "train", "campaign_id"].unique()
    is_trained = candidates["product_code"].isin(rows.loc[rows["campaign_id"].isin(trained), "product_code"].unique())
    model = _with_note(model, *_left_out_products(sorted(candidates.loc[~is_trained, "product_code"].unique())))
    chosen = _test_rows(rows, model)
    return PropensityModel(
        model,
        *_candidate_frames(candidates[is_trained], product_codes, as_of_date, model),
        _uplift(chosen, "score_tenth", UPLIFT, model),
        _uplift_summary(chosen, model),
    )


def eligible_candidates(customers: pd.DataFrame, holdings: pd.DataFrame, product_codes: Sequence[str]) -> pd.DataFrame:
    """Return who may be offered what: every person who has not opted out, for every product not held.

    Parameters
    ----------
    customers : DataFrame
        One month-end of ``features.customer_months``: ``customer_key, month_end_date, customer_type, status_code,
        has_marketing_opt_out`` and the features.
    holdings : DataFrame
        ``customer_key, product_code``: what is held at that month-end. May be empty.
    product_codes : sequence of str
        Products on offer, such as those of ``features.campaign_offers``.

    Returns
    -------
    DataFrame
        ``product_code`` and the columns of `customers`, one row per customer and product, sorted by them. Persons whose
        relation is closed are left out; a person of whom it is not known whether they opted out is left out, too.

    Raises
    ------
    InputError
        If columns are missing or a customer comes twice.
    """
    needed = ["customer_key", "month_end_date", "customer_type", "status_code", "has_marketing_opt_out"]
    require_columns(customers, needed, "customers")
    require_columns(holdings, ["customer_key", "product_code"], "holdings")
    require_unique(customers, ["customer_key"], "customers")
    may_be_asked = (
        (customers["customer_type"] == "person")
        & (customers["status_code"] != "closed")
        & customers["has_marketing_opt_out"].eq(False).fillna(False).astype(bool)
    )
    products = pd.DataFrame({"product_code": sorted(set(product_codes))}, dtype="str")
    pairs = customers[may_be_asked].merge(products, how="cross")
    held = pd.MultiIndex.from_frame(holdings[["customer_key", "product_code"]].astype("str"))
    is_held = pd.MultiIndex.from_frame(pairs[["customer_key", "product_code"]].astype("str")).isin(held)
    return pairs[~is_held].sort_values(["customer_key", "product_code"], ignore_index=True)


_OWN_FRAMES = (CANDIDATE_SCORES, CANDIDATE_REASONS, UPLIFT, UPLIFT_SUMMARY)


def _check(offers: pd.DataFrame, candidates: pd.DataFrame) -> None:
    columns = [feature.column for feature in PROPENSITY_FEATURES]
    require_columns(offers, [*OFFER_COLUMNS, *columns], "campaign offers")
    known = [name for name in OFFER_COLUMNS if name not in ("contacted_date", "is_response", "history_months")]
    require_values(offers, known, "campaign offers")
    require_unique(offers, ["customer_key", "campaign_id"], "campaign offers")
    require_columns(candidates, [*CANDIDATE_KEY, *columns], "candidates")
    require_unique(candidates, CANDIDATE_KEY, "candidates")


def _left_out_offers(count: int) -> tuple[str, str]:
    if not count:
        return "", ""
    return (
        f"; {count:,} offers left out, of customers of whom nothing is known at the month-end before the campaign",
        f"；未计入 {count:,} 条营销记录：活动前月末无该客户数据",
    )


def _left_out_products(product_codes: Sequence[str]) -> tuple[str, str]:
    if not product_codes:
        return "", ""
    listed = ", ".join(product_codes)
    return (
        f"; not scored, because no campaign of the training offered it: {listed}",
        f"；训练活动未推荐，不评分：{listed}",
    )


def _with_note(model: EventModel, note_en: str, note_zh: str) -> EventModel:
    return replace(model, reason_en=model.reason_en + note_en, reason_zh=model.reason_zh + note_zh)


def _offer_feature(product_code: str) -> ModelFeature:
    return ModelFeature(
        _offer_column(product_code), "identity", 1, "count", OFFER_THEME,
        f"offer of {product_code}", f"the offer is {product_code}", f"the offer is not {product_code}",
        f"所荐产品为 {product_code}", f"所荐产品为 {product_code}", f"所荐产品非 {product_code}",
    )  # fmt: skip


def _offer_column(product_code: str) -> str:
    return f"is_offer_of_{product_code}"


def _with_offers(rows: pd.DataFrame, product_codes: Sequence[str]) -> pd.DataFrame:
    return rows.assign(
        **{_offer_column(code): (rows["product_code"] == code).astype("int64") for code in product_codes}
    )


def _event_rows(offers: pd.DataFrame, product_codes: Sequence[str]) -> pd.DataFrame:
    days = offers[BASELINE_FEATURE].astype("float64")
    return _with_offers(offers, product_codes).assign(
        month_end_date=pd.to_datetime(offers["feature_month_end_date"]),
        period_start_date=pd.to_datetime(offers["start_date"]),
        outcome_end_date=pd.to_datetime(offers["response_until_date"]),
        is_event=offers["is_response"],
        # who never did anything comes last
        baseline_score=-days.fillna(days.max() + 1).fillna(0),
    )


def _candidate_frames(
    candidates: pd.DataFrame, product_codes: Sequence[str], as_of_date: date, model: EventModel
) -> tuple[pd.DataFrame, pd.DataFrame]:
    spec = model.spec
    rows = _with_offers(candidates, product_codes).assign(month_end_date=pd.to_datetime(candidates["month_end_date"]))
    rows = rows[rows["month_end_date"] <= pd.Timestamp(as_of_date)].sort_values(list(CANDIDATE_KEY), ignore_index=True)
    of_candidates = replace(spec, key=CANDIDATE_KEY, rank_within=("month_end_date", "product_code"))
    version = {"model_code": spec.model_code, "model_version": model.model_version}
    scores = score_rows(rows, of_candidates, model.coefficients, model.usual).assign(**version)
    reasons = explain_rows(rows, of_candidates, model.coefficients, model.usual).assign(**version)
    return (
        typed(scores, CANDIDATE_SCORES),
        typed(reasons, CANDIDATE_REASONS),
    )


def _test_rows(rows: pd.DataFrame, model: EventModel) -> pd.DataFrame:
    """Return all who were chosen for the tested campaigns, ranked together within their campaign."""
    tested = rows[rows["campaign_id"].isin(model.test_predictions["campaign_id"].unique())]
    tested = tested[tested["is_event"].notna()].sort_values(list(KEY), ignore_index=True)
    scores = score_rows(tested, model.spec, model.coefficients, model.usual)
    rank_share = scores["probability_rank_share"]
    return tested.assign(
        probability=scores["probability"],
        rank_share=rank_share,
        score_tenth=np.ceil((rank_share * TENTHS).round(DECIMALS)).astype("int64"),
        is_control=tested["is_control"].astype(bool),
        is_event=tested["is_event"].astype(bool),
    )


def _uplift(chosen: pd.DataFrame, group: str, columns: dict[str, str], model: EventModel) -> pd.DataFrame:
    """Compare those to be contacted with control customers in each group, campaign by campaign."""
    compared = uplift_within_strata(chosen, group, "campaign_id").rename(
        columns={
            "treated_count": "contacted_count",
            "treated_event_share": "contacted_response_share",
            "control_event_share": "control_response_share",
        }
    )
    table = compared.assign(
        predicted_share=chosen.groupby(group)["probability"].mean(),
        model_code=model.spec.model_code,
        model_version=model.model_version,
    )
    return typed(table.reset_index(), columns).round(DECIMALS)


def _uplift_summary(chosen: pd.DataFrame, model: EventModel) -> pd.DataFrame:
    within_budget = chosen[chosen["rank_share"] <= model.spec.contact_budget_share]
    both = pd.concat([chosen.assign(group_code="all"), within_budget.assign(group_code="budget")])
    return _uplift(both, "group_code", UPLIFT_SUMMARY, model)
