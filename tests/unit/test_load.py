"""Which dates and months a run of the command line takes, asked of landing zone, ledger and builds; none is loaded."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from pipeline.extracts.arrivals import dates_due
from pipeline.extracts.contracts import Contract, load_contracts
from pipeline.extracts.ledger import LedgerEntry, create_ledger, record_load
from pipeline.load import plan_load
from pipeline.serving.builds import record_build_passed, record_build_started
from pipeline.settings import Settings
from pipeline.warehouse import open_warehouse

CONTRACTS = load_contracts()
DAILY = [contract for contract in CONTRACTS.values() if contract.is_daily]
FACILITIES = CONTRACTS["facilities"]
JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)
FIRST, LAST = date(2025, 1, 30), date(2025, 2, 3)
DATES = [FIRST + timedelta(days=number) for number in range(5)]


def drop(settings: Settings, contract: Contract, day: date) -> None:
    folder = settings.landing / contract.feed / day.isoformat()
    folder.mkdir(parents=True)
    for name in (contract.file_name(day), f"{contract.file_name(day)}.ctl"):
        (folder / name).touch()


def record(settings: Settings, contract: Contract, day: date) -> None:
    with open_warehouse(settings) as connection:
        create_ledger(connection)
        name = f"{contract.feed} {day}"
        entry = LedgerEntry(name, name, "x", 0, 0, 0, 0, None, None, None, None, None)
        record_load(connection, contract, day, [entry], None, None, "run")


def build(settings: Settings, first: date, last: date) -> None:
    with open_warehouse(settings) as connection:
        record_build_started(connection, "run")
        record_build_passed(connection, "run", [contract.feed for contract in DAILY], first, last)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home with five complete dates in landing, the last of them not loaded."""
    settings = Settings(tmp_path)
    for day in DATES:
        for contract in DAILY:
            drop(settings, contract, day)
            if day != LAST:
                record(settings, contract, day)
    build(settings, FIRST, LAST)
    return settings


def test_the_next_date_takes_its_own_month(settings):
    """Guards the cost of a day: nothing late, nothing but the date and its month."""
    assert plan_load(settings, None, None) == ((LAST, LAST), [FEBRUARY])


def test_a_first_date_alone_goes_to_the_last_complete_one(settings):
    """Guards --from without --to, which means up to the end and not that date alone."""
    assert plan_load(settings, date(2025, 1, 31), None)[0] == (date(2025, 1, 31), LAST)
    assert plan_load(settings, date(2025, 1, 31), date(2025, 2, 1))[0] == (date(2025, 1, 31), date(2025, 2, 1))


def test_a_monthly_file_that_came_late_is_loaded_with_the_next_date(settings):
    """Guards position files, which may come ten days after the month's end, when its dates are long loaded."""
    drop(settings, FACILITIES, date(2025, 1, 31))
    assert plan_load(settings, None, None) == ((LAST, LAST), [JANUARY, FEBRUARY])


def test_with_nothing_else_to_do_a_late_file_has_the_last_date_built_again(settings):
    """Guards a late file against waiting for the next date, and a run that was cut short before the build."""
    for contract in DAILY:
        record(settings, contract, LAST)
    build(settings, LAST, LAST)
    assert plan_load(settings, None, None) == (None, [])

    drop(settings, FACILITIES, date(2025, 1, 31))
    assert plan_load(settings, None, None) == ((LAST, LAST), [JANUARY, FEBRUARY])

    record(settings, FACILITIES, date(2025, 1, 31))
    assert plan_load(settings, None, None) == ((LAST, LAST), [FEBRUARY])

    build(settings, LAST, LAST)
    assert plan_load(settings, None, None) == (None, [])


def test_a_monthly_file_is_not_missed_before_its_time(tmp_path):
    """Guards the first days of a month: the month that ended may be loaded without position files not due yet."""
    settings = Settings(tmp_path)
    month_end = date(2025, 1, 31)
    assert dates_due(FACILITIES, settings, JANUARY, month_end) == [month_end]
    patient = FACILITIES.model_copy(update={"late_after_hours": 24 * 365 * 1000})
    assert dates_due(patient, settings, JANUARY, month_end) == []
    drop(settings, patient, month_end)
    assert dates_due(patient, settings, JANUARY, month_end) == [month_end]
