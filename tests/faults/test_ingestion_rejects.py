"""Guards that every bad record is counted, told with its line and kept with its raw text, and every good one loaded."""

import csv
import io
from collections.abc import Callable
from decimal import Decimal

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from source_system import DAY, HEADER, NEXT_DAY, SourceSystem, lines, payment, payments_contract

from pipeline.settings import Settings

REJECTS = "select line_number, column_name, reason, raw_text from ops.rejected_rows order by file_name, line_number"
AMOUNTS = "select control_amount, loaded_amount, rejected_amount from ops.extract_files where status = 'loaded'"


def test_each_reject_has_line_column_reason_and_raw_text(make_source: Callable[..., SourceSystem]) -> None:
    """Lines are those an editor shows: with header, blank lines and line ends within quotes."""
    source = make_source(("share: 0.5", "share: 0.7"))
    records = [
        payment(1),
        "",
        payment(2, payer_name='"Li\n\nWang"'),
        payment(3, "1e5", channel="fax"),
        "P4,2025-01-02",
        payment(5) + ",6,7",
        payment(6, payer_name='"a ""b"", c"', parts="0"),
        payment(7),
        "  ",
    ]
    source.drop(lines(*records), rows=8, amount="60.00")
    (result,) = source.load()
    assert (result.rows_read, result.rows_loaded, result.rows_rejected) == (8, 3, 5)
    assert source.query(REJECTS) == [
        (7, "amount", "amount is not a decimal(18,2): '1e5'; channel is none of web, branch: 'fax'", records[3]),
        (8, None, "has 2 fields", records[4]),
        (9, None, "has 10 fields", records[5]),
        (10, "parts", "parts is below 1: '0'", records[6]),
        (12, None, "has 1 fields", records[8]),
    ]
    assert source.query("select payment_id, payer_name from raw.payments order by 1") == [
        ("P1", "Li"),
        ("P2", "Li\n\nWang"),
        ("P7", "Li"),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_do_not_matter(source: SourceSystem, end: str) -> None:
    """CRLF counts as one line end and is no part of the raw text; a last line without end is a record."""
    source.drop(lines(payment(1), payment(2, "x"), payment(3), end=end).removesuffix(end), rows=3, amount="20.00")
    source.load()
    assert source.query(REJECTS) == [(3, "amount", "amount is not a decimal(18,2): 'x'", payment(2, "x"))]
    assert source.query("select count(*) from raw.payments where is_urgent") == [(2,)]


def test_mixed_line_ends_and_a_byte_order_mark_are_taken(source: SourceSystem) -> None:
    """Files that were put together from parts are read; a carriage return within a line is a reject."""
    text = "\ufeff" + lines(payment(1)) + payment(2) + "\r\n" + payment(3).replace("Li", "L\ri") + "\n" + payment(4)
    source.drop(text, rows=4, amount="40.00")
    source.load()
    assert source.query("select payment_id from raw.payments order by 1") == [("P1",), ("P2",), ("P4",)]
    assert source.query("select line_number, reason from ops.rejected_rows") == [
        (4, "has a carriage return within the line")
    ]


def test_a_day_may_consist_of_rejects(make_source: Callable[..., SourceSystem]) -> None:
    """Where the contract tolerates it: an empty day with its rejects, and nothing lost."""
    source = make_source(("share: 0.5", "share: 1"))
    source.drop(lines("x", payment(1, "y"), "z,z"), amount="5.00")
    source.load()
    assert source.query("from raw.payments") == []
    assert source.query("select line_number from ops.rejected_rows order by 1") == [(2,), (3,), (4,)]
    assert source.query(AMOUNTS) == [(Decimal("5.00"), Decimal("0.00"), Decimal("5.00"))]


def test_the_amount_that_cannot_be_read_is_what_the_sender_has_more(source: SourceSystem) -> None:
    """Control = loaded + rejected also where a reject's amount is unreadable: the hash proves the sender's bytes."""
    source.drop(lines(payment(1, "1.00"), payment(2, "2.00"), payment(3, "4.00x"), "cut"), amount="10.00")
    source.load()
    assert source.query(AMOUNTS) == [(Decimal("10.00"), Decimal("3.00"), Decimal("7.00"))]


def test_readable_amounts_of_rejects_are_added_up(source: SourceSystem) -> None:
    """Where all amounts can be read, they must agree with the sender's total, rejected ones included."""
    source.drop(lines(payment(1, "1.00"), payment(2, "2.50", channel="fax")), amount="3.50")
    source.load()
    assert source.query(AMOUNTS) == [(Decimal("3.50"), Decimal("1.00"), Decimal("2.50"))]


def test_without_a_sidecar_the_file_is_all_there_is(make_source: Callable[..., SourceSystem]) -> None:
    """An optional sidecar may be absent; the rejected amount is then that of the rejects that can be read."""
    source = make_source(("sidecar: required", "sidecar: optional"))
    source.drop(lines(payment(1, "1.00"), payment(2, "2.50", channel="fax"), payment(3, "x"), payment(4)), sidecar="")
    source.load()
    assert source.query(AMOUNTS) == [(None, Decimal("11.00"), Decimal("2.50"))]
    assert source.query("select control_rows, rows_read, extracted_at from ops.extract_files") == [(None, 4, None)]


def test_a_contract_without_sidecars_ignores_them(make_source: Callable[..., SourceSystem]) -> None:
    """`sidecar: none` means that nobody looks, not even at a wrong one."""
    source = make_source(("sidecar: required", "sidecar: none"))
    source.drop(lines(payment(1)), sidecar="nonsense")
    source.load()
    assert source.query("select control_rows, control_amount from ops.extract_files") == [(None, None)]


def test_wrong_dates_are_rejected_where_the_contract_says_so(make_source: Callable[..., SourceSystem]) -> None:
    """`on_wrong_date: reject` puts the row among the rejects; its amount counts as rejected."""
    source = make_source(("on_wrong_date: fail", "on_wrong_date: reject"))
    source.drop(lines(payment(1), payment(2, "5.00", day=NEXT_DAY)), amount="15.00")
    source.load()
    assert source.query(REJECTS)[0][1:3] == (
        "payment_date",
        "payment_date is not 2025-01-02, the date of the file: '2025-01-03'",
    )
    assert source.query(AMOUNTS) == [(Decimal("15.00"), Decimal("10.00"), Decimal("5.00"))]


def test_an_unreadable_date_is_a_reject_and_no_wrong_date(source: SourceSystem) -> None:
    """`on_wrong_date: fail` is about dates; a cell that is none is a bad cell like any other."""
    source.drop(lines(payment(1), payment(2, payment_date="soon")), amount="20.00")
    source.load()
    assert source.query("select column_name from ops.rejected_rows") == [("payment_date",)]


def test_duplicates_are_rejected_where_the_contract_says_so(make_source: Callable[..., SourceSystem]) -> None:
    """The first valid record of a key stays, in the order of files and lines; a bad one does not take its key away."""
    source = make_source(("on_duplicate_key: fail", "on_duplicate_key: reject"))
    source.drop(
        lines(payment(1, "x"), payment(1, "1.00"), payment(2, "2.00")), amount="3.00", name="payments_20250102_a.csv"
    )
    source.drop(
        lines(payment(1, "4.00"), payment(3, "8.00"), payment(3, "16.00")),
        amount="28.00",
        name="payments_20250102_b.csv",
    )
    source.load()
    assert source.query("select payment_id, amount::integer from raw.payments order by 1") == [
        ("P1", 1),
        ("P2", 2),
        ("P3", 8),
    ]
    assert source.query("select file_name, line_number, reason from ops.rejected_rows order by 1, 2") == [
        ("payments_20250102_a.csv", 2, "amount is not a decimal(18,2): 'x'"),
        ("payments_20250102_b.csv", 2, "payment_id P1 repeats the key of payments_20250102_a.csv line 3"),
        ("payments_20250102_b.csv", 4, "payment_id P3 repeats the key of payments_20250102_b.csv line 3"),
    ]
    assert source.query(f"{AMOUNTS} order by file_name") == [
        (Decimal("3.00"), Decimal("3.00"), Decimal("0.00")),
        (Decimal("28.00"), Decimal("8.00"), Decimal("20.00")),
    ]


@pytest.mark.parametrize(
    "written",
    [
        (("encoding: UTF-8", "encoding: GB18030"),),
        (("compression: none", "compression: gzip"), ("*.csv", "*.csv.gz")),
        (
            ("compression: none", "compression: zstd"),
            ("*.csv", "*.csv.zst"),
            ("encoding: UTF-8", "encoding: GB18030"),
        ),
    ],
    ids=["GB18030", "gzip", "zstd and GB18030"],
)
def test_encodings_and_compressions_are_read_with_rejects(
    make_source: Callable[..., SourceSystem], written: tuple[tuple[str, str], ...]
) -> None:
    """Chinese texts arrive as they are, in good rows and in the raw text of bad ones."""
    source = make_source(*written)
    good, bad = payment(1, payer_name="李四㐀𠮷"), payment(2, "x", payer_name="王五")
    source.drop(lines(good, bad), amount="10.00")
    source.load()
    assert source.query("select payer_name from raw.payments") == [("李四㐀𠮷",)]
    assert source.query("select line_number, raw_text from ops.rejected_rows") == [(3, bad)]


def test_a_delimiter_that_is_a_byte_of_chinese_characters_is_safe(make_source: Callable[..., SourceSystem]) -> None:
    """In GB18030 the byte of '|' is the second byte of many characters, so fields are cut in the decoded text."""
    source = make_source(("encoding: UTF-8", "encoding: GB18030"), ("delimiter: ','", "delimiter: '|'"))
    name = next(chr(code) for code in range(0x4E00, 0x9FA5) if b"|" in chr(code).encode("gb18030"))
    source.drop(lines(payment(1, payer_name=name), payment(2, "x")).replace(",", "|"), amount="10.00")
    source.load()
    assert source.query("select payer_name from raw.payments") == [(name,)]


def test_files_without_header_are_read(make_source: Callable[..., SourceSystem]) -> None:
    """`header: false`: the first line is a record, in the good and in the bad case; an empty file is an empty day."""
    source = make_source(("header: true", "header: false"))
    source.drop(lines(payment(1), payment(2, "x")).removeprefix(HEADER + "\n"), rows=2, amount="10.00")
    source.drop("", rows=0, day=NEXT_DAY)
    assert [result.rows_loaded for result in source.load(DAY, NEXT_DAY)] == [1, 0]
    assert source.query("select line_number from ops.rejected_rows") == [(2,)]


CELLS = st.text("ab,\"'| \n李", max_size=6).map(lambda text: text.strip(" "))
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "payer_name": CELLS,
            "amount": st.integers(0, 10**7).map(lambda cents: f"{cents // 100}.{cents % 100:02}"),
            "damage": st.sampled_from(["", "", "", "", "amount", "channel", "payment_id", "parts", "fewer", "more"]),
        }
    ),
    max_size=25,
)
DAMAGE = {"amount": "1.234", "channel": "fax", "payment_id": "", "parts": "0"}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), line_end=st.sampled_from(["\n", "\r\n"]))
def test_every_planted_fault_is_found_at_its_line_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], quoting: int, line_end: str
) -> None:
    """Random tables, random damage: read = loaded + rejected, each reject at its line, each good value unchanged."""
    home = tmp_path_factory.mktemp("home")
    contract = payments_contract(home, ("share: 0.5", "share: 1"), ("sidecar: required", "sidecar: optional"))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator=line_end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(HEADER.split(","))
    planted: dict[int, str] = {}
    good: dict[str, tuple[str | None, Decimal]] = {}
    for number, row in enumerate(rows):
        cells = dict(zip(HEADER.split(","), payment(number, row["amount"]).split(","), strict=True))
        cells["payer_name"] = row["payer_name"]
        if row["damage"] in DAMAGE:
            cells[row["damage"]] = DAMAGE[row["damage"]]
        written = list(cells.values())
        if row["damage"] == "fewer":
            written.pop()
        elif row["damage"] == "more":
            written.append("more")
        line = buffer.getvalue().count("\n") + 1
        writer.writerow(written)
        if row["damage"]:
            planted[line] = row["damage"]
        else:
            good[cells["payment_id"]] = (row["payer_name"] or None, Decimal(row["amount"]))
    with duckdb.connect(home / "warehouse.duckdb") as connection:
        source = SourceSystem(Settings(home), contract, connection)
        source.drop(buffer.getvalue().encode(), sidecar="")
        (result,) = source.load()
        assert result.rows_read == len(rows) == result.rows_loaded + result.rows_rejected
        found = {line: column or "fields" for line, column, *_ in source.query(REJECTS)}
        assert found == {line: "fields" if kind in ("fewer", "more") else kind for line, kind in planted.items()}
        loaded = source.query("select payment_id, payer_name, amount from raw.payments")
        assert {key: (name, amount) for key, name, amount in loaded} == good


def test_a_quote_within_a_text_is_a_plain_character(source: SourceSystem) -> None:
    """Not every system quotes by the book; a lone quote must not swallow the records behind it, also beside rejects."""
    records = [payment(1, payer_name='O"Neil'), payment(2, "x", payer_name='5" pipe'), payment(3)]
    source.drop(lines(*records), amount="20.00")
    source.load()
    assert source.query("select payer_name from raw.payments order by payment_id") == [('O"Neil',), ("Li",)]
    assert source.query("select line_number, raw_text from ops.rejected_rows") == [(3, records[1])]
