"""The raw zone: one Parquet file per feed and business date, replaced atomically, and the views that read it.

Belongs here: paths, the mark that a file carries of what it was made from, the atomic replacement, the views in schema
``raw``. Does not belong here: what is in the rows (``reading``) and the record of what was loaded (``ledger``).
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from pipeline.extracts.contracts import BUSINESS_DATE_COLUMN, SOURCE_FILE_COLUMN, Contract
from pipeline.extracts.ledger import has_several_contract_versions
from pipeline.extracts.validation import sql_name, sql_text
from pipeline.settings import Settings

DAY_FILE_NAME = "data.parquet"

_SOURCES_KEY = "source_file_ids"
_VERSION_KEY = "contract_version"


@dataclass(frozen=True)
class DayMark:
    """What the rows of one feed and date were made from; written into the Parquet file itself.

    The ledger and the raw zone cannot change in one stroke. After a crash between the two, the mark tells that the
    file is not the one that the ledger speaks of.
    """

    source_file_ids: frozenset[str]
    contract_version: int

    @property
    def sql_options(self) -> str:
        """The mark as an option of DuckDB's ``copy``."""
        sources = ",".join(sorted(self.source_file_ids))
        return f"kv_metadata {{{_SOURCES_KEY}: {sql_text(sources)}, {_VERSION_KEY}: '{self.contract_version}'}}"


def day_file(contract: Contract, business_date: date, settings: Settings) -> Path:
    """Return where the rows of a feed and business date are kept."""
    return settings.raw / contract.feed / f"{BUSINESS_DATE_COLUMN}={business_date.isoformat()}" / DAY_FILE_NAME


def read_marks(
    connection: duckdb.DuckDBPyConnection, contract: Contract, dates: Iterable[date], settings: Settings
) -> dict[date, DayMark]:
    """Read the marks of the files that the raw zone holds for some dates; dates without a file are left out."""
    paths = {date_: day_file(contract, date_, settings) for date_ in dates}
    existing = {str(path): date_ for date_, path in paths.items() if path.is_file()}
    if not existing:
        return {}
    rows = connection.execute(
        "select file_name, decode(key), decode(value) from parquet_kv_metadata(?) where decode(key) in (?, ?)",
        [list(existing), _SOURCES_KEY, _VERSION_KEY],
    ).fetchall()
    values: dict[date, dict[str, str]] = {}
    for name, key, value in rows:
        values.setdefault(existing[name], {})[key] = value
    return {
        date_: DayMark(frozenset(found[_SOURCES_KEY].split(",")), int(found[_VERSION_KEY]))
        for date_, found in values.items()
    }


def replace_day(written: Path, target: Path) -> None:
    """Put a finished file in the place of a day's rows, so that a reader, or a crash, sees either the old or the new.

    Parameters
    ----------
    written : Path
        On the same file system as the raw zone.
    target : Path
        As of ``day_file``.
    """
    _flush(written, os.O_RDWR)
    is_new = not target.parent.is_dir()
    target.parent.mkdir(parents=True, exist_ok=True)
    written.replace(target)
    _flush(target.parent, os.O_RDONLY)
    if is_new:
        _flush(target.parent.parent, os.O_RDONLY)


def _flush(path: Path, mode: int) -> None:
    descriptor = os.open(path, mode)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refresh_raw_view(connection: duckdb.DuckDBPyConnection, contract: Contract, settings: Settings) -> None:
    """Make ``raw.<feed>`` show the raw zone of a feed: all its columns, ``source_file_id`` and ``business_date``.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Read-write, on the warehouse.
    contract : Contract
        The feed; its columns are there, typed, also while no file is.
    settings : Settings
        Where the raw zone is.

    Notes
    -----
    The dates are found when the view is queried, so it need not be refreshed for new ones. It must be for the first,
    and for a new version of the contract: in files of an older layout the columns they lack are null.
    """
    query = _view_query(connection, contract, settings)
    digest = hashlib.md5(query.encode(), usedforsecurity=False).hexdigest()
    current = connection.execute(
        "select comment from duckdb_views() where schema_name = 'raw' and view_name = ?", [contract.feed]
    ).fetchall()
    # making a view looks at every file it reads, so that a day would cost more the longer the history
    if current != [(digest,)]:
        view = f"raw.{sql_name(contract.feed)}"
        connection.execute("create schema if not exists raw")
        connection.execute(f"create or replace view {view} as {query}")
        connection.execute(f"comment on view {view} is '{digest}'")


def _view_query(connection: duckdb.DuckDBPyConnection, contract: Contract, settings: Settings) -> str:
    types = {column.name: column.duckdb_type for column in contract.columns}
    types |= {SOURCE_FILE_COLUMN: "VARCHAR", BUSINESS_DATE_COLUMN: "DATE"}
    empty = ", ".join(f"cast(null as {kind}) as {sql_name(name)}" for name, kind in types.items())
    directory = settings.raw / contract.feed
    if not any(directory.glob(f"{BUSINESS_DATE_COLUMN}=*/{DAY_FILE_NAME}")):
        return f"select {empty} where false"
    columns = ", ".join(f"cast({sql_name(name)} as {kind}) as {sql_name(name)}" for name, kind in types.items())
    # comparing the layouts of all files costs a look into each of them
    options = f"hive_partitioning = true, hive_types = {{{BUSINESS_DATE_COLUMN}: date}}"
    if has_several_contract_versions(connection, contract):
        options += ", union_by_name = true"
    files = sql_text(str(directory / "*" / DAY_FILE_NAME))
    return (
        f"select {columns} from"
        f" (select {empty} where false union all by name select * from read_parquet({files}, {options}))"
    )
