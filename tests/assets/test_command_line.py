"""The ``credit-warehouse`` command on a loaded warehouse: what is printed, and how it ends."""

import csv
import io
import json
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal

import pytest
from command_line import credit_warehouse
from landing_files import remove_dates_after
from small_bank import BANK_CUSTOMERS, BANK_DIRTY_SHARE, BANK_MONTHS, BANK_SEED, FIRST_DATE, LAST_DATE

from pipeline.settings import Settings

BY_CHANNEL = (
    "select channel_code, count(*) as transactions, sum(amount) as amount"
    " from core.fct_transactions group by channel_code order by channel_code"
)
HOLD_THE_BUILD_FILE = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("begin")
connection.execute("delete from core.fct_transactions")
print("open", flush=True)
sys.stdin.read()
"""


def test_three_formats_tell_the_same(loaded_bank):
    """Guards `query`: table, CSV and JSON hold the same rows, money to the cent."""
    as_table, as_csv, as_json = (
        credit_warehouse(loaded_bank.settings, "query", BY_CHANNEL, "--format", output)
        for output in ("table", "csv", "json")
    )
    assert (as_table.returncode, as_csv.returncode, as_json.returncode) == (0, 0, 0)
    rows = list(csv.DictReader(io.StringIO(as_csv.stdout)))
    assert [row["channel_code"] for row in rows] == ["atm", "card", "counter", "pos"]
    assert [{name: str(value) for name, value in row.items()} for row in json.loads(as_json.stdout)] == rows
    printed = [line.split() for line in as_table.stdout.splitlines()]
    assert printed[1:5] == [list(row.values()) for row in rows]
    assert as_table.stdout.splitlines()[-1] == "(4 rows)"
    assert all(Decimal(row["amount"]).as_tuple().exponent == -2 for row in rows)


def test_query_that_is_wrong_ends_with_2_and_says_what_to_do(loaded_bank):
    """Guards scripts and people: an exit code other than 0, nothing on stdout, a message and no traceback."""
    ended = credit_warehouse(loaded_bank.settings, "query", "select * from core.nothing")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: the query failed")
    assert "show all tables" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_reader_is_served_while_another_process_writes(copy_of_bank):
    """Guards decision 2 across processes: an open build file, changed and not committed, keeps no reader out."""
    before = credit_warehouse(copy_of_bank, "query", BY_CHANNEL, "--format", "csv").stdout
    writer = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_BUILD_FILE, str(copy_of_bank.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert writer.stdout
        assert writer.stdout.readline() == "open\n"
        during = credit_warehouse(copy_of_bank, "query", BY_CHANNEL, "--format", "csv")
        status = credit_warehouse(copy_of_bank, "status")
    finally:
        writer.communicate()
    assert (during.returncode, during.stdout) == (0, before)
    assert before.count("\n") == 5
    # what reads the build file says who has it instead of waiting
    assert status.returncode == 2
    assert "the build file is in use" in status.stderr


def test_simulation_is_reused_and_never_mixed(fresh_home):
    """Guards `simulate`: the same arguments write nothing, other ones are refused."""
    arguments = [
        *("--customers", str(BANK_CUSTOMERS), "--months", str(BANK_MONTHS), "--seed", str(BANK_SEED)),
        *("--start", str(FIRST_DATE), "--dirty-share", str(BANK_DIRTY_SHARE)),
    ]
    same = credit_warehouse(fresh_home, "simulate", *arguments)
    assert (same.returncode, same.stderr) == (0, "")
    assert "is there already, nothing written" in same.stdout

    other = credit_warehouse(fresh_home, "simulate", *arguments[2:], "--customers", "700")
    assert other.returncode == 2
    assert "the landing zone already holds something else" in other.stderr


def test_import_of_a_folder_that_is_not_berka_is_refused(tmp_path):
    """Guards `import berka`: a wrong folder is told before anything is dropped."""
    settings = Settings(tmp_path / "home")
    ended = credit_warehouse(settings, "import", "berka", str(tmp_path))
    assert ended.returncode == 2
    assert ".asc" in ended.stderr
    assert not settings.landing.exists()


def test_status_tells_what_is_loaded_rejected_published_and_waiting(loaded_bank):
    """Guards the first question of an operator."""
    ended = credit_warehouse(loaded_bank.settings, "status")
    assert ended.returncode == 0
    assert str(LAST_DATE) in ended.stdout
    assert "Published for analysts: " in ended.stdout
    waiting = (FIRST_DATE.replace(month=4) - LAST_DATE).days - 1
    assert (
        f"Waiting in landing: {waiting} complete business dates, from {LAST_DATE + timedelta(days=1)}" in ended.stdout
    )


def test_doctor_finds_a_loaded_warehouse_well(loaded_bank):
    """Guards `doctor`: every look is told and none fails on a machine where the tests run."""
    ended = credit_warehouse(loaded_bank.settings, "doctor")
    assert ended.returncode == 0, ended.stdout
    assert all(line.startswith("ok") for line in ended.stdout.splitlines())
    assert len(ended.stdout.splitlines()) >= 6


def test_run_with_nothing_new_does_nothing(copy_of_bank):
    """Guards cron: a second run loads nothing, mines nothing, publishes nothing."""
    remove_dates_after(copy_of_bank, LAST_DATE)
    snapshots = sorted(copy_of_bank.published.rglob("*"))
    ended = credit_warehouse(copy_of_bank, "run")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "is loaded" in ended.stdout
    assert sorted(copy_of_bank.published.rglob("*")) == snapshots


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "2024-12-31"], "these dates cannot be loaded"),
        (["--from", "2025-02-02", "--to", "2025-02-01"], "these dates cannot be loaded"),
        (["--from", "2025-04-01", "--to", "2025-04-01"], "2025-04-01"),
        (["--from", "yesterday"], "Invalid value"),
    ],
)
def test_run_of_dates_that_cannot_be_loaded_is_refused(copy_of_bank, arguments, message):
    """Guards `run --from`: before the first date, backwards, beyond what has arrived, no date at all."""
    ended = credit_warehouse(copy_of_bank, "run", *arguments)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_first_steps_in_an_empty_warehouse_are_told(tmp_path):
    """Guards the newcomer: run, query and status in an empty home say what to do first."""
    settings = Settings(tmp_path / "home")
    settings.home.mkdir()
    status, query, run = (
        credit_warehouse(settings, *arguments) for arguments in (["status"], ["query", "select 1"], ["run"])
    )
    assert (status.returncode, query.returncode, run.returncode) == (0, 2, 2)
    assert "credit-warehouse simulate" in run.stderr
    assert "credit-warehouse run" in query.stderr
    assert "nothing is loaded yet" in status.stdout
