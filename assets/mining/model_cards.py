"""The card of every model, from the tables of its latest run."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pandas as pd

from assets.results import result_specs, write_results
from pipeline.mining.model_cards import METRIC_COLUMNS, ModelFacts, card_markdown, write_cards
from pipeline.resources import WAREHOUSE_POOL, WarehouseResource
from pipeline.warehouse import load_result_tables

TABLES = {"model_cards": load_result_tables(Path(__file__).with_name("tables.yaml"))["model_cards"]}
SOURCES = [
    ("mining", "segment_outcomes"),
    ("mining", "segment_criteria"),
    ("mining", "customer_segments"),
    ("mining", "association_outcomes"),
    ("mining", "sequence_outcomes"),
    ("mining", "model_outcomes"),
    ("mining", "model_metrics"),
    ("mining", "model_samples"),
    ("credit", "default_model_outcomes"),
    ("credit", "model_metrics"),
    ("credit", "default_model_samples"),
]
# One row per model: what came of it, and the months and rows behind it.
FACTS = """
with samples as (
    select model_code, * exclude (model_code) from mining.model_samples
    union all by name
    select 'default' as model_code, * from credit.default_model_samples
),

windows as (
    select
        model_code,
        min(month_end_date) as first_month_end_date,
        max(month_end_date) as last_month_end_date,
        sum(row_count)::bigint as row_count,
        sum(event_count)::bigint as event_count
    from samples
    where sample_code in ('train', 'gap', 'test')
    group by model_code
),

outcomes as (
    select model_code, outcome, reason_en, reason_zh, policy_version from mining.model_outcomes
    union all by name
    select 'default' as model_code, outcome, reason_en, reason_zh, policy_version from credit.default_model_outcomes
),

mined as (
    select 'segments' as model_code, * from mining.segment_outcomes
    union all by name
    select 'associations' as model_code, * from mining.association_outcomes
    union all by name
    select 'sequences' as model_code, * from mining.sequence_outcomes
)

select
    model_code,
    outcome,
    reason_en,
    reason_zh,
    policy_version,
    month_end_date as first_month_end_date,
    month_end_date as last_month_end_date,
    customer_count as row_count,
    null::bigint as event_count
from mined
union all by name
select
    outcomes.*,
    first_month_end_date,
    last_month_end_date,
    coalesce(row_count, 0) as row_count,
    coalesce(event_count, 0) as event_count
from outcomes
left join windows using (model_code)
"""
METRICS = """
select model_code, metric_code, value, lower_bound, upper_bound
from mining.model_metrics
where sample_code = 'test' and ranking_code = 'model'
union all by name
select 'default' as model_code, metric_code, value, lower_bound, upper_bound
from credit.model_metrics
where sample_code = 'test' and model_code = 'default_logistic'
union all by name
select 'segments' as model_code, metric_code, value
from (
    unpivot (
        select
            segment_count::double as segment_count,
            silhouette,
            highest_null_silhouette as null_silhouette,
            stability,
            smallest_jaccard
        from mining.segment_criteria
        where is_chosen
    ) on columns(*) into name metric_code value value
)
union all by name
select model_code, metric_code, value
from (
    unpivot (
        select
            'associations' as model_code,
            found_count::double as found_count,
            significant_count::double as significant_count,
            random_count_mean
        from mining.association_outcomes
        union all
        select 'sequences', found_count::double, significant_count::double, random_count_mean
        from mining.sequence_outcomes
    ) on found_count, significant_count, random_count_mean into name metric_code value value
)
"""
ORDER = ["segments", "associations", "sequences", "churn", "propensity", "default"]


@dg.multi_asset(name="model_cards", specs=result_specs("mining", TABLES, SOURCES, {"pandas"}), pool=WAREHOUSE_POOL)
def model_cards(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[dg.MaterializeResult]:
    """Put the figures of the latest run beside purpose, target and limits of each model."""
    with warehouse.connect() as connection:
        cards = write_cards(_facts(connection))
        yield from write_results(
            context,
            connection,
            "mining",
            TABLES,
            {"model_cards": cards},
            {"model_cards": {"cards": dg.MetadataValue.md(card_markdown(cards))}},
        )


def _facts(connection: duckdb.DuckDBPyConnection) -> list[ModelFacts]:
    metrics = connection.execute(METRICS).df()
    result = connection.execute(FACTS)
    names = [column[0] for column in result.description or []]
    rows = {row[0]: dict(zip(names, row, strict=True)) for row in result.fetchall()}
    return [ModelFacts(**rows[code], metrics=_of(metrics, code)) for code in ORDER]


def _of(metrics: pd.DataFrame, model_code: str) -> pd.DataFrame:
    of_model: pd.DataFrame = metrics.loc[metrics["model_code"] == model_code, list(METRIC_COLUMNS)]
    return of_model
