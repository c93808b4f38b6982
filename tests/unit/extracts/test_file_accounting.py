"""The counting again after ingestion: what was told, read, kept and rejected must agree, and it must be seen if not."""

from pathlib import Path

import duckdb
import pytest
from source_system import DAY, HEADER, NEXT_DAY, SourceSystem, payment, payments_contract

from pipeline.extracts.accounting import unaccounted_files
from pipeline.extracts.raw_zone import day_file
from pipeline.settings import Settings


@pytest.fixture
def source(tmp_path: Path):
    settings = Settings(tmp_path / "home")
    settings.home.mkdir()
    with duckdb.connect(settings.warehouse) as connection:
        source = SourceSystem(settings, payments_contract(tmp_path), connection)
        source.drop("\n".join([HEADER, payment(1), payment(2, channel="pigeon"), payment(3), ""]), amount="30.00")
        source.load()
        yield source


def unaccounted(source: SourceSystem) -> list[str]:
    return unaccounted_files(source.connection, source.contract, [DAY, NEXT_DAY], source.settings)


def test_a_day_with_a_rejected_row_is_accounted_for(source):
    """Guards against false alarms: two rows kept and one rejected are the three that were told."""
    assert unaccounted(source) == []


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("delete from ops.rejected_rows", "3 told, 3 read, 2 in the raw zone, 0 rejected"),
        ("insert into ops.rejected_rows from ops.rejected_rows", "3 told, 3 read, 2 in the raw zone, 2 rejected"),
        ("update ops.extract_files set control_rows = 4", "4 told, 3 read, 2 in the raw zone, 1 rejected"),
        (
            "delete from ops.rejected_rows;"
            " update ops.extract_files set rows_loaded = 3, rows_rejected = 0, control_rows = null",
            "no sidecar, 3 read, 2 in the raw zone, 0 rejected",
        ),
    ],
)
def test_a_record_that_cannot_be_found_again_is_told(source, damage, found):
    """Guards the check itself: it counts, and does not subtract one figure of the ledger from another."""
    source.connection.execute(damage)
    (told,) = unaccounted(source)
    assert told.endswith(found)


@pytest.mark.parametrize("rows", ["limit 1", "union all from damaged"])
def test_raw_rows_lost_or_doubled_are_told(source, rows):
    """Guards the raw zone: a Parquet file with fewer or more rows than the ledger says."""
    path = day_file(source.contract, DAY, source.settings)
    source.connection.execute(f"create temp table damaged as from read_parquet('{path}', hive_partitioning = false)")
    source.connection.execute(f"copy (from damaged {rows}) to '{path}' (format parquet)")
    (told,) = unaccounted(source)
    assert "3 told, 3 read" in told


def test_a_file_without_rows_and_rows_without_a_file_are_told(source):
    """Guards both sides: a date that the raw zone lost, and rows that the ledger knows nothing of."""
    path = day_file(source.contract, DAY, source.settings)
    kept = path.rename(path.with_suffix(".kept"))
    assert unaccounted(source) == [f"{source.contract.file_name(DAY)}: 3 told, 3 read, 0 in the raw zone, 1 rejected"]
    kept.rename(path)
    source.connection.execute("delete from ops.extract_files")
    (told,) = unaccounted(source)
    assert told.endswith("no sidecar, 0 read, 2 in the raw zone, 1 rejected")
