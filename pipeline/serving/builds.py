"""What the build file is made of: which files are in the star, which builds passed, what has yet to be done.

Belongs here: ``ops.warehouse_builds`` and ``ops.built_files``, and the questions a new run asks them. Does not belong
here: the checks themselves (dbt tests, ``audit``).

A dbt build writes tables first and tests them after. If it fails or is killed between, the build file holds tables that
nobody vouched for; the row it left behind, ``running``, keeps them from being published. And a file can be loaded and
its build never come: a file that is not in ``built_files`` is not in the star.
"""

from collections.abc import Sequence
from datetime import date

import duckdb

DBT_BUILD = "dbt_build"
MINING_STEPS = ("associations", "customer_models", "default_model", "model_cards", "segments", "sequences")

_TABLES = """
    create schema if not exists ops;
    create table if not exists ops.warehouse_builds (
        build varchar primary key,
        status varchar not null check (status in ('running', 'passed')),
        run_id varchar not null,
        passed_at timestamp,
        changed_from date
    );
    create table if not exists ops.built_files (
        source_file_id varchar,
        -- a file that was admitted anew under another version of its contract is to be built anew, too
        contract_version integer,
        primary key (source_file_id, contract_version)
    )
"""


def create_build_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the two tables where they are not there yet."""
    connection.execute(_TABLES)


def record_build_started(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Record that dbt is about to change tables; from now on nothing is published until a build has passed."""
    create_build_tables(connection)
    connection.execute(
        "insert into ops.warehouse_builds values (?, 'running', ?, null, null)"
        " on conflict do update set status = 'running', run_id = excluded.run_id",
        [DBT_BUILD, run_id],
    )


def record_build_passed(
    connection: duckdb.DuckDBPyConnection, run_id: str, daily_feeds: Sequence[str], first: date, last: date
) -> None:
    """Record that dbt built all models over the dates from ``first`` to ``last`` and every test passed.

    Parameters
    ----------
    daily_feeds
        Feeds whose files are built by date; the files of all others are built whole by every build.
    """
    connection.execute("begin")
    connection.execute(
        "delete from ops.built_files where (source_file_id, contract_version) not in"
        " (select (source_file_id, contract_version) from ops.extract_files where status = 'loaded')"
    )
    connection.execute(
        "insert or ignore into ops.built_files"
        " select source_file_id, contract_version from ops.extract_files where status = 'loaded'"
        " and (not list_contains($feeds, feed) or business_date between $first and $last)",
        {"feeds": list(daily_feeds), "first": first, "last": last},
    )
    # the earliest date built since mining last looked: a build that mining has not seen yet keeps its date
    connection.execute(
        "update ops.warehouse_builds set status = 'passed', run_id = $run_id, passed_at = now()::timestamp,"
        " changed_from = least($first, case when passed_at > (select min(mined.passed_at)"
        "   from ops.warehouse_builds as mined where mined.build <> $build) then changed_from end)"
        " where build = $build",
        {"run_id": run_id, "first": first, "build": DBT_BUILD},
    )
    connection.execute("commit")


def record_tables_passed(connection: duckdb.DuckDBPyConnection, run_id: str, is_whole_again: bool) -> None:
    """Record that a build of some models passed; the whole stays unfinished if it was before."""
    if is_whole_again:
        connection.execute(
            "update ops.warehouse_builds set status = 'passed', run_id = ?, passed_at = now()::timestamp"
            " where build = ?",
            [run_id, DBT_BUILD],
        )


def record_results(connection: duckdb.DuckDBPyConnection, step: str, run_id: str) -> None:
    """Record that a mining step, one of ``MINING_STEPS``, wrote its tables."""
    create_build_tables(connection)
    connection.execute(
        "insert or replace into ops.warehouse_builds values (?, 'passed', ?, now()::timestamp, null)", [step, run_id]
    )


def dates_not_built(connection: duckdb.DuckDBPyConnection, daily_feeds: Sequence[str]) -> list[date]:
    """Dates of which a daily feed's file is loaded and not in the star, in order."""
    create_build_tables(connection)
    rows = connection.execute(
        "select distinct business_date from ops.extract_files where status = 'loaded' and list_contains(?, feed)"
        " and (source_file_id, contract_version) not in"
        " (select (source_file_id, contract_version) from ops.built_files) order by business_date",
        [list(daily_feeds)],
    ).fetchall()
    return [day for (day,) in rows]


def has_files_not_built(connection: duckdb.DuckDBPyConnection) -> bool:
    """Tell whether a file of any feed, monthly ones included, is loaded and not in the star."""
    create_build_tables(connection)
    return bool(
        connection.execute(
            "select 1 from ops.extract_files where status = 'loaded'"
            " and (source_file_id, contract_version) not in"
            " (select (source_file_id, contract_version) from ops.built_files) limit 1"
        ).fetchall()
    )


def mining_is_due(connection: duckdb.DuckDBPyConnection) -> bool:
    """Tell whether the latest complete month was built again since mining looked at it, or never mined."""
    ((is_due,),) = connection.execute(
        "with month as (select max(month_end_date) as latest from features.customer_months"
        "   join intermediate.int_months using (month_end_date) where is_complete),"
        " mined as (select count(*) as steps, min(passed_at) as mined_at from ops.warehouse_builds"
        "   where list_contains($steps, build))"
        " select latest is not null and (steps < len($steps) or (passed_at > mined_at and changed_from <= latest))"
        " from month, mined, ops.warehouse_builds where build = $build",
        {"steps": list(MINING_STEPS), "build": DBT_BUILD},
    ).fetchall()
    return bool(is_due)


def publication_is_due(connection: duckdb.DuckDBPyConnection) -> bool:
    """Tell whether anything passed since the last publication."""
    ((is_due,),) = connection.execute(
        "select max(passed_at) > coalesce((select max(published_at) from ops.publications), '-infinity'::timestamp)"
        " from ops.warehouse_builds"
    ).fetchall()
    return bool(is_due)


def unfinished_builds(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Return ``(build, run_id)`` of builds that began and did not pass."""
    create_build_tables(connection)
    return connection.execute(
        "select build, run_id from ops.warehouse_builds where status = 'running' order by build"
    ).fetchall()
