"""What a run left undone is found by the next one."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipeline.serving.builds import (
    MINING_STEPS,
    create_build_tables,
    dates_not_built,
    has_files_not_built,
    mining_is_due,
    publication_is_due,
    record_build_passed,
    record_build_started,
    record_results,
    record_tables_passed,
    unfinished_builds,
)
from pipeline.serving.publish import create_publications
from pipeline.settings import Settings
from pipeline.warehouse import open_warehouse

FEEDS = ["atm_transactions"]
JANUARY, FEBRUARY = date(2025, 1, 31), date(2025, 2, 28)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(Settings(tmp_path)) as connection:
        create_build_tables(connection)
        create_publications(connection)
        connection.execute(
            "create table ops.extract_files (source_file_id varchar, feed varchar, business_date date,"
            " status varchar, contract_version int);"
            "create schema features; create table features.customer_months (month_end_date date);"
            "create schema intermediate;"
            "create table intermediate.int_months (month_end_date date, is_complete boolean)"
        )
        yield connection


def load(
    connection: duckdb.DuckDBPyConnection, file: str, day: date, feed: str = FEEDS[0], contract_version: int = 1
) -> None:
    connection.execute("update ops.extract_files set status = 'superseded' where business_date = ?", [day])
    connection.execute(
        "insert into ops.extract_files values (?, ?, ?, 'loaded', ?)", [file, feed, day, contract_version]
    )


def build(connection: duckdb.DuckDBPyConnection, first: date, last: date) -> None:
    record_build_started(connection, "run")
    record_build_passed(connection, "run", FEEDS, first, last)


def complete(connection: duckdb.DuckDBPyConnection, month: date) -> None:
    connection.execute("insert into features.customer_months values (?)", [month])
    connection.execute("insert into intermediate.int_months values (?, true)", [month])


def mine(connection: duckdb.DuckDBPyConnection) -> None:
    for step in MINING_STEPS:
        record_results(connection, step, "run")


def test_a_loaded_file_is_not_built_until_a_build_over_its_date_passes(warehouse):
    """Guards against a date that is in the raw zone, never in the star, and never asked for again."""
    load(warehouse, "a", JANUARY)
    load(warehouse, "b", FEBRUARY)
    build(warehouse, FEBRUARY, FEBRUARY)
    assert dates_not_built(warehouse, FEEDS) == [JANUARY]

    build(warehouse, JANUARY, JANUARY)
    assert dates_not_built(warehouse, FEEDS) == []


def test_a_file_that_came_back_is_built_again(warehouse):
    """Guards A -> B -> A: the star holds B, although A was built once."""
    for file in ("a", "b"):
        load(warehouse, file, JANUARY)
        build(warehouse, JANUARY, JANUARY)
    warehouse.execute("update ops.extract_files set status = if(source_file_id = 'a', 'loaded', 'superseded')")
    assert dates_not_built(warehouse, FEEDS) == [JANUARY]


def test_a_file_admitted_under_another_contract_version_is_built_again(warehouse):
    """Guards a changed contract: the same bytes, read anew, are other rows."""
    load(warehouse, "a", JANUARY)
    build(warehouse, JANUARY, JANUARY)
    warehouse.execute("update ops.extract_files set contract_version = 2")
    assert dates_not_built(warehouse, FEEDS) == [JANUARY]
    build(warehouse, JANUARY, JANUARY)
    assert dates_not_built(warehouse, FEEDS) == []


def test_monthly_files_are_built_by_every_build(warehouse):
    """Guards reference data: their models are rebuilt whole, whatever the window."""
    load(warehouse, "r", JANUARY, feed="branches")
    assert has_files_not_built(warehouse)
    assert dates_not_built(warehouse, FEEDS) == []
    build(warehouse, FEBRUARY, FEBRUARY)
    assert warehouse.execute("select source_file_id from ops.built_files").fetchall() == [("r",)]
    assert not has_files_not_built(warehouse)


def test_mining_is_due_when_a_complete_month_changed_and_not_for_a_new_day(warehouse):
    """Guards the cost of a day: mining looks at complete months only, and at each change of one."""
    build(warehouse, date(2025, 1, 1), date(2025, 1, 30))
    assert not mining_is_due(warehouse), "no month is complete"

    build(warehouse, JANUARY, JANUARY)
    complete(warehouse, JANUARY)
    assert mining_is_due(warehouse), "never mined"

    mine(warehouse)
    assert not mining_is_due(warehouse)

    build(warehouse, date(2025, 2, 1), date(2025, 2, 1))
    assert not mining_is_due(warehouse), "a new day of a month that is not over"

    build(warehouse, date(2025, 1, 15), date(2025, 1, 15))
    build(warehouse, date(2025, 2, 2), date(2025, 2, 2))
    assert mining_is_due(warehouse), "a restated day stays due although a new day was built after it"

    mine(warehouse)
    assert not mining_is_due(warehouse)


def test_mining_cut_short_is_due_again(warehouse):
    """Guards a run that was killed between two mining steps."""
    build(warehouse, JANUARY, JANUARY)
    complete(warehouse, JANUARY)
    record_results(warehouse, MINING_STEPS[0], "run")
    assert mining_is_due(warehouse)


def test_publication_is_due_until_it_happened(warehouse):
    """Guards a run that was killed before it published."""
    build(warehouse, JANUARY, JANUARY)
    assert publication_is_due(warehouse)
    warehouse.execute("insert into ops.publications values ('p', 'analysts', now()::timestamp, 'run', null, 1)")
    assert not publication_is_due(warehouse)


def test_some_models_passed_does_not_make_a_failed_build_whole(warehouse):
    """Guards a click on one model after a failed build: the rest still has not passed."""
    record_build_started(warehouse, "run-1")
    was_whole = not unfinished_builds(warehouse)
    record_build_started(warehouse, "run-2")
    record_tables_passed(warehouse, "run-2", was_whole)
    assert unfinished_builds(warehouse) == [("dbt_build", "run-2")]
