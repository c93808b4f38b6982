"""What all tests share: options, real data, and a small simulated bank that went through the whole pipeline."""

import fcntl
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from pipeline.settings import HOME_VARIABLE, PROJECT_ROOT, Settings

SHARED_DATA = PROJECT_ROOT.parent / "shared" / "data"

# 600 customers over a quarter: the smallest bank whose daily files are long enough to have damaged rows tolerated.
BANK_CUSTOMERS = 600
BANK_MONTHS = 3
BANK_SEED = 7
BANK_DIRTY_SHARE = 0.008
# It is loaded to a date that leaves a month unfinished; the files of all later dates lie in landing.
FIRST_DATE = date(2025, 1, 1)
LAST_DATE = date(2025, 2, 26)
# To where a next run loads: past the end of a month, which starts mining, to the first date of another.
NEXT_LAST_DATE = date(2025, 3, 1)


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


def load_all(settings: Settings) -> None:
    """Run the pipeline over everything in landing, as the command line does."""
    from pipeline.load import load_dates

    load_dates(settings, None, None, echo=print)


def load_days(settings: Settings, first: date, last: date | None = None) -> None:
    """Run the pipeline over some dates, whether or not they are loaded."""
    from pipeline.load import load_dates

    load_dates(settings, first, last or first, echo=print)


@dataclass(frozen=True)
class LoadedBank:
    """A simulated bank that was loaded once to a last date; tests that change anything take a copy."""

    settings: Settings
    last: date
    hashes: dict[str, str]


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
    from content import content_hashes

    def load(home: Path) -> None:
        load_days(Settings(copy_home(dropped_home, home)), FIRST_DATE, LAST_DATE)

    settings = Settings(made_once(session_folder / "loaded", load))
    return LoadedBank(settings, LAST_DATE, content_hashes(settings))


@pytest.fixture(scope="session")
def next_dates_bank(session_folder: Path, loaded_bank: LoadedBank) -> LoadedBank:
    """The small bank after a second, undisturbed run over the next dates. No test changes it."""
    from content import content_hashes
    from landing_files import remove_dates_after

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


def copy_home(source: Path, target: Path) -> Path:
    """Copy a home; the landing files are shared, so a test that changes one replaces it by another file."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("landing"), dirs_exist_ok=True)
    shutil.copytree(source / "landing", target / "landing", copy_function=os.link)
    return target


def made_once(target: Path, make: Callable[[Path], None]) -> Path:
    """Make a folder, or wait until another worker process has made it."""
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = target.with_name(f"{target.name}.done")
        if not done.exists():
            make(target)
            done.touch()
    return target
