"""Churn warning and response propensity of persons."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pandas as pd
from pydantic import Field

from assets.results import FEATURES, latest_complete_month, picture, policy_in_force, result_specs, write_results
from pipeline.mining.churn import CHURN_FEATURES, ChurnModel, fit_churn_model
from pipeline.mining.propensity import (
    OFFER_COLUMNS,
    PROPENSITY_FEATURES,
    PropensityModel,
    eligible_candidates,
    fit_propensity_model,
)
from pipeline.resources import WAREHOUSE_POOL, WarehouseResource
from pipeline.scoring.event_model import EventModel
from pipeline.scoring.plots import draw_coefficients, draw_discrimination, draw_lift
from pipeline.warehouse import load_result_tables

ALL_TABLES = load_result_tables(Path(__file__).with_name("tables.yaml"))
SHARED_TABLES = {
    "model_coefficients": "coefficients",
    "model_metrics": "metrics",
    "model_lift": "lift",
    "model_calibration": "calibration",
    "model_samples": "samples",
    "model_leakage": "leakage_findings",
}
TABLES = {
    name: ALL_TABLES[name]
    for name in (
        "churn_scores",
        "churn_reasons",
        "propensity_scores",
        "propensity_reasons",
        "campaign_uplift",
        "campaign_uplift_summary",
        "model_outcomes",
        *SHARED_TABLES,
    )
}
# what the models look at, out of some hundred columns
CHURN_COLUMNS = [
    "customer_key",
    "month_end_date",
    "history_months",
    "horizon_months",
    "is_attrited",
    *(feature.column for feature in CHURN_FEATURES),
]
PROPENSITY_COLUMNS = [feature.column for feature in PROPENSITY_FEATURES]
CUSTOMER_COLUMNS = ["customer_key", "month_end_date", "customer_type", "status_code", "has_marketing_opt_out"]


class CustomerModelConfig(dg.Config):
    """How the models are fitted."""

    seed: int = Field(1, description="Of the bootstrap and the random split; the same seed gives the same metrics.")


@dg.multi_asset(
    name="customer_models",
    specs=result_specs(
        "mining",
        TABLES,
        [
            FEATURES,
            ("features", "customer_attrition"),
            ("features", "campaign_offers"),
            ("intermediate", "int_customer_product_months"),
            ("policy", "policy_customer_models"),
        ],
        {"scikitlearn"},
    ),
    pool=WAREHOUSE_POOL,
)
def customer_models(
    context: dg.AssetExecutionContext, config: CustomerModelConfig, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult]:
    """Fit both models on what was known by the latest complete month, and score its persons."""
    with warehouse.connect() as connection:
        month_end_date = latest_complete_month(connection)
        policies = {
            code: policy_in_force(connection, "policy_customer_models", month_end_date, model_code=code)
            for code in ("churn", "propensity")
        }
        churn = _fit_churn(connection, month_end_date, policies["churn"], config.seed)
        propensity = _fit_propensity(connection, month_end_date, policies["propensity"], config.seed)
        models = {"churn": churn.event_model, "propensity": propensity.event_model}
        for code, model in models.items():
            context.log.info(f"{code}: {model.outcome}: {model.reason_en}")
        yield from write_results(
            context,
            connection,
            "mining",
            TABLES,
            {
                "churn_scores": churn.scores,
                "churn_reasons": churn.reasons,
                "propensity_scores": propensity.scores,
                "propensity_reasons": propensity.reasons,
                "campaign_uplift": propensity.uplift,
                "campaign_uplift_summary": propensity.uplift_summary,
                "model_outcomes": pd.DataFrame(
                    [
                        {
                            "model_code": code,
                            "month_end_date": month_end_date,
                            "outcome": model.outcome,
                            "reason_en": model.reason_en,
                            "reason_zh": model.reason_zh,
                            "model_version": model.model_version,
                            "policy_version": policies[code]["policy_version"],
                        }
                        for code, model in models.items()
                    ]
                ),
                **{
                    table: pd.concat([getattr(model, frame) for model in models.values() if len(getattr(model, frame))])
                    if any(len(getattr(model, frame)) for model in models.values())
                    else getattr(churn.event_model, frame)
                    for table, frame in SHARED_TABLES.items()
                },
            },
            _metadata(models),
        )


def _fit_churn(
    connection: duckdb.DuckDBPyConnection, month_end_date: date, policy: Mapping[str, Any], seed: int
) -> ChurnModel:
    frame = connection.execute(
        f"select {_listed(CHURN_COLUMNS)} from features.customer_attrition"
        " inner join features.customer_months using (customer_key, month_end_date) where month_end_date <= ?",
        [month_end_date],
    ).df()
    return fit_churn_model(
        frame,
        seed,
        month_end_date,
        least_events=policy["least_events"],
        test_month_count=policy["test_period_count"],
        contact_budget_share=float(policy["contact_budget_share"]),
        highest_single_feature_auc=float(policy["highest_single_feature_auc"]),
    )


def _fit_propensity(
    connection: duckdb.DuckDBPyConnection, month_end_date: date, policy: Mapping[str, Any], seed: int
) -> PropensityModel:
    # a left join: how many offers cannot be learnt from is for the model to say
    offers = connection.execute(
        f"select {_listed([*OFFER_COLUMNS, *PROPENSITY_COLUMNS])} from features.campaign_offers"
        " left join (select *, month_end_date as feature_month_end_date from features.customer_months)"
        " using (customer_key, feature_month_end_date) where start_date <= ?",
        [month_end_date],
    ).df()
    customers = connection.execute(
        f"select {_listed([*CUSTOMER_COLUMNS, *PROPENSITY_COLUMNS])} from features.customer_months"
        " where month_end_date = ?",
        [month_end_date],
    ).df()
    holdings = connection.execute(
        "select customer_key, product_code from intermediate.int_customer_product_months where month_end_date = ?",
        [month_end_date],
    ).df()
    return fit_propensity_model(
        offers,
        eligible_candidates(customers, holdings, sorted(offers["product_code"].unique())),
        seed,
        month_end_date,
        least_events=policy["least_events"],
        test_campaign_count=policy["test_period_count"],
        contact_budget_share=float(policy["contact_budget_share"]),
        highest_single_feature_auc=float(policy["highest_single_feature_auc"]),
    )


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(columns)


def _metadata(models: Mapping[str, EventModel]) -> dict[str, dict[str, Any]]:
    return {
        "model_outcomes": {
            code: f"{model.outcome}: {model.reason_en} / {model.reason_zh}" for code, model in models.items()
        },
        "model_metrics": {code: picture(draw_discrimination(model)) for code, model in models.items()},
        "model_lift": {code: picture(draw_lift(model)) for code, model in models.items()},
        "model_coefficients": {code: picture(draw_coefficients(model)) for code, model in models.items()},
    }
