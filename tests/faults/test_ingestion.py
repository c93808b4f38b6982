"""Guards that bad files are refused with a message that helps, and that nothing at all has changed then.

Every case is tried twice: on a date that is not loaded yet, and as a restatement of one that is. The tempting clean-up
is to write the rows first and compare with the sidecar after; these tests are there to forbid it.
"""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import zstandard
from source_system import DAY, HEADER, NEXT_DAY, SourceSystem, lines, payment

from pipeline.errors import InputError

Drop = Callable[[SourceSystem], Path]
MANY = lines(*(payment(number) for number in range(1, 5001)))


@dataclass(frozen=True)
class Case:
    """A bad drop, and what the message must say."""

    drop: Drop
    what: str
    expected: str
    found: str
    where: str
    action: str = "again"
    contract: tuple[tuple[str, str], ...] = ()


GZIP = (("compression: none", "compression: gzip"), ("*.csv", "*.csv.gz"))
ZSTD = (("compression: none", "compression: zstd"), ("*.csv", "*.csv.zst"))
CHINESE = (("encoding: UTF-8", "encoding: GB18030"),)
OPTIONAL = (("sidecar: required", "sidecar: optional"),)
STRICT = (("share: 0.5", "share: 0.25"),)


def cut_gzip(source: SourceSystem) -> Path:
    return source.drop(gzip.compress(MANY.encode())[:-5000], rows=5000, amount="50000.00")


def cut_zstd_between_blocks(source: SourceSystem) -> Path:
    """Cut after a whole block that ends with a whole record: DuckDB alone takes that for the end of the file."""
    compressor = zstandard.ZstdCompressor().compressobj()
    blocks = compressor.compress(lines(payment(1)).encode()) + compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    return source.drop(blocks, sidecar="")


def gzip_with_wrong_checksum(source: SourceSystem) -> Path:
    data = bytearray(gzip.compress(lines(payment(1)).encode()))
    data[-5] ^= 0xFF
    return source.drop(bytes(data), sidecar="")


def changed_after_the_sidecar(source: SourceSystem) -> Path:
    path = source.drop(lines(payment(1)), amount="10.00")
    path.write_text(lines(payment(1, "11.00")))
    return path


def only_a_sidecar(source: SourceSystem) -> Path:
    source.drop(lines(payment(1)), amount="10.00", name="payments_20250102_a.csv")
    path = source.drop(lines(payment(2)), amount="10.00", name="payments_20250102_b.csv")
    path.unlink()
    return path


def sidecar_with(line: str, instead: str) -> Drop:
    def drop(source: SourceSystem) -> Path:
        path = source.drop(lines(payment(1)), amount="10.00")
        sidecar = path.with_name(path.name + ".ctl")
        text = sidecar.read_text()
        assert line in text
        sidecar.write_text(text.replace(line, instead))
        return path

    return drop


def dropped(content: str | bytes, **options: object) -> Drop:
    return lambda source: source.drop(content, **options)  # type: ignore[arg-type]


SWAPPED = HEADER.replace("payer_name,amount", "amount,payer_name")

CASES = {
    "new column": Case(
        dropped(lines(payment(1) + ",x").replace("is_urgent\n", "is_urgent,colour\n"), amount="10.00"),
        "layout of payments has changed",
        HEADER,
        "unknown 'colour'",
        "line 1",
        "raise its version",
    ),
    "renamed column": Case(
        dropped(lines(payment(1)).replace("payer_name", "payer"), amount="10.00"),
        "layout of payments has changed",
        HEADER,
        "no payer_name, unknown 'payer'",
        "line 1",
        "raise its version",
    ),
    "columns in another order": Case(
        dropped(lines(payment(1)).replace(HEADER, SWAPPED), amount="10.00"),
        "layout of payments has changed",
        HEADER,
        "another order: payer_name in place 4, amount in place 3",
        "line 1",
        "raise its version",
    ),
    "column twice": Case(
        dropped(lines(payment(1)).replace(HEADER, HEADER + ",amount"), amount="10.00"),
        "layout of payments has changed",
        HEADER,
        "twice: amount",
        "line 1",
        "raise its version",
    ),
    "no header": Case(
        dropped(payment(1) + "\n", rows=1, amount="10.00"),
        "layout of payments has changed",
        HEADER,
        "no payment_id",
        "line 1",
        "raise its version",
    ),
    "empty file": Case(
        dropped("", rows=0), "layout of payments has changed", HEADER, "an empty file", "line 1", "raise its version"
    ),
    "no sidecar": Case(
        dropped(lines(payment(1)), sidecar=""),
        "no control sidecar",
        "payments_20250102.csv.ctl beside the file",
        "no such file",
        "payments_20250102.csv",
        "ask the source system for the sidecar",
    ),
    "sidecar without file": Case(
        only_a_sidecar,
        "announced but not there",
        "payments_20250102_b.csv beside its sidecar",
        "only payments_20250102_b.csv.ctl",
        "payments/2025-01-02",
        "wait until the drop is complete",
    ),
    "sidecar with an unknown key": Case(
        sidecar_with("rows=1", "rows=1\nlines=2"),
        "sidecar cannot be read",
        "one of the keys file, rows, amount_total, sha256, extracted_at",
        "'lines=2'",
        ".ctl, line 3",
    ),
    "sidecar without rows": Case(
        sidecar_with("rows=1\n", ""), "sidecar cannot be read", "the keys file, rows", "no rows", ".ctl, line 1"
    ),
    "sidecar with rows twice": Case(
        sidecar_with("rows=1\n", "rows=1\nrows=1\n"),
        "sidecar cannot be read",
        "rows once",
        "a second time",
        ".ctl, line 3",
    ),
    "sidecar with an odd amount": Case(
        sidecar_with("=10.00", "=10,00"), "sidecar cannot be read", "an amount like 1234.50", "10,00", ".ctl, line 3"
    ),
    "sidecar with an impossible time": Case(
        sidecar_with("2025-01-03T01", "2025-02-30T01"), "sidecar cannot be read", "a time that exists", "02-30", ".ctl"
    ),
    "sidecar of another file": Case(
        sidecar_with("file=payments_20250102", "file=payments_20250101"),
        "the name in the sidecar is another file's",
        "payments_20250102.csv",
        "payments_20250101.csv",
        ".ctl",
    ),
    "bytes changed after the sidecar": Case(
        changed_after_the_sidecar, "not the one the sidecar was written for", "sha256", "sha256", ".ctl"
    ),
    "fewer rows than the sidecar says": Case(
        dropped(lines(payment(1)), rows=2, amount="10.00"),
        "number of records",
        "2 records",
        "1 records",
        "payments_20250102.csv",
    ),
    "more rows than the sidecar says, one of them bad": Case(
        dropped(lines(payment(1), payment(2, "x")), rows=1, amount="10.00"),
        "number of records",
        "1 records",
        "2 records",
        "payments_20250102.csv",
    ),
    "another amount than the sidecar says": Case(
        dropped(lines(payment(1), payment(2)), amount="20.01"),
        "do not add up",
        "20.01",
        "20.00 (difference -0.01)",
        "payments_20250102.csv",
    ),
    "another amount, with a reject whose amount can be read": Case(
        dropped(lines(payment(1), payment(2, "5.00", channel="fax")), amount="10.00"),
        "do not add up",
        "10.00",
        "15.00 (difference 5.00)",
        "payments_20250102.csv",
    ),
    "gzip cut short": Case(
        cut_gzip, "not complete", "a whole gzip stream", "breaks off at byte", "payments_20250102.csv.gz", contract=GZIP
    ),
    "gzip cut short, no sidecar": Case(
        dropped(gzip.compress(MANY.encode())[:-8], sidecar=""),
        "not complete",
        "a whole gzip stream",
        "breaks off at byte",
        ".csv.gz",
        contract=GZIP + OPTIONAL,
    ),
    "zstd cut between blocks, no sidecar": Case(
        cut_zstd_between_blocks,
        "not complete",
        "a whole zstd stream",
        "breaks off at byte",
        ".csv.zst",
        contract=ZSTD + OPTIONAL,
    ),
    "gzip with a wrong checksum, no sidecar": Case(
        gzip_with_wrong_checksum,
        "not complete",
        "a whole gzip stream",
        "incorrect data check",
        ".csv.gz",
        contract=GZIP + OPTIONAL,
    ),
    "not compressed": Case(
        dropped(lines(payment(1)).encode(), rows=1, amount="10.00"),
        "not complete",
        "a whole gzip stream",
        "incorrect header check",
        ".csv.gz",
        contract=GZIP,
    ),
    "no bytes at all where gzip should be": Case(
        dropped(b"", rows=0), "not complete", "a whole gzip stream", "at byte 0", ".csv.gz", contract=GZIP
    ),
    "GB18030 where UTF-8 should be": Case(
        dropped(lines(payment(1), payment(2, payer_name="李四")).encode("gb18030"), rows=2, amount="20.00"),
        "not in the encoding of its contract",
        "UTF-8",
        f"byte {len(lines(payment(1)) + payment(2).split('Li')[0])} (line 3)",
        "payments_20250102.csv",
        "agreed encoding",
    ),
    "UTF-8 where GB18030 should be": Case(
        dropped(lines(*(payment(n, payer_name="广发银行") for n in range(5))).encode(), rows=5, amount="50.00"),
        "not in the encoding of its contract",
        "GB18030",
        "the whole file is valid UTF-8 with Chinese characters",
        "payments_20250102.csv",
        "agreed encoding",
        contract=CHINESE,
    ),
    "broken GB18030": Case(
        dropped(lines(payment(1), payment(2)).encode() + b"P3,\xff\xff\n", rows=3, amount="20.00"),
        "not in the encoding of its contract",
        "GB18030",
        f"byte {len(lines(payment(1), payment(2))) + 3} (line 4)",
        "payments_20250102.csv",
        "agreed encoding",
        contract=CHINESE,
    ),
    "half a character at the end": Case(
        dropped(lines(payment(1)).encode() + "李".encode("gb18030")[:1], rows=1, amount="10.00"),
        "not in the encoding of its contract",
        "GB18030",
        f"byte {len(lines(payment(1)))} (line 3)",
        "payments_20250102.csv",
        "agreed encoding",
        contract=CHINESE,
    ),
    "too many rejects": Case(
        dropped(lines(payment(1), "P2,x", payment(3), payment(4, "1e5"), payment(5)), amount="30.00"),
        "too many records of payments break the contract",
        "at most 25% of 5 records",
        "2 records: payments_20250102.csv line 3: has 2 fields;"
        " payments_20250102.csv line 5: amount is not a decimal(18,2): '1e5'",
        "payments_20250102.csv",
        contract=STRICT,
    ),
    "duplicate key": Case(
        dropped(lines(payment(1), payment(2), payment(1, "3.00")), amount="23.00"),
        "a key of payments comes twice",
        "one record for each payment_id in the files of 2025-01-02",
        "line 4: payment_id P1 repeats the key of payments_20250102.csv line 2",
        "payments_20250102.csv",
    ),
    "wrong date": Case(
        dropped(lines(payment(1), payment(2, day=NEXT_DAY)), amount="20.00"),
        "of another date than their file",
        "payment_date 2025-01-02 in every record",
        "1 records: payments_20250102.csv line 3: payment_date is not 2025-01-02, the date of the file: '2025-01-03'",
        "payments_20250102.csv",
    ),
    "quote never closed": Case(
        dropped(lines(payment(1), payment(2, payer_name='"Li'), payment(3)), amount="30.00"),
        "quotes do not pair up",
        "closed before the next delimiter",
        "never closed",
        "payments_20250102.csv, line 3",
    ),
    "a record longer than any should be": Case(
        dropped(lines(payment(1, payer_name="x" * 2_100_000)), amount="10.00"),
        "DuckDB cannot read the records of payments",
        "none longer than 2,000,000 bytes",
        "CSV Error on Line: 2",
        "payments_20250102.csv",
    ),
    "text after a quote": Case(
        dropped(lines(payment(1), payment(2, payer_name='"L"i')), amount="20.00"),
        "quotes do not pair up",
        "closed before the next delimiter",
        "text after a closing quote",
        "payments_20250102.csv, line 3",
    ),
}


@pytest.mark.parametrize("is_loaded", [False, True], ids=["first load", "restatement"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_bad_drop_is_refused_and_changes_nothing(
    make_source: Callable[..., SourceSystem], case: Case, is_loaded: bool
) -> None:
    """The message has its four parts, and raw zone, ledger, rejects and views are as before."""
    source = make_source(*case.contract)
    good = [payment(number, day=NEXT_DAY) for number in range(3)]
    source.drop(lines(*good, payment(9, "x", day=NEXT_DAY)), amount="30.00", day=NEXT_DAY)
    source.load(NEXT_DAY)
    if is_loaded:
        old = source.drop(lines(*map(payment, (4, 5, 6)), payment(8, "x")), amount="30.00")
        source.load()
        old.unlink()
        old.with_name(old.name + ".ctl").unlink()
    before = source.picture()

    case.drop(source)
    with pytest.raises(InputError) as refused:
        source.load()

    assert source.picture() == before
    assert case.what in refused.value.what
    assert case.expected in refused.value.expected
    assert case.found in refused.value.found
    assert case.where in refused.value.where
    assert case.action in refused.value.action


def test_a_missing_file_is_told_with_pattern_place_and_time(source: SourceSystem) -> None:
    """Nothing dropped, nothing loaded: the reader learns what should have come, where, and until when."""
    source.drop(lines(payment(1)), amount="10.00", name="PAYMENTS.csv")
    with pytest.raises(InputError) as refused:
        source.load()
    assert refused.value.expected == "payments_20250102*.csv, by 2025-01-03 06:00 UTC"
    assert refused.value.found == "other names: PAYMENTS.csv, PAYMENTS.csv.ctl"
    assert refused.value.where.endswith("landing/payments/2025-01-02")


def test_identifying_values_stay_out_of_messages(make_source: Callable[..., SourceSystem]) -> None:
    """Reasons go to logs, so they must not carry names; the raw text in the warehouse does."""
    source = make_source(("personal_data: identifying", "pattern: '[A-Z][a-z]*', personal_data: identifying"))
    source.drop(lines(payment(1), payment(2, payer_name="Wang Xiaoming")), amount="20.00")
    source.load()
    ((reason, raw_text),) = source.query("select reason, raw_text from ops.rejected_rows")
    assert reason == "payer_name does not match [A-Z][a-z]*"
    assert "Wang Xiaoming" in str(raw_text)


def test_dates_before_a_bad_one_stay_loaded(source: SourceSystem) -> None:
    """Each date is a unit: the one that fails does not take back the ones that were fine."""
    source.drop(lines(payment(1)), amount="10.00")
    source.drop(lines(payment(2)), amount="10.00", day=NEXT_DAY)
    with pytest.raises(InputError, match="another date"):
        source.load(DAY, NEXT_DAY)
    assert source.query("select business_date, count(*) from raw.payments group by all") == [(DAY, 1)]


def test_the_expected_checksum_error_is_what_zlib_says() -> None:
    """The cases above rely on zlib's wording; if it changes, this says so."""
    with pytest.raises(zlib.error, match="incorrect header check"):
        zlib.decompressobj(31).decompress(b"payment_id")
