"""A simulated bank for the tests, read back from its files by code that is not the simulator's."""

import gzip
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipeline.extracts.contracts import Contract, load_contracts
from pipeline.simulator.bank import simulate

CONTRACTS = load_contracts()
TRANSACTION_FEEDS = ("counter_transactions", "card_transactions", "pos_transactions", "atm_transactions")


@dataclass(frozen=True)
class DroppedBank:
    """A simulated bank: where it stands, and a database with one table per feed, strictly typed, and the truth."""

    home: Path
    database: duckdb.DuckDBPyConnection

    def rows(self, query: str) -> list[tuple]:
        """Run a query."""
        return self.database.sql(query).fetchall()

    def value(self, query: str) -> object:
        """Run a query with one value."""
        return self.rows(query)[0][0]


def data_files(home: Path, feed: str) -> list[Path]:
    """Return the landing files of a feed without sidecars, by date."""
    return sorted(path for path in (home / "landing" / feed).glob("*/*") if path.suffix != ".ctl")


def read_strictly(database: duckdb.DuckDBPyConnection, contract: Contract, home: Path, scratch: Path) -> None:
    """Create the table of a feed; a cell that is not of its column's type fails."""
    paths, compression = data_files(home, contract.feed), contract.file.compression
    if contract.file.encoding != "UTF-8":
        decoded = []
        for path in paths:
            data = gzip.decompress(path.read_bytes()) if compression == "gzip" else path.read_bytes()
            copy = scratch / contract.feed / path.parent.name / "data.csv"
            copy.parent.mkdir(parents=True)
            copy.write_bytes(data.decode(contract.file.encoding).encode("utf-8"))
            decoded.append(copy)
        paths, compression = decoded, "none"
    columns = {column.name: column.duckdb_type for column in contract.columns}
    database.execute(
        f"""
        create table {contract.feed} as
        select * exclude (filename), cast(string_split(filename, '/')[-2] as date) as file_date
        from read_csv(
            {[str(path) for path in paths]}, auto_detect = false, header = true, delim = '{contract.file.delimiter}',
            quote = '"', escape = '"', compression = '{compression}', columns = {columns}, filename = true
        )
        """
    )


def drop_and_read(home: Path, customers: int, months: int, seed: int) -> DroppedBank:
    simulate(customers, months, seed, home)
    database = duckdb.connect()
    for contract in CONTRACTS.values():
        read_strictly(database, contract, home, home / "decoded")
    for path in (home / "truth").glob("*.parquet"):
        database.execute(f"create table truth_{path.stem} as select * from '{path}'")
    selects = [f"select '{feed}' as feed, * from {feed}" for feed in TRANSACTION_FEEDS]
    database.execute(f"create table transactions as {' union all by name '.join(selects)}")
    database.execute("alter table transactions add column signed_amount decimal(18, 2)")
    database.execute("update transactions set signed_amount = if(direction = 'credit', amount, -amount)")
    database.execute(
        """
        create table owners as
        select account_id, any_value(customer_id) as customer_id, any_value(product_code) as product_code
        from accounts group by 1
        """
    )
    return DroppedBank(home, database)
