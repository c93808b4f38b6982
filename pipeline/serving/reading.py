"""Reading what was published: open the current snapshot of an audience and run a query on it.

Belongs here: the way every reader takes. Does not belong here: the build file; readers never open it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pandas as pd

from pipeline.errors import InputError
from pipeline.serving.publish import POINTER
from pipeline.settings import Settings

# A newer snapshot can replace the pointer, and old ones be deleted, between reading the pointer and opening the file.
_ATTEMPTS = 3


def current_snapshot(settings: Settings, audience: str) -> Path:
    """Return the file of the audience's current snapshot.

    Raises
    ------
    InputError
        If the audience is unknown or nothing was published yet.
    """
    pointer = settings.published / audience / POINTER
    if not pointer.exists():
        known = sorted(path.parent.name for path in settings.published.glob(f"*/{POINTER}"))
        raise InputError(
            f"there is no published snapshot for {audience!r}",
            expected="a snapshot for one of: " + (", ".join(known) or "(nothing is published yet)"),
            found="no pointer file",
            where=str(pointer),
            action="run `credit-warehouse run`, which publishes at its end, or name another audience",
        )
    return pointer.parent / json.loads(pointer.read_text(encoding="utf-8"))["file_name"]


@contextmanager
def open_snapshot(settings: Settings, audience: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the current snapshot read-only; many readers may, also while a build is being written."""
    for attempt in range(_ATTEMPTS):
        snapshot = current_snapshot(settings, audience)
        if snapshot.exists() or attempt == _ATTEMPTS - 1:
            break
    # readers get no way to the file system or the network through SQL
    connection = duckdb.connect(snapshot, read_only=True, config={"enable_external_access": "false"})
    try:
        yield connection
    finally:
        connection.close()


def query_snapshot(settings: Settings, audience: str, sql: str) -> pd.DataFrame:
    """Run one SQL statement on the current snapshot and return all its rows, money as decimals.

    Raises
    ------
    InputError
        If the statement is wrong; the message is DuckDB's, with the position.
    """
    with open_snapshot(settings, audience) as connection:
        try:
            relation = connection.execute(sql)
            names = [column[0] for column in relation.description or []]
            return pd.DataFrame(relation.fetchall(), columns=names, dtype=object)
        except duckdb.Error as error:
            raise InputError(
                "the query failed",
                expected="one SQL statement that reads the published tables",
                found=str(error),
                where=f"the current snapshot of {audience}",
                action='list the tables with: credit-warehouse query "show all tables"',
            ) from error
