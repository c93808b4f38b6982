"""The DuckDB build file: one writer at a time.

Belongs here: opening the file and replacing whole tables in it. Does not belong here: what is in the tables (dbt, the
domains) and the published snapshots (``serving``), which are what readers open.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb
import pandas as pd

from pipeline.errors import InputError
from pipeline.settings import Settings


@contextmanager
def open_warehouse(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the build file for reading and writing.

    Raises
    ------
    InputError
        If another process has it open: DuckDB lets one process write.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(settings.warehouse)
    except duckdb.IOException as error:
        if "lock" not in str(error):
            raise
        raise InputError(
            "the build file is in use",
            expected="no other process that has the warehouse open",
            found=str(error).splitlines()[0],
            where=str(settings.warehouse),
            action="wait for the other run to end; to read, use `credit-warehouse query`, which never meets a lock",
        ) from error
    try:
        connection.execute("set timezone = 'UTC'")
        yield connection
    finally:
        connection.close()


def replace_tables(connection: duckdb.DuckDBPyConnection, schema: str, tables: Mapping[str, pd.DataFrame]) -> None:
    """Replace tables of ``schema`` by frames, all in one transaction: readers of the file see all or none.

    Raises
    ------
    ValueError
        If a frame has no columns: a table without columns is a mistake of the caller.
    """
    for table, rows in tables.items():
        if rows.columns.empty:
            raise ValueError(f"no columns for {schema}.{table}")
    connection.execute("begin")
    try:
        connection.execute(f'create schema if not exists "{schema}"')
        for table, rows in tables.items():
            connection.register("replacement_rows", rows)
            connection.execute(f'create or replace table "{schema}"."{table}" as select * from replacement_rows')
            connection.unregister("replacement_rows")
        connection.execute("commit")
    except duckdb.Error:
        connection.execute("rollback")
        raise
