"""The published snapshots: audited, immutable, one per audience."""

from pathlib import Path

import dagster as dg

from assets.metadata import table_metadata
from pipeline.dbt_translator import OWNERS
from pipeline.extracts.contracts import load_contracts
from pipeline.resources import WAREHOUSE_POOL, WarehouseResource
from pipeline.serving.audiences import load_audiences
from pipeline.serving.publish import create_publications, publish
from pipeline.warehouse import describe_table, load_result_tables

OPS_TABLES = load_result_tables(Path(__file__).with_name("tables.yaml"))
PUBLICATIONS_KEY = dg.AssetKey(["ops", "publications"])


@dg.asset(
    key=PUBLICATIONS_KEY,
    group_name="serving",
    owners=OWNERS,
    kinds={"duckdb", "table"},
    pool=WAREHOUSE_POOL,
    # Whatever is published comes first: in a run that builds it, the snapshot is made last.
    deps=[
        dg.AssetDep(list(key))
        for key in (
            ("core", "fct_transactions"),
            ("features", "customer_months"),
            # reads from every step of mining and scoring
            ("mining", "model_cards"),
            ("ops", "reconciliations"),
        )
    ],
)
def publications(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:
    """One snapshot per audience and publication, swapped in only after the audit found nothing (已发布快照)."""
    settings = warehouse.settings
    with warehouse.connect() as connection:
        create_publications(connection)
        for table, definition in OPS_TABLES.items():
            describe_table(connection, "ops", table, definition)
        published = publish(connection, settings, load_audiences(), load_contracts(), context.run.run_id)
        metadata = table_metadata(connection, "ops", "publications")
    for publication in published:
        context.log.info(f"published {publication.table_count} tables for {publication.audience}")
    return dg.MaterializeResult(
        metadata={
            **metadata,
            "snapshots": {
                publication.audience: str(settings.published / publication.audience / publication.file_name)
                for publication in published
            },
            "last_business_date": published[0].last_business_date,
        }
    )
