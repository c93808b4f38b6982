"""Write, audit, publish: readers see whole, audited snapshots and nothing else."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipeline.errors import InputError
from pipeline.extracts.contracts import load_contracts
from pipeline.serving.audiences import load_audiences
from pipeline.serving.builds import create_build_tables, publication_is_due, record_build_passed, record_build_started
from pipeline.serving.publish import SNAPSHOTS_KEPT, Publication, publish
from pipeline.serving.reading import current_snapshot, open_snapshot, query_snapshot
from pipeline.settings import Settings
from pipeline.warehouse import open_warehouse

SMALLEST_WAREHOUSE = """
    create schema core; create schema ops; create schema staging;
    create table ops.extract_files as select 'f1' as source_file_id, 'atm_transactions' as feed,
        date '2025-01-01' as business_date, 'a.csv' as file_name, 'loaded' as status, 1 as contract_version,
        3 as rows_read, 2 as rows_loaded, 1 as rows_rejected;
    create table ops.rejected_rows as select 'f1' as source_file_id, 'atm_transactions' as feed, 'a.csv' as file_name,
        3 as line_number, 'amount' as column_name, 'not a number: 1x' as reason, '1|1x' as raw_text;
    create table ops.reconciliations as select date '2025-01-01' as business_date, 'atm' as channel_code,
        'amount' as measure, 0.00::decimal(18,2) as difference, true as is_reconciled;
    create table core.fct_transactions as select 'k1' as transaction_key, 10.25::decimal(18,2) as amount
        union all select 'k2', 20.50;
    create table core.dim_customer as select 'c' as customer_key, '王伟' as full_name, 'R01' as region_code;
    comment on table core.dim_customer is 'Customers';
    comment on column core.dim_customer.region_code is 'Region, it''s a code';
    create view staging.stg_anything as select 1 as x;
    create schema policy; create table policy.policy_limits as select 'p1' as policy_version, 'why' as reason;
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "home")


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(settings) as connection:
        connection.execute(SMALLEST_WAREHOUSE)
        create_build_tables(connection)
        connection.execute("insert into ops.built_files values ('f1', 1)")
        yield connection


def publish_all(connection: duckdb.DuckDBPyConnection, settings: Settings) -> list[Publication]:
    return publish(connection, settings, load_audiences(), load_contracts(), run_id="run-1")


def test_reader_sees_published_rows_while_the_build_file_is_open_for_writing(settings, warehouse):
    """Guards decision 2: a writer never keeps a reader out, and what it writes is not seen before the next publish."""
    publish_all(warehouse, settings)
    warehouse.execute("insert into core.fct_transactions values ('k3', 1)")

    rows = query_snapshot(settings, "analysts", "select count(*) as n, sum(amount) as total from core.fct_transactions")

    assert rows.to_dict(orient="records") == [{"n": 2, "total": Decimal("30.75")}]


def test_analysts_see_no_identifying_column_and_stewards_do(settings, warehouse):
    """Guards the audiences: names and raw text of rejects are for stewards only."""
    publish_all(warehouse, settings)
    columns = "select column_name from duckdb_columns() where table_name in ('dim_customer', 'rejected_rows')"

    analysts = set(query_snapshot(settings, "analysts", columns)["column_name"])
    stewards = set(query_snapshot(settings, "data_stewards", columns)["column_name"])

    assert stewards - analysts == {"full_name", "raw_text", "reason"}
    assert {"customer_key", "region_code", "line_number"} <= analysts
    assert query_snapshot(settings, "analysts", "select reason from policy.policy_limits")["reason"].to_list() == [
        "why"
    ]


def test_descriptions_travel_with_the_tables(settings, warehouse):
    """Guards what a BI tool shows beside a column."""
    publish_all(warehouse, settings)

    comments = query_snapshot(
        settings,
        "analysts",
        "select comment from duckdb_columns() where comment is not null"
        " union all select comment from duckdb_tables() where comment is not null",
    )

    assert sorted(comments["comment"]) == ["Customers", "Region, it's a code"]


def test_snapshot_says_which_one_it_is(settings, warehouse):
    """Guards that an analyst can ask the snapshot how fresh it is."""
    published = {publication.audience: publication for publication in publish_all(warehouse, settings)}

    rows = query_snapshot(settings, "analysts", "select publication_id, last_business_date from ops.publications")

    assert rows["publication_id"].tolist() == [published["analysts"].publication_id]
    assert str(rows["last_business_date"][0]) == "2025-01-01"


def test_what_was_published_at_once_is_not_due_again(settings, warehouse):
    """Guards against a publication too many: a build that passed and was published within the same second."""
    record_build_started(warehouse, "run-1")
    record_build_passed(warehouse, "run-1", ["atm_transactions"], date(2025, 1, 1), date(2025, 1, 1))
    publish_all(warehouse, settings)
    assert not publication_is_due(warehouse)


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        ("update ops.extract_files set rows_loaded = 1", "nothing_lost"),
        ("delete from ops.rejected_rows", "rejects_kept"),
        ("delete from ops.built_files", "everything_built"),
        ("update ops.reconciliations set difference = 0.01, is_reconciled = false", "totals_agree"),
        ("insert into core.fct_transactions values ('k1', 10.25)", "nothing_doubled"),
    ],
)
def test_audit_finding_keeps_readers_on_the_last_snapshot(settings, warehouse, damage, finding):
    """Guards the audit: each kind of damage is found, named, and not published."""
    publish_all(warehouse, settings)
    before = current_snapshot(settings, "analysts")
    warehouse.execute(damage)

    with pytest.raises(InputError) as caught:
        publish_all(warehouse, settings)

    assert finding in caught.value.found
    assert current_snapshot(settings, "analysts") == before
    assert sorted(path.name for path in before.parent.iterdir()) == sorted([before.name, "current.json"])


def test_a_build_that_did_not_pass_its_tests_is_not_published(settings, warehouse):
    """Guards against publishing tables that a failed or killed dbt build left behind."""
    record_build_started(warehouse, "run-7")
    with pytest.raises(InputError, match=r"build_passed.*dbt_build of run run-7"):
        publish_all(warehouse, settings)

    record_build_passed(warehouse, "run-8", ["atm_transactions"], date(2025, 1, 1), date(2025, 1, 1))
    assert len(publish_all(warehouse, settings)) == len(load_audiences())


def test_old_snapshots_are_pruned_and_half_written_ones_swept(settings, warehouse):
    """Guards the disk: a few snapshots stay for readers who have them open, the rest goes."""
    folder = settings.published / "analysts"
    folder.mkdir(parents=True)
    (folder / "20200101T000000000000.duckdb.part").write_text("left by a killed run")
    for _ in range(SNAPSHOTS_KEPT + 2):
        publish_all(warehouse, settings)

    snapshots = sorted(path.name for path in folder.iterdir() if path.name != "current.json")
    assert len(snapshots) == SNAPSHOTS_KEPT
    assert json.loads((folder / "current.json").read_text())["file_name"] == snapshots[-1]


def test_snapshot_is_readable_by_tools_of_storage_version_1_5(settings, warehouse):
    """Guards the storage version: a file of DuckDB 2.0's own format could not be opened by today's BI tools."""
    publish_all(warehouse, settings)
    with open_snapshot(settings, "analysts") as connection:
        tags = connection.execute("select tags from duckdb_databases() where not internal").fetchone()[0]
    assert "v1.5" in tags["storage_version"]


def test_query_reads_no_files_of_the_machine(settings, warehouse):
    """Guards the server: SQL of an analyst gets at the snapshot, not at the file system."""
    publish_all(warehouse, settings)
    with pytest.raises(InputError, match="disabled"):
        query_snapshot(settings, "analysts", "select * from read_text('/etc/hostname')")


def test_errors_of_a_query_and_of_an_unknown_audience_say_what_to_do(settings, warehouse):
    """Guards the messages an analyst meets first."""
    with pytest.raises(InputError, match="nothing is published yet"):
        query_snapshot(settings, "analysts", "select 1")
    publish_all(warehouse, settings)
    with pytest.raises(InputError, match="analysts, data_stewards"):
        query_snapshot(settings, "auditors", "select 1")
    with pytest.raises(InputError, match="show all tables"):
        query_snapshot(settings, "analysts", "select * from core.fct_transaction")
