"""What all tests share: options, real data, and a small simulated bank that went through the whole pipeline."""

import os
from pathlib import Path

import pytest

from pipeline.settings import HOME_VARIABLE, PROJECT_ROOT, Settings

SHARED_DATA = PROJECT_ROOT.parent / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshot", action="store_true", help="accept the graph of definitions as it is now")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data sets, which are not part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data is not here: {SHARED_DATA} does not exist")
    return SHARED_DATA


def load_all(settings: Settings) -> None:
    """Run the pipeline over everything in landing, as the command line does."""
    from pipeline.load import load_dates

    os.environ[HOME_VARIABLE] = str(settings.home)
    load_dates(settings, None, None, echo=print)
