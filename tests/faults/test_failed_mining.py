"""A step of mining that fails while it writes: earlier results stay whole, and readers keep the last snapshot."""

import duckdb
import pytest
from content import content_hashes, differing
from small_bank import LoadedBank, refresh_mining, run_mining_steps

from pipeline.errors import InputError
from pipeline.serving.reading import current_snapshot
from pipeline.settings import Settings

# The step writes this table last, so all others have been replaced by then.
LAST_WRITTEN = "segment_outcomes"


@pytest.fixture
def bank(copy_of_bank: Settings) -> Settings:
    """A bank whose next segments would be empty, and cannot be written: a view stands where a table goes."""
    with duckdb.connect(copy_of_bank.warehouse) as connection:
        connection.execute("update policy.policy_segments set least_customers = 100000")
        connection.execute(f"alter table mining.{LAST_WRITTEN} rename to kept")
        connection.execute(f"create view mining.{LAST_WRITTEN} as from mining.kept")
    return copy_of_bank


def builds(settings: Settings) -> list[tuple]:
    with duckdb.connect(settings.warehouse, read_only=True) as connection:
        return connection.execute("from ops.warehouse_builds where build = 'segments'").fetchall()


def test_a_step_that_fails_half_way_has_written_nothing(bank: Settings, loaded_bank: LoadedBank):
    """Guards one transaction per step: no table of it is replaced unless all are, and it is not recorded as done."""
    before, recorded = content_hashes(bank), builds(bank)
    assert before["mining.customer_segments"] == loaded_bank.hashes["mining.customer_segments"]

    (failure,) = run_mining_steps(bank, "segments")

    assert LAST_WRITTEN in failure
    assert differing(content_hashes(bank), before) == {}
    assert builds(bank) == recorded


def test_nothing_is_published_beside_a_failed_step_and_the_next_run_ends_well(bank: Settings):
    """Guards readers against new rules beside old segments; with the cause removed there is nothing to clean up."""
    snapshot = current_snapshot(bank, "analysts")
    with pytest.raises(InputError, match="step segments"):
        refresh_mining(bank)
    assert current_snapshot(bank, "analysts") == snapshot

    with duckdb.connect(bank.warehouse) as connection:
        connection.execute(f"drop view mining.{LAST_WRITTEN}")
        connection.execute("drop table mining.kept")
    refresh_mining(bank)

    assert current_snapshot(bank, "analysts") != snapshot
    with duckdb.connect(bank.warehouse, read_only=True) as connection:
        assert connection.execute(f"select outcome from mining.{LAST_WRITTEN}").fetchall() == [("insufficient_data",)]
        assert connection.execute("select count(*) from mining.customer_segments").fetchall() == [(0,)]
