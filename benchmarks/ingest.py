"""The raw load beside what it is built on and what it could have been: ``python -m benchmarks.ingest --rows 2000000``.

Three ways to bring the same landing file into one Parquet file, each in a process of its own, in turns, several rounds:

- ``pipeline``: ``ingest_feed``: sidecar, hash, every cell judged by the contract, keys, totals, ledger, atomic swap;
- ``duckdb``: a bare ``read_csv`` with the contract's types into Parquet: no hash, no judgement, no keys, no totals;
- ``pandas``: ``read_csv`` as text, then the same judgements with vectorised string methods, then ``to_parquet``.

Two feeds: ATM transactions (UTF-8, gzip, ``|``) and customers (GB18030, gzip, Chinese names). DuckDB knows no GB18030,
so there the bare load reads what Python transcodes first. Peak memory is that of the process. The ratios are of medians
of one run on one machine; seconds of different machines do not compare.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from pipeline.extracts.contracts import Contract, load_contracts
from pipeline.settings import Settings

DAY = date(2025, 1, 2)
SIZES = (100_000, 1_000_000)
PEERS = ("pipeline", "duckdb", "pandas")

ATM_TRANSACTIONS = f"""
select
    'T' || lpad(i::varchar, 10, '0') as transaction_id,
    'A' || (i % 500) as atm_id,
    'B' || (i % 20) as branch_id,
    'C' || (hash(i) % 100000) as card_id,
    'AC' || (hash(i + 1) % 100000) as account_id,
    date '{DAY}' as transaction_date,
    timestamp '{DAY} 00:00:00' + to_seconds((i % 86400)::integer) as booked_at,
    if(i % 3 = 0, 'withdrawal', 'deposit') as transaction_type,
    if(i % 3 = 0, 'debit', 'credit') as direction,
    ((hash(i) % 1000000)::decimal(18, 2) / 100)::decimal(18, 2) as amount,
    'CNY' as currency_code,
    ((hash(i + 7) % 10000000)::decimal(18, 2) / 100)::decimal(18, 2) as balance_after,
    if(i % 3 = 0, 2.00, null)::decimal(18, 2) as fee_amount
from range({{rows}}) as numbers (i)
"""
CUSTOMERS = f"""
select
    'C' || lpad(i::varchar, 9, '0') as customer_id,
    date '{DAY}' as change_date,
    'person' as customer_type,
    substr('李王张刘陈杨赵黄周吴', 1 + (i % 10)::integer, 1)
        || substr('伟芳娜敏静强磊军洋勇', 1 + (hash(i) % 10)::integer, 2) as full_name,
    'resident_id' as id_document_type,
    lpad((hash(i) % 1000000000000000)::varchar, 18, '1') as id_document_number,
    date '1950-01-01' + (hash(i) % 20000)::integer as birth_date,
    if(i % 2 = 0, 'female', 'male') as gender,
    null::date as registered_date,
    '138' || lpad((hash(i + 1) % 100000000)::varchar, 8, '0') as phone,
    null as email,
    '上海市浦东新区世纪大道' || (hash(i) % 2000) || '号' as address,
    'R01' as region_code,
    'employee' as occupation_code,
    'married' as marital_status_code,
    ((hash(i) % 50000000)::decimal(18, 2) / 100)::decimal(18, 2) as annual_income_amount,
    null as industry_code,
    null::bigint as employee_count,
    null::decimal(18, 2) as registered_capital_amount,
    'B' || (i % 20) as branch_id,
    date '2020-01-01' as customer_since_date,
    'active' as status_code,
    i % 5 = 0 as has_marketing_opt_out
from range({{rows}}) as numbers (i)
"""
FEEDS = {"atm_transactions": ATM_TRANSACTIONS, "customers": CUSTOMERS}


def main() -> None:
    """Generate the files, run every way on every size in turns, print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of the largest file")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each way on each file")
    parser.add_argument("--one", nargs=4, metavar=("PEER", "FEED", "ROWS", "HOME"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        peer, feed, _, home = arguments.one
        run_one(peer, load_contracts()[feed], Settings(Path(home)))
        return
    sizes = [*(size for size in SIZES if size < arguments.rows), arguments.rows]
    print(
        f"{'feed':18}{'rows':>10}  {'way':10}{'seconds':>9}{'rows/s':>12}{'peak MB':>9}{'ratio to duckdb':>17}",
        flush=True,
    )
    for feed in FEEDS:
        for rows in sizes:
            with tempfile.TemporaryDirectory() as home:
                drop(feed, rows, Settings(Path(home)))
                report(feed, rows, compare(feed, rows, home, arguments.rounds))


def drop(feed: str, rows: int, settings: Settings) -> None:
    """Write the landing file and its sidecar."""
    import duckdb

    from pipeline.extracts.drop import write_drop

    with duckdb.connect() as connection:
        write_drop(connection, load_contracts()[feed], DAY, FEEDS[feed].format(rows=rows), settings.landing)


def compare(feed: str, rows: int, home: str, rounds: int) -> dict[str, tuple[float, float]]:
    """Run the ways in turns; return the median seconds and peak megabytes of each."""
    seconds: dict[str, list[float]] = {peer: [] for peer in PEERS}
    peaks: dict[str, list[float]] = {peer: [] for peer in PEERS}
    for _ in range(rounds):
        for peer in PEERS:
            command = [sys.executable, "-m", "benchmarks.ingest", "--one", peer, feed, str(rows), home]
            answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            assert answer["rows"] == rows, f"{peer} loaded {answer['rows']} of {rows} rows"
            seconds[peer].append(answer["seconds"])
            peaks[peer].append(answer["peak_mb"])
    return {peer: (statistics.median(seconds[peer]), statistics.median(peaks[peer])) for peer in PEERS}


def report(feed: str, rows: int, figures: dict[str, tuple[float, float]]) -> None:
    """Print one line per way."""
    base = figures["duckdb"][0]
    for peer, (seconds, peak) in figures.items():
        speed, ratio = rows / seconds, seconds / base
        print(f"{feed:18}{rows:>10,}  {peer:10}{seconds:>9.2f}{speed:>12,.0f}{peak:>9.0f}{ratio:>17.2f}", flush=True)


def run_one(peer: str, contract: Contract, settings: Settings) -> None:
    """Load the file one way in this process; print rows, seconds (imports left out) and peak memory as JSON."""
    ways: dict[str, Callable[[Contract, Settings], Callable[[], int]]] = {
        "pipeline": with_pipeline,
        "duckdb": with_duckdb,
        "pandas": with_pandas,
    }
    load = ways[peer](contract, settings)
    begin = time.perf_counter()
    rows = load()
    seconds = time.perf_counter() - begin
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": rows, "seconds": seconds, "peak_mb": peak_mb}))


def landing_file(contract: Contract, settings: Settings) -> Path:
    """Return the file that is loaded."""
    return settings.landing / contract.feed / DAY.isoformat() / contract.file_name(DAY)


def with_pipeline(contract: Contract, settings: Settings) -> Callable[[], int]:
    """Load as the pipeline does, into an empty warehouse."""
    import shutil

    import duckdb

    from pipeline.extracts.ingest import ingest_feed

    settings.warehouse.unlink(missing_ok=True)
    shutil.rmtree(settings.raw, ignore_errors=True)
    connection = duckdb.connect(settings.warehouse)

    def load() -> int:
        (result,) = ingest_feed(connection, contract, [DAY], settings, "benchmark")
        return result.rows_loaded

    return load


def with_duckdb(contract: Contract, settings: Settings) -> Callable[[], int]:
    """Convert with DuckDB alone, its casts deciding what is a value."""
    import duckdb

    connection = duckdb.connect()
    types = ", ".join(f"'{column.name}': '{column.duckdb_type}'" for column in contract.columns)
    target = settings.home / "duckdb.parquet"

    def load() -> int:
        path, compression = landing_file(contract, settings), contract.file.compression
        if contract.file.encoding != "UTF-8":
            path, compression = transcoded(contract, path, settings.home / "utf8.csv"), "none"
        ((rows,),) = connection.execute(
            f"copy (from read_csv('{path}', auto_detect = false, header = true, delim = '{contract.file.delimiter}',"
            f" quote = '\"', escape = '\"', compression = '{compression}', columns = {{{types}}}))"
            f" to '{target}' (format parquet, compression zstd)"
        ).fetchall()
        return int(rows)

    return load


def transcoded(contract: Contract, path: Path, target: Path) -> Path:
    """Write a gzip file of another encoding as plain UTF-8, with the standard library."""
    import gzip
    import shutil

    with (
        gzip.open(path, "rt", encoding=contract.file.encoding, newline="") as source,
        target.open("w", encoding="utf-8", newline="") as text,
    ):
        shutil.copyfileobj(source, text, 1 << 20)
    return target


def with_pandas(contract: Contract, settings: Settings) -> Callable[[], int]:
    """Load as one would with pandas: all cells as text, judged column by column, then typed and written."""
    from decimal import Decimal

    import pandas as pd
    import pyarrow as pa

    patterns = {"integer": r"-?\d+", "boolean": "true|false", "date": r"\d{4}-\d{2}-\d{2}"}
    patterns |= {"timestamp": r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?"}

    def load() -> int:
        text = pd.read_csv(
            landing_file(contract, settings),
            sep=contract.file.delimiter,
            encoding=contract.file.encoding,
            compression="gzip",
            dtype=str,
            keep_default_na=False,
            na_values=[""],
        )
        is_good = pd.Series(True, index=text.index)
        typed = {}
        for column in contract.columns:
            cells = text[column.name]
            is_cell_good = cells.notna()
            if column.is_decimal:
                is_cell_good &= cells.str.fullmatch(r"-?\d{1,16}(\.\d{1,2})?").fillna(False).astype(bool)
            elif column.type != "string":
                is_cell_good &= cells.str.fullmatch(patterns[column.type]).fillna(False).astype(bool)
            if column.allowed is not None:
                is_cell_good &= cells.isin(column.allowed)
            if column.pattern is not None:
                is_cell_good &= cells.str.fullmatch(column.pattern).fillna(False).astype(bool)
            if column.name == contract.business_date_column:
                is_cell_good &= cells == DAY.isoformat()
            values: pd.Series = cells
            if column.is_decimal:
                values = cells.where(is_cell_good).astype(pd.ArrowDtype(pa.decimal128(18, 2)))
                if column.minimum is not None:
                    is_cell_good &= (values >= Decimal(0)).fillna(False).astype(bool)
            elif column.type in ("date", "timestamp"):
                values = pd.to_datetime(cells, errors="coerce", format="ISO8601")
                is_cell_good &= values.notna()
            elif column.type == "integer":
                values = pd.to_numeric(cells, errors="coerce").astype("Int64")
            elif column.type == "boolean":
                values = cells == "true"
            is_good &= is_cell_good | cells.isna() if column.nullable else is_cell_good
            typed[column.name] = values
        good = pd.DataFrame(typed)[is_good]
        assert not good.duplicated(list(contract.key)).any()
        good.to_parquet(settings.home / "pandas.parquet", compression="zstd", index=False)
        return len(good)

    return load


if __name__ == "__main__":
    main()
