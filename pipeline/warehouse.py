"""The DuckDB build file: one writer at a time.

Belongs here: opening the file and replacing whole tables in it. Does not belong here: what is in the tables (dbt, the
domains) and the published snapshots (``serving``), which are what readers open.
"""

import fcntl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict

from pipeline.errors import InputError
from pipeline.extracts.contracts import Description
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


class ResultTable(BaseModel):
    """A table that Python fills: what a row is, and each column's type and meaning."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: Description
    columns: dict[str, tuple[str, str]]


def load_result_tables(path: Path) -> dict[str, ResultTable]:
    """Read the definitions of a schema's tables, by name."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: ResultTable(**fields) for name, fields in content.items()}


@contextmanager
def sole_run(settings: Settings, tell: Callable[[str], None]) -> Iterator[None]:
    """Keep other runs out, of whichever process, until this one ends; wait while another run is in.

    The lock is the operating system's, so that it ends with its process, however that ends.

    Parameters
    ----------
    tell
        Told once, if there is a wait.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(f"waiting for another run to leave {settings.warehouse}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def replace_tables(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    tables: Mapping[str, ResultTable],
    frames: Mapping[str, pd.DataFrame],
) -> None:
    """Replace tables of ``schema`` by frames, typed and described, all in one transaction.

    Raises
    ------
    ValueError
        If a frame's columns are not those of its table: an undocumented column fails.
    """
    for table, frame in frames.items():
        if set(frame.columns) != set(tables[table].columns):
            raise ValueError(
                f"{schema}.{table} has columns {sorted(tables[table].columns)}, got {sorted(frame.columns)}"
            )
    connection.execute("begin")
    try:
        connection.execute(f'create schema if not exists "{schema}"')
        for table, frame in frames.items():
            columns = ", ".join(f'"{name}" {kind}' for name, (kind, _) in tables[table].columns.items())
            connection.execute(f'create or replace table "{schema}"."{table}" ({columns})')
            # the columns of a frame without rows have no types that could be cast
            if len(frame):
                connection.register("result_rows", frame)
                connection.execute(f'insert into "{schema}"."{table}" by name select * from result_rows')
                connection.unregister("result_rows")
            describe_table(connection, schema, table, tables[table])
        connection.execute("commit")
    except duckdb.Error:
        connection.execute("rollback")
        raise


def describe_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str, definition: ResultTable) -> None:
    """Put the descriptions of a table and its columns into the database."""
    text = f"{definition.description.en} ({definition.description.zh})"
    connection.execute(f'comment on table "{schema}"."{table}" is {literal(text)}')
    for name, (_, meaning) in definition.columns.items():
        connection.execute(f'comment on column "{schema}"."{table}"."{name}" is {literal(meaning)}')


def literal(text: str) -> str:
    """Quote a text for SQL where no parameter is possible."""
    return "'" + text.replace("'", "''") + "'"
