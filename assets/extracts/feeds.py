"""One asset per feed: the day's files, admitted by their contract to the raw zone.

Belongs here: what Dagster must know of a feed, all of it read from the contract, so that a new feed needs no Python.
Does not belong here: reading files (``pipeline.extracts``).
"""

from collections.abc import Mapping

import dagster as dg

from pipeline.dbt_translator import OWNERS
from pipeline.extracts.accounting import unaccounted_files
from pipeline.extracts.arrivals import dates_due
from pipeline.extracts.contracts import Contract
from pipeline.extracts.ingest import IngestResult, ingest_feed
from pipeline.partitions import days_of_window
from pipeline.resources import WAREHOUSE_POOL, WarehouseResource

CADENCE_TAG = "credit_warehouse/cadence"
NOTHING_LOST = "nothing_lost"


def build_feed_assets(
    contracts: Mapping[str, Contract], daily: dg.PartitionsDefinition, monthly: dg.PartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """Make the asset of every feed."""
    return [_feed_asset(contract, daily if contract.is_daily else monthly) for contract in contracts.values()]


def _feed_asset(contract: Contract, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    key = dg.AssetKey(["raw", contract.feed])

    @dg.asset(
        key=key,
        group_name=contract.source_system,
        owners=OWNERS,
        kinds={"csv", "parquet", "duckdb"},
        tags={CADENCE_TAG: "daily" if contract.is_daily else "monthly"},
        description=f"{contract.description.en}. {contract.description.zh}。",
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=WAREHOUSE_POOL,
        code_version=str(contract.version),
        metadata={"dagster/column_schema": _column_schema(contract), "contract": _contract_summary(contract)},
        check_specs=[
            dg.AssetCheckSpec(
                NOTHING_LOST,
                asset=key,
                blocking=True,
                description="Of every file: records in its sidecar = rows read = rows in the raw zone + rejected rows.",
            )
        ],
    )
    def feed(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:
        first, last = days_of_window(context)
        settings = warehouse.settings
        with warehouse.connect() as connection:
            dates = dates_due(contract, settings, first, last)
            results = ingest_feed(connection, contract, dates, settings, context.run.run_id)
            unaccounted = unaccounted_files(connection, contract, dates, settings)
        read, loaded, rejected = _totals(results)
        context.log.info(f"{contract.feed}: {len(results)} file days, {read} rows read, {rejected} rejected")
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": loaded,
                "rows_read": read,
                "rows_rejected": rejected,
                "outcomes": {
                    outcome: sum(result.outcome == outcome for result in results)
                    for outcome in ("loaded", "restated", "unchanged")
                },
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name=NOTHING_LOST, passed=not unaccounted, metadata={"unaccounted_files": unaccounted}
                )
            ],
        )

    return feed


def _totals(results: list[IngestResult]) -> tuple[int, int, int]:
    return (
        sum(result.rows_read for result in results),
        sum(result.rows_loaded for result in results),
        sum(result.rows_rejected for result in results),
    )


def _column_schema(contract: Contract) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.type,
                description=f"{column.description.en} ({column.description.zh})",
                constraints=dg.TableColumnConstraints(
                    nullable=column.nullable, unique=list(contract.key) == [column.name]
                ),
            )
            for column in contract.columns
        ]
    )


def _contract_summary(contract: Contract) -> dict[str, object]:
    return {
        "pattern": contract.file.pattern,
        "encoding": contract.file.encoding,
        "key": list(contract.key),
        "tolerated_reject_share": float(contract.tolerated_reject_share),
        "late_after_hours": contract.late_after_hours,
    }
