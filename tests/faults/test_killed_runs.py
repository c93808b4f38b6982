"""Runs that are killed without warning: the next one ends in the same content, with nothing to clean up by hand."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from command_line import COMMAND, credit_warehouse, environment
from content import content_hashes, differing, raw_zone_files
from landing_files import remove_dates_after
from small_bank import NEXT_LAST_DATE, LoadedBank

from pipeline.serving.reading import query_snapshot
from pipeline.settings import Settings

LONGEST_WAIT_SECONDS = 120
LONGEST_LOCK_SECONDS = 5
TOTALS = "select business_date, count(*) as n, sum(amount) as amount from core.fct_transactions group by all order by 1"


def has_read_a_feed(settings: Settings, output: str) -> bool:
    """The raw zone has the next dates of one feed; the ledger may not know of it yet, other feeds have nothing."""
    return (settings.raw / "atm_transactions" / f"business_date={NEXT_LAST_DATE}" / "data.parquet").exists()


def has_built_the_facts(settings: Settings, output: str) -> bool:
    """Dbt has replaced rows of the fact table and not yet what depends on them."""
    return "core.fct_transactions" in output


def is_writing_a_snapshot(settings: Settings, output: str) -> bool:
    """A snapshot is half written."""
    return any(settings.published.glob("*/*.part"))


def has_mined_rules(settings: Settings, output: str) -> bool:
    """One of the mining steps has written its tables."""
    return "associations" in output


MOMENTS = (has_read_a_feed, has_built_the_facts, is_writing_a_snapshot, has_mined_rules)


@pytest.fixture
def bank(copy_of_bank: Settings) -> Settings:
    remove_dates_after(copy_of_bank, NEXT_LAST_DATE)
    return copy_of_bank


def test_killed_at_every_stage_the_warehouse_ends_as_if_undisturbed(
    bank: Settings, loaded_bank: LoadedBank, next_dates_bank: LoadedBank, tmp_path: Path, monkeypatch
) -> None:
    """Guards 'killed anywhere, run again': killed while ingesting, the next one in dbt, and so on; the last ends."""
    before = query_snapshot(loaded_bank.settings, "analysts", TOTALS)
    after = query_snapshot(next_dates_bank.settings, "analysts", TOTALS)
    assert not before.equals(after)

    for moment in MOMENTS:
        kill_when(bank, moment, tmp_path / "output")
        assert query_snapshot(bank, "analysts", TOTALS).equals(before), f"readers saw a build: {moment.__name__}"
        assert seconds_locked(bank.warehouse) < LONGEST_LOCK_SECONDS, f"something goes on: {moment.__name__}"
    last = credit_warehouse(bank, "run")

    assert last.returncode == 0, last.stderr
    assert differing(content_hashes(bank), next_dates_bank.hashes) == {}
    assert raw_zone_files(bank) == raw_zone_files(next_dates_bank.settings)
    assert query_snapshot(bank, "analysts", TOTALS).equals(after)
    assert list(bank.published.glob("*/*.part")) == []
    monkeypatch.setenv("DAGSTER_HOME", str(bank.dagster))
    with dg.DagsterInstance.get() as instance:
        runs = instance.get_runs()
    assert [run.run_id for run in runs if not run.is_finished] == []
    # the runs of the bank's first load succeeded, as did those that were not killed
    assert sum(run.is_failure for run in runs) == len(MOMENTS)


def kill_when(settings: Settings, has_come: Callable[[Settings, str], bool], output: Path) -> None:
    """Start a run and kill its process, and no other, as soon as a state has come."""
    with output.open("w") as file:
        run = subprocess.Popen([COMMAND, "run"], env=environment(settings), stdout=file, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + LONGEST_WAIT_SECONDS
            while not has_come(settings, told := output.read_text(errors="replace")):
                assert run.poll() is None, f"the run ended before {has_come.__name__}:\n{told}"
                assert time.monotonic() < deadline, f"never {has_come.__name__}:\n{told}"
                time.sleep(0.002)
        finally:
            run.kill()
    assert run.wait() == -signal.SIGKILL


def seconds_locked(warehouse: Path) -> float:
    """Wait until nobody has the build file open."""
    began = time.monotonic()
    while time.monotonic() - began < LONGEST_LOCK_SECONDS:
        try:
            duckdb.connect(warehouse, read_only=True).close()
        except duckdb.IOException:
            time.sleep(0.05)
        else:
            break
    return time.monotonic() - began
