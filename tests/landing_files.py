"""Landing files and sidecars read, and dropped again with other content, by code that is not the pipeline's.

Belongs here: what tests of the whole pipeline do to a landing zone. Does not belong here: files that no contract allows
(``source_system``).
"""

import csv
import gzip
import hashlib
import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

import zstandard
from source_system import compressed

from pipeline.extracts.contracts import Contract, load_contracts
from pipeline.settings import Settings

CONTRACTS = load_contracts()
CHANNEL_FEEDS = {
    "counter": "counter_transactions",
    "card": "card_transactions",
    "pos": "pos_transactions",
    "atm": "atm_transactions",
}

Record = dict[str, str]
SURPLUS = "surplus"


def sidecars(settings: Settings, feed: str) -> dict[date, Record]:
    """Read the sidecars of a feed with one file a date, by date."""
    return {
        date.fromisoformat(path.parent.name): dict(
            line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines()
        )
        for path in (settings.landing / feed).glob("*/*.ctl")
    }


def amount_in(feed: str, raw_text: str) -> Decimal:
    """Return the amount in a rejected record as it stands there; nothing, where it cannot be read."""
    contract = CONTRACTS[feed]
    cells = next(csv.reader([raw_text], delimiter=contract.file.delimiter))
    return readable(cells[contract.column_names.index(contract.control.amount_column or "")])


def readable(amount: str) -> Decimal:
    """Read an amount as the sidecars count it: nothing, where it is damaged."""
    try:
        return Decimal(amount)
    except InvalidOperation:
        return Decimal(0)


def change_file(settings: Settings, feed: str, day: date, change: Callable[[list[Record]], list[Record]]) -> None:
    """Drop the file of a feed and date again, with other records and a sidecar that is right for them."""
    contract = CONTRACTS[feed]
    path = settings.landing / feed / day.isoformat() / contract.file_name(day)
    records = change(_read(contract, path))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=contract.file.delimiter, lineterminator="\n")
    writer.writerow(contract.column_names)
    # a damaged record may have a cell too many, which stands under no name
    writer.writerows(
        [*(record[name] for name in contract.column_names), *record.get(SURPLUS, "")] for record in records
    )
    _replace(path, compressed(contract, text.getvalue().encode(contract.file.encoding)))
    told = [f"file={path.name}", f"rows={len(records)}"]
    if contract.control.amount_column:
        told.append(f"amount_total={sum(readable(record[contract.control.amount_column]) for record in records)}")
    told += [f"sha256={hashlib.sha256(path.read_bytes()).hexdigest()}", f"extracted_at={day}T23:00:00Z"]
    _replace(path.with_name(f"{path.name}.ctl"), "".join(f"{line}\n" for line in told).encode())


def multiply_amounts(settings: Settings, day: date) -> None:
    """Make every amount of a date a thousandfold, in the channels' files and in the ledger's."""
    for feed in CHANNEL_FEEDS.values():
        change_file(settings, feed, day, _thousandfold("amount"))
    change_file(settings, "gl_balances", day, _thousandfold("debit_turnover_amount", "credit_turnover_amount"))


def _thousandfold(*columns: str) -> Callable[[list[Record]], list[Record]]:
    def change(records: list[Record]) -> list[Record]:
        return [
            record | {column: str(readable(record[column]) * 1000) for column in columns if readable(record[column])}
            for record in records
        ]

    return change


def remove_dates_after(settings: Settings, last: date) -> None:
    """Take away the daily files of later dates; the month-end files of a simulated past are due and stay."""
    for path in sorted(settings.landing.glob("*/*/*")):
        if CONTRACTS[path.parent.parent.name].is_daily and date.fromisoformat(path.parent.name) > last:
            path.unlink()


def _read(contract: Contract, path: Path) -> list[Record]:
    data = path.read_bytes()
    if contract.file.compression == "gzip":
        data = gzip.decompress(data)
    elif contract.file.compression == "zstd":
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    text = io.StringIO(data.decode(contract.file.encoding))
    return list(csv.DictReader(text, delimiter=contract.file.delimiter, restkey=SURPLUS))


def _replace(path: Path, data: bytes) -> None:
    # homes share their landing files by hard links: another file, not other bytes in the same
    path.unlink()
    path.write_bytes(data)
