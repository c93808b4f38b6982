"""Guards what happens when the same, changed, more or no files are there, and when the process is killed midway."""

import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from source_system import DAY, NEXT_DAY, SourceSystem, lines, payment

from pipeline.errors import InputError
from pipeline.extracts.arrivals import complete_dates
from pipeline.extracts.ledger import loaded_dates

LEDGER = "select status, rows_read, rows_loaded, rows_rejected, superseded_at is null from ops.extract_files"


def outcome(source: SourceSystem, *days: date) -> list[str]:
    return [result.outcome for result in source.load(*days)]


def test_the_ledger_tells_all_of_a_file(source: SourceSystem) -> None:
    """Every figure of a file version is kept: rows, amounts, control figures, hash, times, run."""
    path = source.drop(lines(payment(1, "1.50"), payment(2, "2.25", channel="fax"), payment(3)), amount="13.75")
    source.load(run_id="run 1")
    ((entry,),) = source.query(
        "select (feed, business_date, file_name, file_bytes, status, rows_read, rows_loaded, rows_rejected,"
        " control_rows, control_amount::varchar, loaded_amount::varchar, rejected_amount::varchar, contract_version,"
        " extracted_at::varchar, run_id) from ops.extract_files"
    )
    assert entry == (
        *("payments", DAY, path.name, path.stat().st_size, "loaded", 3, 2, 1, 3),
        *("13.75", "11.50", "2.25", 1, "2025-01-03 01:00:00", "run 1"),
    )
    assert source.query(
        "select source_file_id = md5(concat_ws('|', feed, business_date, file_name, file_sha256)),"
        " loaded_at <= (now() at time zone 'UTC') and loaded_at > (now() at time zone 'UTC') - interval 1 hour"
        " from ops.extract_files"
    ) == [(True, True)]


def test_the_view_shows_typed_columns_with_their_origin(source: SourceSystem) -> None:
    """Schema raw has the contract's columns and types, the file's identity, and the date of the path."""
    source.drop(lines(payment(1)), amount="10.00")
    source.load()
    assert [row[:2] for row in source.query("describe raw.payments")] == [
        ("payment_id", "VARCHAR"),
        ("payment_date", "DATE"),
        ("payer_name", "VARCHAR"),
        ("amount", "DECIMAL(18,2)"),
        ("channel", "VARCHAR"),
        ("paid_at", "TIMESTAMP"),
        ("parts", "BIGINT"),
        ("is_urgent", "BOOLEAN"),
        ("source_file_id", "VARCHAR"),
        ("business_date", "DATE"),
    ]
    assert source.query(
        "select business_date, source_file_id = (select source_file_id from ops.extract_files) from raw.payments"
    ) == [(DAY, True)]


def test_a_feed_without_files_has_a_typed_empty_view(source: SourceSystem) -> None:
    """Models can be built before the first file of a feed has come."""
    with pytest.raises(InputError, match="there is no file"):
        source.load()
    empty = source.query("describe raw.payments")
    assert source.query("from raw.payments") == []
    source.drop(lines(payment(1)), amount="10.00")
    source.load()
    assert source.query("describe raw.payments") == empty
    assert source.query("select count(*) from raw.payments") == [(1,)]


def test_a_file_with_only_a_header_is_a_day_on_which_nothing_happened(source: SourceSystem) -> None:
    """Such a day is loaded, with zero rows and a zero amount, and not asked for again."""
    source.drop(lines())
    assert outcome(source) == ["loaded"]
    assert source.query("select rows_read, loaded_amount, control_amount from ops.extract_files") == [(0, 0, 0)]
    assert source.query("from raw.payments") == []
    assert outcome(source) == ["unchanged"]


def test_the_same_files_again_do_nothing(source: SourceSystem) -> None:
    """Nothing is written where nothing is new; not even a sidecar that was dropped anew matters."""
    path = source.drop(lines(payment(1)), amount="10.00")
    source.load(run_id="first")
    before = source.picture()
    path.with_name(path.name + ".ctl").unlink()
    assert outcome(source) == ["unchanged"]
    assert source.picture() == before


def test_a_date_that_is_asked_for_twice_is_loaded_once(source: SourceSystem) -> None:
    """Windows may overlap."""
    source.drop(lines(payment(1)), amount="10.00")
    assert outcome(source, DAY, DAY) == ["loaded"]


def test_changed_files_restate_the_day_and_the_old_version_stays_in_the_ledger(source: SourceSystem) -> None:
    """A, then B, then A again: each time the day is what was dropped last, and rejects belong to their version."""
    first = lines(payment(1), payment(2, "x"))
    second = lines(payment(1, "11.00"), payment(3, "22.00"))
    source.drop(first, amount="10.00")
    assert outcome(source) == ["loaded"]
    source.drop(second, amount="33.00")
    assert outcome(source) == ["restated"]
    assert source.query("select payment_id, amount::varchar from raw.payments order by 1") == [
        ("P1", "11.00"),
        ("P3", "22.00"),
    ]
    assert source.query(f"{LEDGER} order by status") == [("loaded", 2, 2, 0, True), ("superseded", 2, 1, 1, False)]
    assert source.query("select count(*) from ops.rejected_rows") == [(1,)]

    source.drop(first, amount="10.00")
    assert outcome(source) == ["restated"]
    assert outcome(source) == ["unchanged"]
    assert source.query("select payment_id, amount::varchar from raw.payments") == [("P1", "10.00")]
    assert source.query(f"{LEDGER} order by status") == [("loaded", 2, 1, 1, True), ("superseded", 2, 2, 0, False)]
    assert source.query("select count(*), count(distinct source_file_id) from ops.rejected_rows") == [(1, 1)]


def test_a_restated_day_leaves_other_days_alone(source: SourceSystem) -> None:
    """Only the Parquet file of the day changes."""
    source.drop(lines(payment(1)), amount="10.00")
    source.drop(lines(payment(2, day=NEXT_DAY)), amount="10.00", day=NEXT_DAY)
    source.load(DAY, NEXT_DAY)
    before = source.picture()["files"]
    source.drop(lines(payment(5)), amount="10.00")
    assert outcome(source, DAY, NEXT_DAY) == ["restated", "unchanged"]
    after = source.picture()["files"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert {name for name in after if after[name] != before[name]} == {"payments/business_date=2025-01-02/data.parquet"}


def test_several_files_are_one_day(source: SourceSystem) -> None:
    """Rows keep the file they came from; one changed file restates the union; keys are checked over all of them."""
    source.drop(lines(payment(1)), amount="10.00", name="payments_20250102_north.csv")
    source.drop(lines(payment(2), payment(3, "x")), amount="10.00", name="payments_20250102_south.csv")
    assert outcome(source) == ["loaded"]
    by_file = (
        "select file_name, payment_id from raw.payments join ops.extract_files using (source_file_id)"
        " where status = 'loaded' order by 1, 2"
    )
    assert source.query(by_file) == [("payments_20250102_north.csv", "P1"), ("payments_20250102_south.csv", "P2")]
    source.drop(lines(payment(4)), amount="10.00", name="payments_20250102_south.csv")
    assert outcome(source) == ["restated"]
    assert source.query(by_file) == [("payments_20250102_north.csv", "P1"), ("payments_20250102_south.csv", "P4")]
    assert source.query("select status, count(*) from ops.extract_files group by all order by 1") == [
        ("loaded", 2),
        ("superseded", 1),
    ]
    source.drop(lines(payment(1)), amount="10.00", name="payments_20250102_west.csv")
    with pytest.raises(InputError, match=r"west.csv line 2: payment_id P1 repeats the key of payments_20250102_north"):
        source.load()


def test_a_file_may_come_late_to_a_day(source: SourceSystem) -> None:
    """An additional file restates the day with the union."""
    source.drop(lines(payment(1)), amount="10.00", name="payments_20250102_a.csv")
    source.load()
    source.drop(lines(payment(2)), amount="10.00", name="payments_20250102_b.csv")
    assert outcome(source) == ["restated"]
    assert source.query("select count(*) from raw.payments") == [(2,)]


def test_a_purged_landing_zone_changes_nothing(source: SourceSystem) -> None:
    """Banks keep landing files for a while only; what is loaded stays."""
    path = source.drop(lines(payment(1)), amount="10.00")
    source.load()
    before = source.picture()
    path.unlink()
    path.with_name(path.name + ".ctl").unlink()
    assert outcome(source) == ["unchanged"]
    assert source.picture() == before


def test_a_half_purged_day_is_refused(source: SourceSystem) -> None:
    """Loading what is left would silently drop the rows of the files that are gone."""
    source.drop(lines(payment(1)), amount="10.00", name="payments_20250102_a.csv")
    gone = source.drop(lines(payment(2)), amount="10.00", name="payments_20250102_b.csv")
    source.load()
    before = source.picture()
    gone.unlink()
    gone.with_name(gone.name + ".ctl").unlink()
    with pytest.raises(InputError, match="have vanished since they were loaded") as refused:
        source.load()
    assert refused.value.expected == "also payments_20250102_b.csv"
    assert source.picture() == before


def test_a_new_version_of_the_contract_loads_the_day_again(make_source: Callable[..., SourceSystem]) -> None:
    """The same bytes mean other rows under another contract; days whose files are purged show new columns as null."""
    old = make_source()
    gone = old.drop(lines(payment(2, day=NEXT_DAY)), amount="10.00", day=NEXT_DAY)
    old.drop(lines(payment(1)), amount="10.00")
    old.load(DAY, NEXT_DAY)
    gone.unlink()
    gone.with_name(gone.name + ".ctl").unlink()
    new = make_source(
        ("version: 1", "version: 2"),
        (
            "columns:\n",
            "columns:\n  - {name: note, type: string, nullable: true, personal_data: none,"
            " description: {en: 'Note', zh: '备注'}}\n",
        ),
    )
    with_note = lines(payment(1)).replace("payment_id", "note,payment_id").replace("P1", "hi,P1")
    new.drop(with_note, amount="10.00")
    assert outcome(new, DAY, NEXT_DAY) == ["restated", "unchanged"]
    assert new.query("select note, payment_id from raw.payments order by 2") == [("hi", "P1"), (None, "P2")]
    assert new.query("select contract_version from ops.extract_files where status = 'loaded' order by 1") == [
        (1,),
        (2,),
    ]


def test_a_lost_parquet_file_is_made_again_or_told(source: SourceSystem) -> None:
    """The raw zone is checked against the ledger, so a lost day is not taken for an unchanged one."""
    path = source.drop(lines(payment(1)), amount="10.00")
    source.load()
    parquet = source.settings.raw / "payments" / "business_date=2025-01-02" / "data.parquet"
    parquet.unlink()
    assert outcome(source) == ["restated"]
    assert source.query("select count(*) from raw.payments") == [(1,)]
    parquet.unlink()
    path.unlink()
    path.with_name(path.name + ".ctl").unlink()
    with pytest.raises(InputError, match="the raw zone does not hold what the ledger says"):
        source.load()


def test_dates_are_arrived_and_loaded(source: SourceSystem) -> None:
    """Only dates with a matching file and its sidecar count, within the window, in order."""
    days = [DAY + timedelta(days=number) for number in range(4)]
    for day in reversed(days):
        source.drop(lines(), day=day)
    source.drop(lines(), day=date(2025, 2, 1), name="other.csv")
    source.drop(lines(), day=date(2025, 2, 2), sidecar="")
    (source.settings.landing / "payments" / "tmp").mkdir()
    assert complete_dates([source.contract], source.settings, days[1], date(2025, 12, 31)) == days[1:]
    assert complete_dates([source.contract], source.settings, date(2024, 1, 1), days[0]) == days[:1]
    source.load(*days[:2])
    assert loaded_dates(source.connection, [source.contract]) == set(days[:2])


LOAD_AND_DIE = """
import os, sys
from datetime import date
from pathlib import Path
import duckdb
from pipeline.extracts.contracts import load_contract
from pipeline.extracts.ingest import ingest_feed
from pipeline.settings import Settings

home, contract, last_function = sys.argv[1:]

def die_after(frame, event, argument):
    if event == "return" and frame.f_code.co_name == last_function and "extracts" in frame.f_code.co_filename:
        os._exit(86)

settings = Settings(Path(home))
connection = duckdb.connect(settings.warehouse)
loaded_contract = load_contract(Path(contract))
sys.setprofile(die_after)
ingest_feed(connection, loaded_contract, [date(2025, 1, 2)], settings, "killed")
"""


@pytest.mark.parametrize(
    "last_function",
    [
        "checked_sidecar",
        "write_plain_text",
        "write_parquet",
        "read_day",
        "_flush",
        "replace_day",
        "_row",
        "record_load",
    ],
)
def test_killed_anywhere_the_next_run_ends_right(
    make_source: Callable[..., SourceSystem], tmp_path: Path, last_function: str
) -> None:
    """A restatement is killed right after one of its steps; whatever is dropped then, the next run makes it the day."""
    source = make_source()
    first, second = lines(payment(1), payment(2, "x")), lines(payment(1, "11.00"), payment(3, "x"))
    source.drop(first, amount="10.00")
    source.load()
    expected_rows = source.query("from raw.payments")
    source.drop(second, amount="11.00")
    source.connection.close()
    script = [sys.executable, "-c", LOAD_AND_DIE, str(source.settings.home), str(tmp_path / "payments.yaml")]
    assert subprocess.run([*script, last_function], check=False).returncode == 86

    # the source system takes its correction back: now the ledger may be right by chance and the raw zone wrong
    source = make_source()
    source.drop(first, amount="10.00")
    assert outcome(source)[0] in ("unchanged", "restated")
    assert source.query("from raw.payments") == expected_rows
    assert source.query(f"{LEDGER} where status = 'loaded'") == [("loaded", 2, 1, 1, True)]
    source.drop(second, amount="11.00")
    assert outcome(source) == ["restated"]
    assert source.query("select payment_id, amount::varchar from raw.payments") == [("P1", "11.00")]
    assert source.query(f"{LEDGER} order by status") == [("loaded", 2, 1, 1, True), ("superseded", 2, 1, 1, False)]
    assert not (source.settings.raw / ".scratch").exists()
    assert [path.name for path in source.settings.raw.rglob("*") if path.is_file()] == ["data.parquet"]
