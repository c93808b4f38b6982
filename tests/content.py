"""What a warehouse holds, as one order-independent hash per table.

Belongs here: which tables and columns count as content. Does not belong here: what a table should hold.

Two warehouses made of the same files in different ways (another order of dates, twice, after a crash) must agree in
every hash. Tables are found in the catalogue, not listed, so that a leftover table makes a difference too.
"""

import duckdb

from pipeline.settings import Settings

# One row per publication or build: they tell how often a warehouse was worked on, not what is in it.
TABLES_OF_RUNS = ("ops.publications", "ops.warehouse_builds")
# When, and by which run, a file was loaded; what was loaded is in the other columns.
COLUMNS_OF_RUNS = {"ops.extract_files": ("loaded_at", "superseded_at", "run_id")}

_RELATIONS = """
    select schema_name, table_name from duckdb_tables() where not internal
    union all
    select schema_name, view_name from duckdb_views() where not internal and schema_name = 'raw'
    order by all
"""


def content_hashes(settings: Settings) -> dict[str, str]:
    """Hash every table of the build file and every view on the raw zone.

    Returns
    -------
    dict
        By ``schema.table``: number of rows and the sum of the rows' 64-bit hashes, in which neither the order of rows
        nor the number of threads matters, and a doubled row does.
    """
    with duckdb.connect(settings.warehouse, read_only=True) as connection:
        return {
            f"{schema}.{table}": _hash(connection, schema, table)
            for schema, table in connection.execute(_RELATIONS).fetchall()
            if f"{schema}.{table}" not in TABLES_OF_RUNS
        }


def _hash(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> str:
    left_out = COLUMNS_OF_RUNS.get(f"{schema}.{table}", ())
    columns = [
        name
        for (name,) in connection.execute(
            "select column_name from duckdb_columns() where schema_name = ? and table_name = ? order by column_index",
            [schema, table],
        ).fetchall()
        if name not in left_out
    ]
    quoted = ", ".join(f'"{name}"' for name in columns)
    row = connection.execute(
        f'select count(*), coalesce(sum(hash({quoted})::hugeint), 0) from "{schema}"."{table}"'
    ).fetchone()
    assert row
    return f"{row[0]} rows, {row[1]:x}"


def raw_zone_files(settings: Settings) -> set[str]:
    """List what stands in the raw zone, scratch files and half-written ones included."""
    return {str(path.relative_to(settings.raw)) for path in settings.raw.rglob("*") if path.is_file()}


def differing(left: dict[str, str], right: dict[str, str]) -> dict[str, tuple[str | None, str | None]]:
    """Tell the tables in which two warehouses differ, with both hashes."""
    return {
        table: (left.get(table), right.get(table))
        for table in sorted(left.keys() | right.keys())
        if left.get(table) != right.get(table)
    }
