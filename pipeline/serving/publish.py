"""Publishing: an immutable snapshot per audience, swapped in by an atomic rename.

Belongs here: making snapshots, the pointer to the current one, ``ops.publications``, pruning old ones. Does not belong
here: whether the build may be published (``audit``) and reading snapshots (``reading``).

A reader opens ``published/<audience>/current.json``, which names a file that never changes again. A new snapshot has a
new name: in one process DuckDB can serve the old file under a reused path.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from pipeline.errors import InputError
from pipeline.extracts.contracts import Contract
from pipeline.serving.audiences import Audience
from pipeline.serving.audit import audit
from pipeline.settings import Settings
from pipeline.warehouse import literal

POINTER = "current.json"
# Readers that opened an older snapshot keep it open; on Linux a deleted file stays readable for them.
SNAPSHOTS_KEPT = 3
# Files of DuckDB 2.0 cannot be opened by 1.5, which today's BI tools still carry.
STORAGE_VERSION = "v1.5.0"


@dataclass(frozen=True)
class Publication:
    """One snapshot for one audience."""

    publication_id: str
    audience: str
    published_at: str
    run_id: str
    last_business_date: str | None
    table_count: int

    @property
    def file_name(self) -> str:
        """Name of the snapshot within the audience's folder."""
        return f"{self.publication_id}.duckdb"


_PUBLICATIONS = """
    create schema if not exists ops;
    create table if not exists ops.publications (
        publication_id varchar not null,
        audience varchar not null,
        published_at timestamp not null,
        run_id varchar not null,
        last_business_date date,
        table_count bigint not null,
        primary key (publication_id, audience)
    )
"""


def create_publications(connection: duckdb.DuckDBPyConnection) -> None:
    """Create ``ops.publications`` where it is not there yet."""
    connection.execute(_PUBLICATIONS)


def publish(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    audiences: Mapping[str, Audience],
    contracts: dict[str, Contract],
    run_id: str,
) -> list[Publication]:
    """Audit the build file and, if nothing is wrong, publish one snapshot per audience.

    Parameters
    ----------
    connection
        The build file, open for writing: the publication is recorded in ``ops.publications``.
    run_id
        The run that publishes, for the record.

    Raises
    ------
    InputError
        If the audit found anything; no snapshot is made and readers keep the one they have.
    """
    findings = audit(connection)
    if findings:
        raise InputError(
            "the build was not published",
            expected="an audit without findings",
            found="; ".join(map(str, findings)),
            where=str(settings.warehouse),
            action="mend what the audit names and run again; readers keep the last snapshot meanwhile",
        )
    create_publications(connection)
    published_at = datetime.now(UTC).replace(tzinfo=None)
    row = connection.execute("select max(business_date) from ops.extract_files where status = 'loaded'").fetchone()
    last_business_date: date | None = row[0] if row else None
    publications = []
    for audience in audiences.values():
        tables = _published_tables(connection, audience.schemas, audience.columns_left_out(contracts))
        publication = Publication(
            publication_id=published_at.strftime("%Y%m%dT%H%M%S%f"),
            audience=audience.name,
            published_at=published_at.isoformat(),
            run_id=run_id,
            last_business_date=last_business_date.isoformat() if last_business_date else None,
            table_count=len(tables),
        )
        folder = settings.published / audience.name
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f"{publication.file_name}.part"
        _write_snapshot(connection, unfinished, tables, publication)
        unfinished.replace(folder / publication.file_name)
        publications.append(publication)
    for publication in publications:
        _point_to(settings.published / publication.audience, publication)
        _record(connection, "ops", publication)
        _prune(settings.published / publication.audience, publication.file_name)
    return publications


def _published_tables(
    connection: duckdb.DuckDBPyConnection, schemas: tuple[str, ...], left_out: frozenset[str]
) -> list[tuple[str, str, list[str]]]:
    """Return ``(schema, table, columns)`` of what an audience sees, in a fixed order."""
    tables = connection.execute(
        "select schema_name, table_name, list(column_name order by column_index) from duckdb_columns()"
        " where database_name = current_database() and not internal and schema_name in (select unnest(?))"
        " group by all order by all",
        [list(schemas)],
    ).fetchall()
    return [
        (schema, table, [name for name in names if left_out.isdisjoint({name, f"{table}.{name}"})])
        for schema, table, names in tables
    ]


def _write_snapshot(
    connection: duckdb.DuckDBPyConnection,
    target: Path,
    tables: list[tuple[str, str, list[str]]],
    publication: Publication,
) -> None:
    target.unlink(missing_ok=True)
    connection.execute(f"attach '{target}' as snapshot (storage_version '{STORAGE_VERSION}')")
    try:
        for schema in sorted({schema for schema, _, _ in tables}):
            connection.execute(f'create schema snapshot."{schema}"')
        for schema, table, names in tables:
            columns = ", ".join(f'"{name}"' for name in names)
            connection.execute(
                f'create table snapshot."{schema}"."{table}" as select {columns} from "{schema}"."{table}"'
            )
            _copy_comments(connection, schema, table, names)
        # a reader can ask the snapshot itself which one it is and how fresh
        _record(connection, "snapshot.ops", publication)
    finally:
        connection.execute("detach snapshot")


def _copy_comments(connection: duckdb.DuckDBPyConnection, schema: str, table: str, names: list[str]) -> None:
    """Carry the descriptions of a table and its columns over, so that a BI tool shows them."""
    comments = connection.execute(
        "select column_name, comment from duckdb_columns()"
        " where database_name = current_database() and schema_name = $schema and table_name = $table"
        " and comment is not null and list_contains($names, column_name) order by column_index",
        {"schema": schema, "table": table, "names": names},
    ).fetchall()
    for column, comment in comments:
        connection.execute(f'comment on column snapshot."{schema}"."{table}"."{column}" is {literal(comment)}')
    described = connection.execute(
        "select comment from (select database_name, schema_name, table_name, comment from duckdb_tables()"
        " union all select database_name, schema_name, view_name, comment from duckdb_views())"
        " where database_name = current_database() and schema_name = $schema and table_name = $table"
        " and comment is not null",
        {"schema": schema, "table": table},
    ).fetchone()
    if described:
        connection.execute(f'comment on table snapshot."{schema}"."{table}" is {literal(described[0])}')


def _record(connection: duckdb.DuckDBPyConnection, schema: str, publication: Publication) -> None:
    connection.execute(
        f"insert into {schema}.publications by name select $publication_id as publication_id, $audience as audience,"
        " $published_at::timestamp as published_at, $run_id as run_id,"
        " $last_business_date::date as last_business_date, $table_count as table_count",
        asdict(publication),
    )


def _point_to(folder: Path, publication: Publication) -> None:
    unfinished = folder / f"{POINTER}.part"
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump({**asdict(publication), "file_name": publication.file_name}, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / POINTER)


def _prune(folder: Path, current: str) -> None:
    for unfinished in folder.glob("*.duckdb.part"):
        unfinished.unlink()
    older = sorted(path for path in folder.glob("*.duckdb") if path.name != current)
    for snapshot in older[: max(0, len(older) - SNAPSHOTS_KEPT + 1)]:
        snapshot.unlink()
