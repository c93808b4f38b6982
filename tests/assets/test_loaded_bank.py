"""After one load of a simulated bank: what Dagster recorded, and whether anything was lost or invented."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import dagster as dg
import duckdb
import pytest
from dagster_record import checks_not_passed
from landing_files import CHANNEL_FEEDS, amount_in, sidecars
from small_bank import FIRST_DATE, LAST_DATE, LoadedBank

from pipeline.definitions import build_definitions
from pipeline.partitions import dates_between

JOBS_OF_A_LOAD = ["reference_load", "daily_load", "mining_refresh"]


@pytest.fixture
def instance(loaded_bank: LoadedBank, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(loaded_bank.settings.dagster))
    with dg.DagsterInstance.get() as found:
        yield found


@pytest.fixture(scope="module")
def graph(loaded_bank: LoadedBank):
    return build_definitions(loaded_bank.settings).resolve_asset_graph()


@pytest.fixture
def warehouse(loaded_bank: LoadedBank) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(loaded_bank.settings.warehouse, read_only=True) as connection:
        yield connection


def test_every_step_of_every_job_succeeded(instance):
    """Guards the main job: three runs, and no step failed or was skipped in any."""
    runs = sorted(instance.get_run_records(), key=lambda record: record.create_timestamp)
    assert [record.dagster_run.job_name for record in runs] == JOBS_OF_A_LOAD
    statuses = {
        (record.dagster_run.job_name, step.step_key): step.status
        for record in runs
        for step in instance.get_run_step_stats(record.dagster_run.run_id)
    }
    assert len(statuses) > 30
    assert {status.value for status in statuses.values() if status} == {"SUCCESS"}, statuses
    assert None not in statuses.values(), statuses


def test_every_check_passed_and_stands_on_the_asset_it_guards(loaded_bank, graph):
    """Guards what the UI shows: each check of the graph was executed, passed, and belongs to an asset that exists."""
    keys = list(graph.asset_check_keys)
    assert len(keys) > 100
    assert {key.asset_key for key in keys} <= graph.materializable_asset_keys
    assert checks_not_passed(loaded_bank.settings) == []


def test_every_asset_tells_its_rows_and_columns(instance, graph):
    """Guards the metadata a reader asks first: rows with every materialization, columns there or with the asset."""
    lacking = {}
    for key in sorted(graph.materializable_asset_keys):
        event = instance.get_latest_materialization_event(key)
        told = dict(event.asset_materialization.metadata) if event and event.asset_materialization else {}
        missing = {"dagster/row_count", "dagster/column_schema"} - {*told, *graph.get(key).metadata}
        if missing:
            lacking[key.to_user_string()] = sorted(missing)
    assert lacking == {}


def test_row_counts_told_are_those_of_the_tables(instance, graph, warehouse):
    """Guards the figures in the UI against telling something else than the table holds."""
    wrong = {}
    for key in sorted(graph.materializable_asset_keys - {dg.AssetKey(["ops", "publications"])}):
        if key.path[0] == "raw":
            continue
        told = instance.get_latest_materialization_event(key).asset_materialization.metadata["dagster/row_count"].value
        schema, table = key.path
        found = warehouse.execute(f'select count(*) from "{schema}"."{table}"').fetchone()[0]
        if told != found:
            wrong[key.to_user_string()] = (told, found)
    assert wrong == {}


@pytest.mark.parametrize("channel", CHANNEL_FEEDS)
def test_rows_and_amounts_per_date_are_those_of_the_sidecars(loaded_bank, warehouse, channel):
    """Guards money in = money out: for each date of a channel, star plus rejected rows is what the sender says."""
    feed = CHANNEL_FEEDS[channel]
    found: dict[date, tuple[int, Decimal]] = {
        day: (rows, amount)
        for day, rows, amount in warehouse.execute(
            "select business_date, count(*), sum(amount) from core.fct_transactions"
            " where channel_code = ? group by business_date",
            [channel],
        ).fetchall()
    }
    rejected = warehouse.execute(
        "select business_date, raw_text from ops.rejected_rows where feed = ?", [feed]
    ).fetchall()
    for day, raw_text in rejected:
        rows, amount = found.get(day, (0, Decimal(0)))
        found[day] = rows + 1, amount + amount_in(feed, raw_text)

    told = {
        day: (int(sidecar["rows"]), Decimal(sidecar["amount_total"]))
        for day, sidecar in sidecars(loaded_bank.settings, feed).items()
        if day <= LAST_DATE
    }

    assert sorted(told) == dates_between(FIRST_DATE, LAST_DATE)
    assert {day: found.get(day, (0, Decimal(0))) for day in told} == told


def test_exactly_the_planted_rows_were_rejected(loaded_bank, warehouse):
    """Guards the contracts at work: every damaged record is in ops.rejected_rows with its line, and no sound one."""
    planted = warehouse.execute(
        f"select feed, business_date, file, line from '{loaded_bank.settings.truth}/dirty_rows.parquet'"
        " where business_date <= ? order by all",
        [LAST_DATE],
    ).fetchall()
    rejected = warehouse.execute(
        "select feed, business_date, file_name, line_number from ops.rejected_rows order by all"
    ).fetchall()
    assert len(planted) > 20
    assert rejected == planted


def test_every_fact_leads_to_its_file(warehouse):
    """Guards tracing: each transaction names a file version that is loaded, of its own date."""
    ((rows, traced),) = warehouse.execute(
        "select count(*), count(files.source_file_id) from core.fct_transactions as facts"
        " left join ops.extract_files as files on files.source_file_id = facts.source_file_id"
        " and files.business_date = facts.business_date and files.status = 'loaded'"
    ).fetchall()
    assert rows == traced > 0


def test_dates_of_a_load_share_one_run(warehouse):
    """Guards 'a range of days is one run': two runs read all files, one of the monthly and one of the daily feeds."""
    ((runs,),) = warehouse.execute("select count(distinct run_id) from ops.extract_files").fetchall()
    assert runs == 2
