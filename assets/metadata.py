"""The metadata that every table asset carries: how many rows, which columns.

Belongs here: reading both from the warehouse.
"""

from typing import Any

import dagster as dg
import duckdb


def table_metadata(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> dict[str, Any]:
    """Return row count and column schema of a table or view under Dagster's standard names."""
    rows = connection.execute(f'select count(*) from "{schema}"."{table}"').fetchone()
    columns = connection.execute(
        "select column_name, data_type, comment from duckdb_columns()"
        " where database_name = current_database() and schema_name = ? and table_name = ? order by column_index",
        [schema, table],
    ).fetchall()
    return {
        "dagster/row_count": rows[0] if rows else 0,
        "dagster/column_schema": dg.TableSchema(
            [dg.TableColumn(name, data_type, description=comment) for name, data_type, comment in columns]
        ),
    }
