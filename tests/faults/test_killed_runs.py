"""A run that is killed without warning: the next one ends in the same content, with nothing to clean up by hand."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from command_line import COMMAND, credit_warehouse, environment
from conftest import NEXT_LAST_DATE, LoadedBank
from content import content_hashes, differing, raw_zone_files
from landing_files import remove_dates_after

from pipeline.serving.reading import current_snapshot, query_snapshot
from pipeline.settings import Settings

LONGEST_WAIT_SECONDS = 120
TOTALS = "select business_date, count(*) as n, sum(amount) as amount from core.fct_transactions group by all order by 1"


def ingesting(settings: Settings) -> bool:
    """A first feed has its next date in the raw zone, others have not."""
    return (settings.raw / "atm_transactions" / f"business_date={NEXT_LAST_DATE}" / "data.parquet").exists()


def building(settings: Settings) -> bool:
    """Dbt has replaced rows of the fact table; models that depend on it are being made."""
    log = settings.dbt_target / "dbt.log"
    return log.exists() and "OK created sql incremental model core.fct_transactions" in log.read_text(errors="replace")


def publishing(settings: Settings) -> bool:
    """A snapshot is being written."""
    return any(settings.published.glob("*/*.part"))


def mining(settings: Settings) -> bool:
    """The star of the next dates is published, and the month that ended is not yet mined."""
    return len(list((settings.published / "analysts").glob("*.duckdb"))) > 2


@pytest.fixture
def bank_with_next_dates(copy_of_bank: Settings) -> Settings:
    remove_dates_after(copy_of_bank, NEXT_LAST_DATE)
    # else the last build's log would tell of this one
    (copy_of_bank.dbt_target / "dbt.log").unlink()
    return copy_of_bank


def kill_when(settings: Settings, has_come: Callable[[Settings], bool]) -> None:
    """Start a run and kill its process, and no other, as soon as a state has come."""
    run = subprocess.Popen([COMMAND, "run"], env=environment(settings), stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while not has_come(settings):
            assert run.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < deadline, "the state never came"
            time.sleep(0.002)
    finally:
        run.kill()
    assert run.wait() == -signal.SIGKILL


@pytest.mark.parametrize("moment", [ingesting, building, publishing, mining])
def test_run_killed_and_run_again_ends_in_the_same_content(
    bank_with_next_dates: Settings, loaded_bank: LoadedBank, next_dates_bank: LoadedBank, moment
) -> None:
    """Guards 'killed anywhere, run again': every table, the raw zone, the snapshots and Dagster's record of the run."""
    settings = bank_with_next_dates
    kill_when(settings, moment)

    # readers are not disturbed: they see one of the two whole states
    seen = query_snapshot(settings, "analysts", TOTALS)
    assert seen.equals(
        query_snapshot((next_dates_bank if moment is mining else loaded_bank).settings, "analysts", TOTALS)
    )

    again = credit_warehouse(settings, "run")
    assert again.returncode == 0, again.stderr

    assert differing(content_hashes(settings), next_dates_bank.hashes) == {}
    assert raw_zone_files(settings) == raw_zone_files(next_dates_bank.settings)
    assert query_snapshot(settings, "analysts", TOTALS).equals(
        query_snapshot(next_dates_bank.settings, "analysts", TOTALS)
    )
    assert list(settings.published.glob("*/*.part")) == []
    assert unfinished_runs(settings) == []


def unfinished_runs(settings: Settings) -> list[str]:
    os.environ["DAGSTER_HOME"] = str(settings.dagster)
    with dg.DagsterInstance.get() as instance:
        return [run.run_id for run in instance.get_runs() if not run.is_finished]


def test_dbt_ends_with_the_run_that_started_it(bank_with_next_dates):
    """Guards the build file: the dbt of a killed run neither keeps its lock nor goes on changing tables."""
    kill_when(bank_with_next_dates, building)
    deadline = time.monotonic() + 5
    while is_locked(bank_with_next_dates.warehouse):
        assert time.monotonic() < deadline, "dbt goes on"
        time.sleep(0.05)


def is_locked(warehouse: Path) -> bool:
    try:
        duckdb.connect(warehouse, read_only=True).close()
    except duckdb.IOException:
        return True
    return False
