"""The first credit-risk model: probability of default within the policy's horizon."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pandas as pd
from pydantic import Field

from assets.results import (
    FEATURES,
    latest_complete_month,
    picture,
    policy_in_force,
    result_specs,
    write_results,
)
from pipeline.credit.default_model import fit_default_model
from pipeline.resources import WAREHOUSE_POOL, WarehouseResource
from pipeline.scoring.plots import draw_coefficients, draw_discrimination
from pipeline.warehouse import load_result_tables

TABLES = load_result_tables(Path(__file__).with_name("tables.yaml"))


class DefaultModelConfig(dg.Config):
    """How the default model is fitted."""

    seed: int = Field(1, description="Of the bootstrap and the random split; the same seed gives the same metrics.")


@dg.multi_asset(
    name="default_model",
    specs=result_specs(
        "credit",
        TABLES,
        [FEATURES, ("features", "customer_outcomes"), ("policy", "policy_default_model")],
        {"scikitlearn"},
    ),
    pool=WAREHOUSE_POOL,
)
def credit_assets(
    context: dg.AssetExecutionContext, config: DefaultModelConfig, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult]:
    """Fit on earlier months, test on later ones, score every borrower and month-end."""
    with warehouse.connect() as connection:
        month_end_date = latest_complete_month(connection)
        policy = policy_in_force(connection, "policy_default_model", month_end_date)
        frame = connection.execute(
            "select customer_months.*, customer_outcomes.horizon_months, customer_outcomes.is_default"
            " from features.customer_outcomes join features.customer_months using (customer_key, month_end_date)"
            " where month_end_date <= ? order by customer_key, month_end_date",
            [month_end_date],
        ).df()
        model = fit_default_model(
            frame, config.seed, month_end_date, policy["least_events"], float(policy["highest_single_feature_auc"])
        )
        context.log.info(f"{model.outcome}: {model.reason_en}")
        yield from write_results(
            context,
            connection,
            "credit",
            TABLES,
            {
                "credit_scores": model.scores,
                "default_model_coefficients": model.coefficients,
                "model_metrics": model.metrics,
                "default_model_outcomes": pd.DataFrame(
                    {
                        "month_end_date": [month_end_date],
                        "outcome": [model.outcome],
                        "reason_en": [model.reason_en],
                        "reason_zh": [model.reason_zh],
                        "model_version": pd.array([model.model_version], dtype="str"),
                        "policy_version": [policy["policy_version"]],
                    }
                ),
                "default_model_samples": model.samples,
            },
            {
                "credit_scores": {"outcome": model.outcome, "reason": f"{model.reason_en} / {model.reason_zh}"},
                "default_model_coefficients": {"coefficients": picture(draw_coefficients(model.event_model))},
                "model_metrics": {
                    "metrics": dg.MetadataValue.md(model.metrics.to_markdown(index=False)),
                    "discrimination_and_calibration": picture(draw_discrimination(model.event_model)),
                },
            },
        )
