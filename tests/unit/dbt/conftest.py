"""What the tests of the dbt project share."""

from collections.abc import Callable

import pytest
from hand_made_warehouse import HandMadeWarehouse


@pytest.fixture
def new_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], HandMadeWarehouse]:
    """Make empty warehouses."""
    return lambda: HandMadeWarehouse(tmp_path_factory.mktemp("warehouse"))
