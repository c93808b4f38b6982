"""What the fault tests share: a scratch home with a source system that drops what it is told to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from source_system import SourceSystem, payments_contract

from pipeline.settings import Settings

MakeSource = Callable[..., SourceSystem]


@pytest.fixture
def make_source(tmp_path: Path) -> Iterator[MakeSource]:
    """Make a source system whose contract has some text replaced."""
    connections = []

    def make(*replacements: tuple[str, str]) -> SourceSystem:
        settings = Settings(tmp_path / "home")
        settings.home.mkdir(exist_ok=True)
        connections.append(duckdb.connect(settings.warehouse))
        return SourceSystem(settings, payments_contract(tmp_path, *replacements), connections[-1])

    yield make
    for connection in connections:
        connection.close()


@pytest.fixture
def source(make_source: MakeSource) -> SourceSystem:
    """Make a source system with the plain contract: sidecars required, half of the records may be bad."""
    return make_source()
