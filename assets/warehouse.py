"""The dbt models as assets, built by one dbt command over the run's window of business dates.

Belongs here: the window, and the record of a build's state. Does not belong here: SQL.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

from pipeline.dbt_translator import WarehouseDbtTranslator
from pipeline.partitions import days_of_window, dbt_window_vars
from pipeline.resources import WAREHOUSE_POOL, WarehouseResource
from pipeline.serving.builds import record_build


def build_dbt_assets(project: DbtProject, daily: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Make the dbt assets.

    A run over business dates gives dbt their window; a run that only builds unpartitioned models gives none, and they
    are built over all dates.
    """

    @dbt_assets(
        manifest=project.manifest_path,
        project=project,
        name="dbt_build",
        dagster_dbt_translator=WarehouseDbtTranslator(daily),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=WAREHOUSE_POOL,
    )
    def dbt_build(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: WarehouseResource
    ) -> Iterator[Any]:
        # unit tests try the logic on made-up rows: they belong to `make test`, not to every load
        arguments = ["build", "--exclude-resource-type", "unit_test"]
        if context.has_partition_key or context.has_partition_key_range:
            variables = dbt_window_vars(*days_of_window(context))
            arguments += ["--vars", _as_argument(variables)]
        with warehouse.connect() as connection:
            record_build(connection, context.op.name, "running", context.run.run_id)
        yield from dbt.cli(arguments, context=context).stream().fetch_row_counts().fetch_column_metadata()
        with warehouse.connect() as connection:
            record_build(connection, context.op.name, "passed", context.run.run_id)

    return dbt_build


def _as_argument(variables: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name}: '{value}'" for name, value in variables.items()) + "}"
