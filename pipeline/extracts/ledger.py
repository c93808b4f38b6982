"""The file ledger: ``ops.extract_files``, one row per file version, and ``ops.rejected_rows``, one row per bad record.

Belongs here: their definition, what is loaded, and the one transaction that records a load. Does not belong here:
reading files (``reading``) and moving Parquet (``raw_zone``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pyarrow as pa

from pipeline.extracts.contracts import Contract

_TABLES = """
create schema if not exists ops;
create table if not exists ops.extract_files (
    source_file_id varchar primary key,
    feed varchar not null,
    business_date date not null,
    file_name varchar not null,
    file_sha256 varchar not null,
    file_bytes bigint not null,
    status varchar not null check (status in ('loaded', 'superseded')),
    rows_read bigint not null,
    rows_loaded bigint not null,
    rows_rejected bigint not null,
    control_rows bigint,
    control_amount decimal(18, 2),
    loaded_amount decimal(18, 2),
    rejected_amount decimal(18, 2),
    contract_version integer not null,
    extracted_at timestamp,
    loaded_at timestamp not null,
    superseded_at timestamp,
    run_id varchar not null,
    check (rows_read = rows_loaded + rows_rejected)
);
create table if not exists ops.rejected_rows (
    source_file_id varchar not null,
    feed varchar not null,
    business_date date not null,
    file_name varchar not null,
    line_number bigint not null,
    column_name varchar,
    reason varchar not null,
    raw_text varchar not null
);
"""

_INSERT = f"insert into ops.extract_files values ({', '.join(['?'] * 19)})"

REJECTED_ROWS_SCHEMA = pa.schema(
    [
        ("source_file_id", pa.string()),
        ("feed", pa.string()),
        ("business_date", pa.date32()),
        ("file_name", pa.string()),
        ("line_number", pa.int64()),
        ("column_name", pa.string()),
        ("reason", pa.string()),
        ("raw_text", pa.string()),
    ]
)


@dataclass(frozen=True)
class LedgerEntry:
    """One loaded file version: what was found, what the sender had said, what was loaded and rejected."""

    source_file_id: str
    file_name: str
    file_sha256: str
    file_bytes: int
    rows_read: int
    rows_loaded: int
    rows_rejected: int
    control_rows: int | None
    control_amount: Decimal | None
    loaded_amount: Decimal | None
    rejected_amount: Decimal | None
    extracted_at: datetime | None


@dataclass(frozen=True)
class LoadedDay:
    """What the ledger holds as loaded for a feed and date, all of it under one version of the contract."""

    names_by_id: dict[str, str]
    contract_version: int


def create_ledger(connection: duckdb.DuckDBPyConnection) -> None:
    """Create schema ``ops`` with the two tables where they do not exist yet."""
    connection.execute(_TABLES)


def loaded_dates(connection: duckdb.DuckDBPyConnection, contracts: Iterable[Contract]) -> set[date]:
    """Return the business dates for which every one of these feeds is loaded."""
    create_ledger(connection)
    feeds = [contract.feed for contract in contracts]
    rows = connection.execute(
        "select business_date from ops.extract_files where status = 'loaded' and list_contains(?, feed)"
        " group by business_date having count(distinct feed) = ?",
        [feeds, len(feeds)],
    ).fetchall()
    return {found for (found,) in rows}


def has_several_contract_versions(connection: duckdb.DuckDBPyConnection, contract: Contract) -> bool:
    """Tell whether the loaded days of a feed were admitted under different versions of its contract."""
    create_ledger(connection)
    ((versions,),) = connection.execute(
        "select count(distinct contract_version) from ops.extract_files where feed = ? and status = 'loaded'",
        [contract.feed],
    ).fetchall()
    return bool(versions > 1)


def loaded_days(
    connection: duckdb.DuckDBPyConnection, contract: Contract, dates: Sequence[date]
) -> dict[date, LoadedDay]:
    """Return what is loaded for each of some dates; dates without a loaded file are left out."""
    rows = connection.execute(
        "select business_date, source_file_id, file_name, contract_version from ops.extract_files"
        " where feed = ? and status = 'loaded' and business_date between ? and ?",
        [contract.feed, min(dates), max(dates)],
    ).fetchall()
    days: dict[date, LoadedDay] = {}
    for business_date, source_file_id, file_name, version in rows:
        day = days.setdefault(business_date, LoadedDay({}, version))
        day.names_by_id[source_file_id] = file_name
    return days


def record_load(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    business_date: date,
    entries: Sequence[LedgerEntry],
    rejected_rows: pa.Table | None,
    replaced: LoadedDay | None,
    run_id: str,
) -> None:
    """Record in one transaction that these file versions, and no others, are what is loaded for a feed and date.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Read-write, on the warehouse, in no transaction.
    contract, business_date
        The feed and the date.
    entries : sequence of LedgerEntry
        One per file of the day.
    rejected_rows : pyarrow.Table or None
        As of ``REJECTED_ROWS_SCHEMA``; None where no row was rejected.
    replaced : LoadedDay or None
        What was loaded before, None where nothing was.
    run_id : str
        The run that loads.

    Notes
    -----
    A version that was superseded and comes again takes up its old row: the id is a hash of the content.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    ids = [entry.source_file_id for entry in entries]
    connection.execute("begin transaction")
    try:
        if replaced is not None:
            _set_aside(connection, contract, business_date, ids, now)
        for entry in entries:
            connection.execute(_INSERT, _row(contract, business_date, entry, now, run_id))
        if rejected_rows is not None:
            connection.register("newly_rejected_rows", rejected_rows)
            connection.execute("insert into ops.rejected_rows by name from newly_rejected_rows")
            connection.unregister("newly_rejected_rows")
        connection.execute("commit")
    except BaseException:
        # an interrupt, too, must leave no open transaction on the caller's connection; it is raised again
        connection.execute("rollback")
        raise


def _set_aside(
    connection: duckdb.DuckDBPyConnection, contract: Contract, business_date: date, ids: list[str], now: datetime
) -> None:
    """Supersede what is loaded for a date, and make room for versions that come again."""
    connection.execute(
        "update ops.extract_files set status = 'superseded', superseded_at = ?"
        " where feed = ? and business_date = ? and status = 'loaded' and not list_contains(?, source_file_id)",
        [now, contract.feed, business_date, ids],
    )
    for table in ("ops.rejected_rows", "ops.extract_files"):
        connection.execute(
            f"delete from {table} where feed = ? and business_date = ? and list_contains(?, source_file_id)",
            [contract.feed, business_date, ids],
        )


def _row(contract: Contract, business_date: date, entry: LedgerEntry, now: datetime, run_id: str) -> list[object]:
    """Order the values as the columns of ``ops.extract_files``."""
    return [
        entry.source_file_id,
        contract.feed,
        business_date,
        entry.file_name,
        entry.file_sha256,
        entry.file_bytes,
        "loaded",
        entry.rows_read,
        entry.rows_loaded,
        entry.rows_rejected,
        entry.control_rows,
        entry.control_amount,
        entry.loaded_amount,
        entry.rejected_amount,
        contract.version,
        entry.extracted_at,
        now,
        None,
        run_id,
    ]
