"""How results of Python become tables: specs, and one write for all tables of a step.

Belongs here: what every asset that writes frames shares. Does not belong here: computing them.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import dagster as dg
import duckdb
import pandas as pd

from assets.metadata import table_metadata
from pipeline.dbt_translator import OWNERS
from pipeline.errors import InputError
from pipeline.mining.outcomes import MiningOutcome
from pipeline.serving.builds import record_results
from pipeline.warehouse import ResultTable, literal, replace_tables

FEATURES = ("features", "customer_months")
# What companies alone have goes together by its nature, so what is mined of customers' habits is mined of persons.
IS_PERSON = "customer_key in (select customer_key from features.customer_months where customer_type = 'person')"


def result_specs(
    schema: str, tables: Mapping[str, ResultTable], deps: Sequence[tuple[str, str]], kinds: set[str]
) -> list[dg.AssetSpec]:
    """Specs of the tables that one step writes."""
    return [
        dg.AssetSpec(
            [schema, name],
            deps=[dg.AssetDep(list(key)) for key in deps],
            group_name=schema,
            owners=OWNERS,
            kinds={"duckdb", "table", *kinds},
            description=f"{table.description.en} ({table.description.zh}).",
        )
        for name, table in tables.items()
    ]


def write_results(
    context: dg.AssetExecutionContext,
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    tables: Mapping[str, ResultTable],
    frames: Mapping[str, pd.DataFrame],
    metadata: Mapping[str, Mapping[str, Any]],
) -> Iterator[dg.MaterializeResult]:
    """Replace the tables in one transaction and report each; ``metadata`` adds to a table's own."""
    replace_tables(connection, schema, tables, frames)
    record_results(connection, context.op_execution_context.op.name, context.run.run_id)
    for table in frames:
        yield dg.MaterializeResult(
            asset_key=[schema, table],
            metadata={**table_metadata(connection, schema, table), **metadata.get(table, {})},
        )


def write_mined(
    context: dg.AssetExecutionContext,
    connection: duckdb.DuckDBPyConnection,
    tables: Mapping[str, ResultTable],
    outcomes_table: str,
    outcome: MiningOutcome,
    stamp: Mapping[str, Any],
    frames: Mapping[str, pd.DataFrame],
    metadata: Mapping[str, Mapping[str, Any]],
) -> Iterator[dg.MaterializeResult]:
    """Write what came of a step and what it found; ``stamp`` is in every row, tables without a frame become empty."""
    context.log.info(outcome.reason_en)
    written = {**frames, outcomes_table: pd.DataFrame([asdict(outcome)])}
    yield from write_results(
        context,
        connection,
        "mining",
        tables,
        empty_frames(tables) | {name: frame.assign(**stamp) for name, frame in written.items()},
        {
            **metadata,
            outcomes_table: {"outcome": outcome.outcome, "reason": f"{outcome.reason_en} / {outcome.reason_zh}"},
        },
    )


def empty_frames(tables: Mapping[str, ResultTable]) -> dict[str, pd.DataFrame]:
    """Return a frame without rows for each table: what a step writes that has nothing to tell."""
    return {name: pd.DataFrame(columns=list(table.columns)) for name, table in tables.items()}


def latest_complete_month(connection: duckdb.DuckDBPyConnection) -> date:
    """Return the last month-end of whose month every day is loaded.

    A partial month would compare ten days of one customer with thirty of another.

    Raises
    ------
    InputError
        If no month is complete.
    """
    row = connection.execute(
        "select max(month_end_date) from features.customer_months"
        " join intermediate.int_months using (month_end_date) where is_complete"
    ).fetchone()
    if row is None or row[0] is None:
        raise InputError(
            "there is nothing to mine yet",
            expected="at least one month of which every day is loaded",
            found="none",
            where="features.customer_months",
            action="load the rest of the month first",
        )
    month: date = row[0]
    return month


def policy_in_force(connection: duckdb.DuckDBPyConnection, table: str, on: date, **of: str) -> dict[str, Any]:
    """Return the version of a policy that holds on a date, ``of`` one thing where its rows are of several.

    Raises
    ------
    InputError
        If no version holds yet.
    """
    conditions = "".join(f" and {column} = {literal(value)}" for column, value in of.items())
    result = connection.execute(
        f"select * from policy.{table} where effective_from <= ?{conditions}"
        " order by effective_from desc, policy_version desc limit 1",
        [on],
    )
    names = [column[0] for column in result.description or []]
    values = result.fetchone()
    if values is None:
        raise InputError(
            "no version of the policy holds",
            expected=f"a row with effective_from on or before {on}{conditions}",
            found="none",
            where=f"policy.{table}",
            action=f"add a row to dbt_project/seeds/policy/{table}.csv and build again",
        )
    return dict(zip(names, values, strict=True))


def names_of(connection: duckdb.DuckDBPyConnection, table: str, what: str) -> dict[str, dict[str, str]]:
    """Return the names of what a feature table's codes stand for: language to code to name."""
    return {
        language: dict(
            connection.execute(
                f"select {what}_code, any_value({what}_name_{language}) from {table} group by all"
            ).fetchall()
        )
        for language in ("en", "zh")
    }


def rows_shown(rows: pd.DataFrame) -> dg.MarkdownMetadataValue:
    """Make metadata of a few rows, to be read in the UI."""
    return dg.MetadataValue.md(rows.to_markdown(index=False) if len(rows) else "none / 无")


def picture(png: bytes) -> dg.MarkdownMetadataValue:
    """Make metadata of a PNG, to be seen in the UI."""
    return dg.MetadataValue.md(f"![picture](data:image/png;base64,{base64.b64encode(png).decode()})")
