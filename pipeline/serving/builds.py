"""Whether the build file is fit to be published: which builds began, and which passed all their checks.

Belongs here: ``ops.warehouse_builds``. Does not belong here: the checks themselves (dbt tests, ``audit``).

A dbt build writes tables first and tests them after. If it fails or is killed between, the build file holds tables that
nobody vouched for; the row it left behind, ``running``, is what keeps them from being published.
"""

import duckdb

_TABLE = """
    create schema if not exists ops;
    create table if not exists ops.warehouse_builds (
        build varchar primary key,
        status varchar not null check (status in ('running', 'passed')),
        run_id varchar not null,
        changed_at timestamp not null
    )
"""


def record_build(connection: duckdb.DuckDBPyConnection, build: str, status: str, run_id: str) -> None:
    """Record that ``build`` is now ``running`` or has ``passed``; one row per build, the latest state."""
    connection.execute(_TABLE)
    connection.execute(
        "insert or replace into ops.warehouse_builds values (?, ?, ?, now()::timestamp)", [build, status, run_id]
    )


def unfinished_builds(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Return ``(build, run_id)`` of builds that began and did not pass."""
    connection.execute(_TABLE)
    return connection.execute(
        "select build, run_id from ops.warehouse_builds where status = 'running' order by build"
    ).fetchall()
