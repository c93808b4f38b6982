"""What all tests share: options, real data, and a small simulated bank that went through the whole pipeline."""

import os
from pathlib import Path

import pytest
from content import content_hashes
from landing_files import remove_dates_after
from small_bank import (
    BANK_CUSTOMERS,
    BANK_DIRTY_SHARE,
    BANK_MONTHS,
    BANK_SEED,
    FIRST_DATE,
    LAST_DATE,
    NEXT_LAST_DATE,
    LoadedBank,
    copy_home,
    load_all,
    load_days,
    made_once,
)

from pipeline.settings import HOME_VARIABLE, PROJECT_ROOT, Settings

SHARED_DATA = PROJECT_ROOT.parent / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshot", action="store_true", help="accept the graph of definitions as it is now")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None):
        # before the workers start, which would all parse the dbt project into the same file
        from pipeline.resources import build_dbt_project

        build_dbt_project()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data sets, which are not part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data is not here: {SHARED_DATA} does not exist")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the warehouse of the shell that started it, or of the test before it."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    # set first, so that what a test sets is undone
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.delenv("DAGSTER_HOME")


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one folder for all worker processes of this session."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def dropped_home(session_folder: Path) -> Path:
    """A home with nothing but the landing files of the small bank, and what was planted in them."""
    from pipeline.simulator.bank import simulate

    def drop(home: Path) -> None:
        simulate(BANK_CUSTOMERS, BANK_MONTHS, BANK_SEED, home, FIRST_DATE, BANK_DIRTY_SHARE)

    return made_once(session_folder / "dropped", drop)


@pytest.fixture(scope="session")
def loaded_bank(session_folder: Path, dropped_home: Path) -> LoadedBank:
    """The small bank, loaded in one run from the first to the last date. No test changes it."""

    def load(home: Path) -> None:
        load_days(Settings(copy_home(dropped_home, home)), FIRST_DATE, LAST_DATE)

    settings = Settings(made_once(session_folder / "loaded", load))
    return LoadedBank(settings, LAST_DATE, content_hashes(settings))


@pytest.fixture(scope="session")
def next_dates_bank(session_folder: Path, loaded_bank: LoadedBank) -> LoadedBank:
    """The small bank after a second, undisturbed run over the next dates. No test changes it."""

    def load(home: Path) -> None:
        settings = Settings(copy_home(loaded_bank.settings.home, home))
        remove_dates_after(settings, NEXT_LAST_DATE)
        load_all(settings)

    settings = Settings(made_once(session_folder / "next_dates", load))
    return LoadedBank(settings, NEXT_LAST_DATE, content_hashes(settings))


@pytest.fixture
def copy_of_bank(loaded_bank: LoadedBank, tmp_path: Path) -> Settings:
    """A loaded bank of the test's own."""
    return Settings(copy_home(loaded_bank.settings.home, tmp_path / "home"))


@pytest.fixture
def fresh_home(dropped_home: Path, tmp_path: Path) -> Settings:
    """The landing files of the small bank in a home where nothing is loaded yet."""
    return Settings(copy_home(dropped_home, tmp_path / "home"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests measured (`record_property`), so that the log of a continuous integration shows it."""
    measured = [
        (report.nodeid, figure)
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for figure in report.user_properties
    ]
    if measured:
        terminalreporter.section("measured")
    for _, (name, value) in measured:
        terminalreporter.line(f"{name}: {value}")
