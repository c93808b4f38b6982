"""The dbt models as assets, built by one dbt command over the run's window of business dates.

Belongs here: the window, and the record of a build's state. Does not belong here: SQL.
"""

import shutil
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DbtCliInvocation, DbtCliResource, DbtProject, dbt_assets
from dagster_dbt.errors import DagsterDbtCliRuntimeError

from assets.metadata import table_metadata
from pipeline.dbt_translator import WarehouseDbtTranslator
from pipeline.extracts.contracts import Contract
from pipeline.extracts.raw_zone import refresh_raw_view
from pipeline.partitions import days_of_window, dbt_window_vars
from pipeline.resources import WAREHOUSE_POOL, WarehouseResource
from pipeline.serving.builds import (
    DBT_BUILD,
    record_build_passed,
    record_build_started,
    record_tables_passed,
    unfinished_builds,
)


def build_dbt_assets(
    project: DbtProject, daily: dg.PartitionsDefinition, contracts: Mapping[str, Contract]
) -> dg.AssetsDefinition:
    """Make the dbt assets.

    A run over business dates gives dbt their window; a run that only builds unpartitioned models gives none, and they
    are built over all dates.
    """
    daily_feeds = [contract.feed for contract in contracts.values() if contract.is_daily]

    @dbt_assets(
        manifest=project.manifest_path,
        project=project,
        name=DBT_BUILD,
        dagster_dbt_translator=WarehouseDbtTranslator(daily),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=WAREHOUSE_POOL,
    )
    def dbt_build(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: WarehouseResource
    ) -> Iterator[Any]:
        # unit tests try the logic on made-up rows: they belong to `make test`, not to every load
        arguments = ["build", "--exclude-resource-type", "unit_test"]
        first, last = date.min, date.max
        if context.has_partition_key or context.has_partition_key_range:
            first, last = days_of_window(context)
            arguments += ["--vars", _as_argument(dbt_window_vars(first, last))]
        with warehouse.connect() as connection:
            # a home that was copied or moved must not go on reading the raw zone of the old place
            for contract in contracts.values():
                refresh_raw_view(connection, contract, warehouse.settings)
            was_whole = not unfinished_builds(connection)
            record_build_started(connection, context.run.run_id)
        events, failure = _run(dbt.cli(arguments, context=context, target_path=_emptied(warehouse.settings.dbt_target)))
        with warehouse.connect() as connection:
            for event in events:
                yield _with_table_metadata(event, context, connection)
            if failure:
                raise failure
            if context.is_subset:
                record_tables_passed(connection, context.run.run_id, was_whole)
            else:
                record_build_passed(connection, context.run.run_id, daily_feeds, first, last)

    return dbt_build


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _as_argument(variables: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name}: '{value}'" for name, value in variables.items()) + "}"


def _run(invocation: DbtCliInvocation) -> tuple[list[Any], DagsterDbtCliRuntimeError | None]:
    """Wait for dbt and return its events, those before a failure included.

    Row counts and columns can only be read when dbt, which is another process, has closed the build file.
    """
    events = []
    try:
        for event in invocation.stream():
            events.append(event)
    except DagsterDbtCliRuntimeError as failure:
        return events, failure
    return events, None


def _with_table_metadata(event: Any, context: dg.AssetExecutionContext, connection: duckdb.DuckDBPyConnection) -> Any:
    if not isinstance(event, dg.Output):
        return event
    schema, table = context.asset_key_for_output(event.output_name).path
    return dg.Output(
        value=event.value,
        output_name=event.output_name,
        metadata={**event.metadata, **table_metadata(connection, schema, table)},
        data_version=event.data_version,
        tags=event.tags,
    )
