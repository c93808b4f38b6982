"""A warehouse without files, and dbt on it: raw tables typed by the contracts, filled row by row by the tests."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from pipeline.extracts.contracts import load_contracts
from pipeline.extracts.ledger import create_ledger
from pipeline.settings import DBT_PROJECT_DIR, HOME_VARIABLE


def run_dbt(home: Path, *arguments: str) -> None:
    """Run dbt on the warehouse under ``home``; its artifacts go there as well."""
    environment = {
        **os.environ,
        HOME_VARIABLE: str(home),
        "DBT_TARGET_PATH": str(home / "target"),
        "DBT_LOG_PATH": str(home / "logs"),
    }
    dbt = Path(sys.executable).with_name("dbt")
    finished = subprocess.run(
        [dbt, *arguments, "--profiles-dir", DBT_PROJECT_DIR, "--project-dir", DBT_PROJECT_DIR],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-4000:]


class HandMadeWarehouse:
    """A warehouse whose raw zone is filled row by row."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / "warehouse.duckdb"
        with duckdb.connect(self.path) as connection:
            create_ledger(connection)
            connection.execute("create schema raw")
            for contract in load_contracts().values():
                columns = [f"{column.name} {column.duckdb_type}" for column in contract.columns]
                columns += ["source_file_id varchar", "business_date date"]
                connection.execute(f"create table raw.{contract.feed} ({', '.join(columns)})")

    def insert(self, table: str, **values: Any) -> None:
        """Insert one row; columns not named are empty."""
        with duckdb.connect(self.path) as connection:
            places = ", ".join("?" for _ in values)
            connection.execute(f"insert into {table} ({', '.join(values)}) values ({places})", list(values.values()))

    def load_day(self, day: date) -> None:
        """Tell the ledger that the transactions of a day are in."""
        self.insert(
            "ops.extract_files", source_file_id=day.isoformat(), feed="counter_transactions", business_date=day,
            file_name="x", file_sha256="x", file_bytes=0, status="loaded", rows_read=0, rows_loaded=0, rows_rejected=0,
            contract_version=1, loaded_at=day, run_id="test",
        )  # fmt: skip

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Change the raw zone."""
        with duckdb.connect(self.path) as connection:
            connection.execute(sql, parameters)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with duckdb.connect(self.path, read_only=True) as connection:
            return connection.execute(query).fetchall()

    def build(self, select: str, first: date, last: date) -> None:
        """Run models over a window of business dates."""
        window = json.dumps({"start_date": first.isoformat(), "end_date": last.isoformat()})
        run_dbt(self.home, "run", "--select", *select.split(), "--vars", window)
