"""A source system for tests: a contract with every column type, files and sidecars as one likes, damage included.

Belongs here: what the ingestion tests drop into a landing zone, and a picture of everything ingestion may change. Does
not belong here: `write_drop`, which writes only right files; these tests need the wrong ones.
"""

import gzip
import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import zstandard

from pipeline.extracts.contracts import Contract, load_contract
from pipeline.extracts.ingest import IngestResult, ingest_feed
from pipeline.settings import Settings

DAY = date(2025, 1, 2)
NEXT_DAY = date(2025, 1, 3)

PAYMENTS = """\
feed: payments
version: 1
source_system: testing
kind: events
cadence: daily
description: {en: 'Payments, one row each', zh: '付款，每笔一行'}
file:
  pattern: 'payments_{business_date}*.csv'
  encoding: UTF-8
  compression: none
  delimiter: ','
  header: true
control:
  sidecar: required
  amount_column: amount
business_date_column: payment_date
key: [payment_id]
on_duplicate_key: fail
on_wrong_date: fail
tolerated_reject_share: 0.5
late_after_hours: 30
columns:
  - {name: payment_id, type: string, nullable: false, personal_data: none, description: {en: 'Number', zh: '编号'}}
  - {name: payment_date, type: date, nullable: false, personal_data: none, description: {en: 'Date', zh: '日期'}}
  - {name: payer_name, type: string, nullable: true,
     personal_data: identifying, description: {en: 'Payer', zh: '付款人'}}
  - {name: amount, type: 'decimal(18,2)', nullable: false, minimum: 0,
     personal_data: none, description: {en: 'Amount', zh: '金额'}}
  - {name: channel, type: string, nullable: false, allowed: [web, branch],
     personal_data: none, description: {en: 'Channel', zh: '渠道'}}
  - {name: paid_at, type: timestamp, nullable: true,
     personal_data: none, description: {en: 'Moment, UTC', zh: '时刻'}}
  - {name: parts, type: integer, nullable: true, minimum: 1, maximum: 9,
     personal_data: none, description: {en: 'Parts', zh: '份数'}}
  - {name: is_urgent, type: boolean, nullable: true, personal_data: none, description: {en: 'Urgent', zh: '加急'}}
"""
HEADER = "payment_id,payment_date,payer_name,amount,channel,paid_at,parts,is_urgent"


def payments_contract(folder: Path, *replacements: tuple[str, str]) -> Contract:
    """Write the contract of the feed ``payments``, with some of its text replaced, and load it."""
    text = PAYMENTS
    for old, new in replacements:
        assert old in text, f"{old!r} is not in the contract"
        text = text.replace(old, new)
    path = folder / "payments.yaml"
    path.write_text(text, encoding="utf-8")
    return load_contract(path)


def payment(number: int, amount: str = "10.00", day: date = DAY, **cells: str) -> str:
    """Write one record of ``payments``."""
    values = {
        "payment_id": f"P{number}",
        "payment_date": day.isoformat(),
        "payer_name": "Li",
        "amount": amount,
        "channel": "web",
        "paid_at": f"{day} 08:30:00",
        "parts": "",
        "is_urgent": "true",
    }
    return ",".join((values | cells).values())


def lines(*records: str, end: str = "\n") -> str:
    """Join a header and records to the text of a file."""
    return "".join(record + end for record in (HEADER, *records))


def compressed(contract: Contract, data: bytes) -> bytes:
    """Compress as the contract says."""
    if contract.file.compression == "gzip":
        return gzip.compress(data, mtime=0)
    if contract.file.compression == "zstd":
        return zstandard.compress(data)
    return data


@dataclass
class SourceSystem:
    """Drops files into the landing zone of a scratch home, and loads them."""

    settings: Settings
    contract: Contract
    connection: duckdb.DuckDBPyConnection

    def drop(
        self,
        content: str | bytes,
        *,
        rows: int | None = None,
        amount: str = "0.00",
        day: date = DAY,
        name: str | None = None,
        sidecar: str | None = None,
    ) -> Path:
        """Drop a file as it is, with a right sidecar, or with the text given as one, or (where empty) with none."""
        folder = self.settings.landing / self.contract.feed / day.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / (name or self.contract.file_name(day))
        data = (
            content
            if isinstance(content, bytes)
            else compressed(self.contract, content.encode(self.contract.file.encoding))
        )
        path.write_bytes(data)
        if sidecar is None:
            records = content.count("\n") - 1 if isinstance(content, str) else 0
            sidecar = self.sidecar_text(path, records if rows is None else rows, amount)
        if sidecar:
            path.with_name(path.name + ".ctl").write_text(sidecar, encoding="utf-8")
        return path

    def sidecar_text(self, path: Path, rows: int, amount: str) -> str:
        """Write what a right sidecar says of a file."""
        total = f"amount_total={amount}\n" if self.contract.control.amount_column else ""
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return f"file={path.name}\nrows={rows}\n{total}sha256={digest}\nextracted_at=2025-01-03T01:00:00Z\n"

    def load(self, *days: date, run_id: str = "run") -> list[IngestResult]:
        """Ingest some dates, by default the usual one."""
        return ingest_feed(self.connection, self.contract, days or (DAY,), self.settings, run_id)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Ask the warehouse."""
        return self.connection.execute(sql).fetchall()

    def picture(self) -> dict[str, object]:
        """Take a picture of all that ingestion may change: every file of the raw zone, every row of the warehouse."""
        files = {
            str(path.relative_to(self.settings.raw)): hashlib.sha256(path.read_bytes()).hexdigest()
            if path.is_file()
            else ""
            for path in sorted(self.settings.raw.rglob("*"))
        }
        relations = self.query("select schema_name || '.' || view_name from duckdb_views() where not internal")
        relations += self.query("select schema_name || '.' || table_name from duckdb_tables()")
        rows = {str(name): sorted(map(repr, self.query(f"from {name}"))) for (name,) in relations}
        return {"files": files, **rows}
