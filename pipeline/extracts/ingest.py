"""Loading: the landing files of a feed and date become the rows of that date in the raw zone, or nothing changes.

Belongs here: the order of steps, and what makes it safe to be killed between any two of them. Does not belong here: how
each step is done (``landing``, ``reading``, ``raw_zone``, ``ledger``).

All files of a feed and date are one unit. The Parquet file is replaced first, then one transaction records it in the
ledger. Killed between the two, the next run sees by the mark in the Parquet file that the ledger lags, and loads again.
"""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import duckdb

from pipeline.errors import InputError
from pipeline.extracts.contracts import Contract
from pipeline.extracts.conversion import FileFigures, SourceFile
from pipeline.extracts.landing import (
    LandingFile,
    checked_sidecar,
    day_directory,
    matching_names,
    missing_files,
    read_landing_file,
    refuse_incomplete_drop,
)
from pipeline.extracts.ledger import LedgerEntry, LoadedDay, create_ledger, loaded_days, record_load
from pipeline.extracts.raw_zone import DAY_FILE_NAME, DayMark, day_file, read_marks, refresh_raw_view, replace_day
from pipeline.extracts.reading import read_day
from pipeline.settings import Settings

Outcome = Literal["loaded", "restated", "unchanged"]

_SCRATCH_NAME = ".scratch"


@dataclass(frozen=True)
class IngestResult:
    """What became of one feed and date; the counts are 0 where nothing had to be done."""

    feed: str
    business_date: date
    outcome: Outcome
    file_count: int = 0
    rows_read: int = 0
    rows_loaded: int = 0
    rows_rejected: int = 0


def source_file_id(contract: Contract, business_date: date, file_name: str, sha256: str) -> str:
    """Return the identity of a file version: md5 of feed, date, name and content hash."""
    identity = f"{contract.feed}|{business_date.isoformat()}|{file_name}|{sha256}"
    return hashlib.md5(identity.encode(), usedforsecurity=False).hexdigest()


def ingest_feed(
    connection: duckdb.DuckDBPyConnection, contract: Contract, dates: Sequence[date], settings: Settings, run_id: str
) -> list[IngestResult]:
    """Load the landing files of a feed for some business dates.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Read-write, on ``settings.warehouse``, in no transaction. There is one writer at a time, so that what an earlier
        one left in the scratch directory can be thrown away.
    contract : Contract
        The feed.
    dates : sequence of date
        Business dates; each is a unit, loaded and recorded before the next.
    settings : Settings
        Where landing and raw zone are.
    run_id : str
        Goes into the ledger.

    Returns
    -------
    list of IngestResult
        One per date. "unchanged" where the same files are loaded under the same version of the contract already, or
        the landing zone was purged; "restated" where other files were loaded before.

    Raises
    ------
    InputError
        If the files of a date cannot be accepted. Raw zone, ledger and warehouse are then as before that date.
    """
    create_ledger(connection)
    refresh_raw_view(connection, contract, settings)
    if not dates:
        return []
    loaded = loaded_days(connection, contract, dates)
    marks = read_marks(connection, contract, loaded, settings)
    scratch = settings.raw / _SCRATCH_NAME
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        # a connection of its own keeps temporary tables away from the caller's
        with connection.cursor() as reader:
            # the n-th row that DuckDB reads must be the n-th record of the file
            reader.execute("set preserve_insertion_order = true")
            loader = _Loader(connection, reader, contract, settings, scratch, run_id)
            return [loader.ingest(found, loaded.get(found), marks.get(found)) for found in dict.fromkeys(dates)]
    finally:
        shutil.rmtree(scratch)
        refresh_raw_view(connection, contract, settings)


@dataclass(frozen=True)
class _Loader:
    """Loads one feed, date by date."""

    connection: duckdb.DuckDBPyConnection
    reader: duckdb.DuckDBPyConnection
    contract: Contract
    settings: Settings
    scratch: Path
    run_id: str

    def ingest(self, business_date: date, loaded: LoadedDay | None, mark: DayMark | None) -> IngestResult:
        """Load one date, unless the landing zone holds nothing new."""
        landed = self._landed(business_date)
        if loaded is not None and self._is_unchanged(business_date, landed, loaded, mark):
            return IngestResult(self.contract.feed, business_date, "unchanged", len(loaded.names_by_id))
        if not landed:
            raise missing_files(self.contract, business_date, self.settings)
        if loaded is not None:
            self._refuse_partial_purge(business_date, landed, loaded)

        files = [SourceFile(file, identity, checked_sidecar(self.contract, file)) for identity, file in landed.items()]
        written = self.scratch / DAY_FILE_NAME
        content = read_day(self.reader, self.contract, business_date, files, self.scratch, written)
        replace_day(written, day_file(self.contract, business_date, self.settings))
        entries = [_entry(file, figures) for file, figures in zip(files, content.figures, strict=True)]
        record_load(self.connection, self.contract, business_date, entries, content.rejected_rows, loaded, self.run_id)
        _empty(self.scratch)
        return IngestResult(
            self.contract.feed,
            business_date,
            "loaded" if loaded is None else "restated",
            len(files),
            sum(entry.rows_read for entry in entries),
            sum(entry.rows_loaded for entry in entries),
            sum(entry.rows_rejected for entry in entries),
        )

    def _landed(self, business_date: date) -> dict[str, LandingFile]:
        """Hash the files of a date; return them by their identity."""
        refuse_incomplete_drop(self.contract, business_date, self.settings)
        directory = day_directory(self.contract, business_date, self.settings)
        files = [
            read_landing_file(directory / name) for name in matching_names(self.contract, business_date, self.settings)
        ]
        return {source_file_id(self.contract, business_date, file.path.name, file.sha256): file for file in files}

    def _is_unchanged(
        self, business_date: date, landed: dict[str, LandingFile], loaded: LoadedDay, mark: DayMark | None
    ) -> bool:
        recorded = DayMark(frozenset(loaded.names_by_id), loaded.contract_version)
        if landed:
            return mark == recorded == DayMark(frozenset(landed), self.contract.version)
        if mark == recorded:
            # the landing zone was purged, as it is now and then
            return True
        raise InputError(
            f"the raw zone does not hold what the ledger says of {self.contract.feed} on {business_date}",
            expected=f"rows of {', '.join(sorted(loaded.names_by_id.values()))}",
            found="no file" if mark is None else "rows of other files",
            where=str(day_file(self.contract, business_date, self.settings)),
            action=f"drop them again in {day_directory(self.contract, business_date, self.settings)}, which was purged",
        )

    def _refuse_partial_purge(self, business_date: date, landed: dict[str, LandingFile], loaded: LoadedDay) -> None:
        names = {file.path.name for file in landed.values()}
        loaded_names = set(loaded.names_by_id.values())
        if names < loaded_names:
            raise InputError(
                f"some files of {self.contract.feed} for {business_date} have vanished since they were loaded",
                expected=f"also {', '.join(sorted(loaded_names - names))}",
                found=f"only {', '.join(sorted(names))}",
                where=str(day_directory(self.contract, business_date, self.settings)),
                action="drop them again (with a header and no rows to withdraw a file), or purge the whole directory",
            )


def _entry(file: SourceFile, figures: FileFigures) -> LedgerEntry:
    sidecar = file.sidecar
    return LedgerEntry(
        source_file_id=file.source_file_id,
        file_name=file.landing.path.name,
        file_sha256=file.landing.sha256,
        file_bytes=file.landing.size,
        rows_read=figures.rows_read,
        rows_loaded=figures.rows_loaded,
        rows_rejected=figures.rows_read - figures.rows_loaded,
        control_rows=sidecar.rows if sidecar else None,
        control_amount=sidecar.amount_total if sidecar else None,
        loaded_amount=figures.loaded_amount,
        rejected_amount=figures.rejected_amount,
        extracted_at=sidecar.extracted_at if sidecar else None,
    )


def _empty(directory: Path) -> None:
    for path in directory.iterdir():
        path.unlink()
