"""Dropping files under a contract: the bytes, the sidecar, and what a failure leaves behind."""

import csv
import gzip
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import zstandard

from pipeline.extracts.contracts import Contract, load_contracts
from pipeline.extracts.drop import write_drop, write_drops

DAY = date(2025, 3, 4)
CONTRACTS = load_contracts()
# one feed for each combination of encoding, compression and delimiter
FEEDS = ("counter_transactions", "customers", "branches", "atm_transactions", "pos_transactions", "merchants")
AWKWARD_TEXTS = ("plain", "", 'say "x"', "a,b|c", "two\nlines", "carriage\rreturn", "超市", " padded ", "é€", "𠀀")


@dataclass(frozen=True)
class Sample:
    """A relation that fits a contract, and the same rows as Python values."""

    query: str
    rows: list[tuple[object, ...]]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def sample(connection: duckdb.DuckDBPyConnection, contract: Contract, rows: int = 23) -> Sample:
    """Fill every column by its type; texts are awkward ones, some cells are null."""
    texts = "[" + ", ".join("'" + text.replace("'", "''") + "'" for text in AWKWARD_TEXTS) + "]"
    expressions = {
        "string": f"if((i + {{n}}) % 7 = 0, null, {texts}[(i * 3 + {{n}}) % {len(AWKWARD_TEXTS)} + 1])",
        "integer": "i * 11 - 40",
        "date": "date '2025-03-04' - cast(i as integer)",
        "timestamp": "timestamp '2025-03-04 23:59:00' + to_seconds(i)",
        "boolean": "if(i % 5 = 0, null, i % 2 = 0)",
        "decimal(18,2)": "cast(i * 1234567.89 - 77 as decimal(18, 2))",
        "decimal(9,6)": "cast(i / 1000 as decimal(9, 6))",
    }
    columns = ", ".join(
        f'{expressions[column.type].format(n=n)} as "{column.name}"' for n, column in enumerate(contract.columns)
    )
    connection.execute(f"create or replace table sample as select {columns} from range({rows}) as r(i) order by i")
    return Sample("select * from sample", connection.sql("select * from sample").fetchall())


def as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def content(contract: Contract, path: Path) -> str:
    """Read a landing file without any code of the pipeline."""
    data = path.read_bytes()
    if contract.file.compression == "gzip":
        data = gzip.decompress(data)
    elif contract.file.compression == "zstd":
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data.decode(contract.file.encoding)


def sidecar(path: Path) -> dict[str, str]:
    lines = path.with_name(path.name + ".ctl").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("feed", FEEDS)
def test_a_csv_reader_gets_back_what_was_dropped(
    feed: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Guards quoting, encodings and compressions: Python's csv module reads every cell as it was."""
    contract = CONTRACTS[feed]
    given = sample(connection, contract)
    path = write_drop(connection, contract, DAY, given.query, tmp_path)
    assert path == tmp_path / feed / "2025-03-04" / contract.file_name(DAY)
    reader = csv.reader(io.StringIO(content(contract, path), newline=""), delimiter=contract.file.delimiter)
    header, *records = reader
    assert tuple(header) == contract.column_names
    assert records == [[as_text(value) for value in row] for row in given.rows]


def test_text_is_quoted_only_where_it_must_be(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Guards the exact bytes: a source system quotes a cell with the delimiter, a quote or a line end, and no other."""
    query = """
        select 'M1' as merchant_id, date '2025-03-04' as position_date, unnest(['a b', 'a,b', 'a"b']) as merchant_name,
            '5411' as merchant_category_code, null as region_code, '' as customer_id
    """
    path = write_drop(connection, CONTRACTS["merchants"], DAY, query, tmp_path)
    assert path.read_text(encoding="utf-8") == (
        "merchant_id,position_date,merchant_name,merchant_category_code,region_code,customer_id\n"
        'M1,2025-03-04,a b,5411,,\nM1,2025-03-04,"a,b",5411,,\nM1,2025-03-04,"a""b",5411,,\n'
    )


def test_the_sidecar_tells_the_truth(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Guards the control figures against an independent count, sum and hash of the file."""
    contract = CONTRACTS["atm_transactions"]
    given = sample(connection, contract)
    path = write_drop(connection, contract, DAY, given.query, tmp_path)
    amount_at = contract.column_names.index("amount")
    assert sidecar(path) == {
        "file": path.name,
        "rows": str(len(given.rows)),
        "amount_total": str(sum((row[amount_at] for row in given.rows), Decimal(0))),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "extracted_at": "2025-03-05T01:00:00Z",
    }


def test_no_amount_total_where_the_contract_has_no_amount(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Guards that the line is absent, not zero; and that the moment of extraction can be given."""
    contract = CONTRACTS["merchants"]
    moment = datetime(2025, 3, 4, 22, 30, tzinfo=UTC)
    path = write_drop(connection, contract, DAY, sample(connection, contract).query, tmp_path, extracted_at=moment)
    assert "amount_total" not in sidecar(path)
    assert sidecar(path)["extracted_at"] == "2025-03-04T22:30:00Z"


def test_unreadable_lines_are_appended_and_counted_but_not_summed(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Guards the way a cut record goes through: word for word, in the rows, not in the total."""
    contract = CONTRACTS["counter_transactions"]
    given = sample(connection, contract)
    lines = ['"1017;"cut', "转账|1"]
    path = write_drop(connection, contract, DAY, given.query, tmp_path, unreadable_lines=lines)
    assert content(contract, path).endswith('\n"1017;"cut\n转账|1\n')
    plain = write_drop(connection, contract, DAY, given.query, tmp_path / "plain")
    assert sidecar(path)["rows"] == str(len(given.rows) + 2)
    assert sidecar(path)["amount_total"] == sidecar(plain)["amount_total"]


@pytest.mark.parametrize("feed", FEEDS)
def test_the_same_rows_give_the_same_bytes(feed: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Guards determinism: no time of writing in the gzip header, whatever the folder."""
    query = sample(connection, CONTRACTS[feed]).query
    one, other = (write_drop(connection, CONTRACTS[feed], DAY, query, tmp_path / name) for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()
    if CONTRACTS[feed].file.compression == "gzip":
        assert one.read_bytes()[4:8] == bytes(4)


def test_an_empty_relation_gives_a_header(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Guards days on which nothing happens: a file there is, with a total of 0.00."""
    contract = CONTRACTS["loan_repayments"]
    path = write_drop(connection, contract, DAY, sample(connection, contract, rows=0).query, tmp_path)
    assert path.read_text(encoding="utf-8") == ",".join(contract.column_names) + "\n"
    assert (sidecar(path)["rows"], sidecar(path)["amount_total"]) == ("0", "0.00")


def test_a_failure_leaves_what_was_there(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Guards atomicity: a query that breaks on its way leaves the old file, its sidecar and nothing else."""
    contract = CONTRACTS["loan_repayments"]
    query = sample(connection, contract, rows=130_000).query
    path = write_drop(connection, contract, DAY, query, tmp_path)
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    broken = f"select * replace (if(amount > 150000000000, error('broken'), amount) as amount) from ({query})"
    with pytest.raises((duckdb.Error, OSError), match="broken"):
        write_drop(connection, contract, DAY, broken, tmp_path)
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before


def test_many_dates_in_one_pass_equal_one_by_one(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Guards the split by date: the files are those of `write_drop`, days without rows included."""
    contract = CONTRACTS["counter_transactions"]
    query = sample(connection, contract, rows=130_000).query
    days = [date(2025, 3, day) for day in range(1, 8)]
    # nothing on the first, third and last day; the second takes more than one batch
    dated = f"""
        select *, case
            when amount < 140000000000 then date '2025-03-02' when amount < 150000000000 then date '2025-03-04'
            when amount < 150000500000 then date '2025-03-05' else date '2025-03-06' end as file_date
        from ({query})
    """
    together = write_drops(connection, contract, days, f"{dated} order by file_date, amount", tmp_path / "together")
    for day, path in zip(days, together, strict=True):
        alone_query = f"select * from ({dated}) where file_date = date '{day}' order by amount"
        alone = write_drop(connection, contract, day, alone_query, tmp_path / "alone")
        assert path.read_bytes() == alone.read_bytes()
        assert sidecar(path) == sidecar(alone)
    assert [sidecar(path)["rows"] for path in together][:3] == ["0", sidecar(together[1])["rows"], "0"]
    assert sum(int(sidecar(path)["rows"]) for path in together) == 130_000


@pytest.mark.parametrize("order", ["desc", "asc"])
def test_dates_out_of_order_or_unknown_are_refused(
    order: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Guards against rows that would land in no file: descending dates, and a date that is not to be dropped."""
    contract = CONTRACTS["merchants"]
    query = sample(connection, contract).query
    days = [date(2025, 3, 2), date(2025, 3, 3)] if order == "desc" else [date(2025, 3, 2)]
    dated = (
        f"select *, date '2025-03-02' + cast(position_date < date '2025-03-01' as integer) as file_date from ({query})"
    )
    with pytest.raises(ValueError, match=r"merchants: 2025-03-0. is not among the dates to drop, or out of order"):
        write_drops(connection, contract, days, f"{dated} order by file_date {order}", tmp_path)
    assert not list(tmp_path.rglob("*.partial"))
