"""Simulated banks that many tests look at."""

from collections.abc import Iterator

import pytest
from dropped_bank import DroppedBank, drop_and_read


@pytest.fixture(scope="session")
def small_bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DroppedBank]:
    """Three hundred customers over a quarter: for everything that must hold row by row."""
    bank = drop_and_read(tmp_path_factory.mktemp("small"), 300, 3, seed=11)
    yield bank
    bank.database.close()


@pytest.fixture(scope="session")
def larger_bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DroppedBank]:
    """Four thousand customers over five months: for what is planted and shows only in many."""
    bank = drop_and_read(tmp_path_factory.mktemp("larger"), 4_000, 5, seed=12)
    yield bank
    bank.database.close()
