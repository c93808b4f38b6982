"""Drop relations into the landing zone, as a source system would: the file its contract describes, then its sidecar.

Belongs here: rendering rows as text, encoding, compression, control sidecar, atomic replacement. Does not belong here:
what is in the rows (the simulator, the adapters) and everything that reads landing files (ingestion).

One pass does all: DuckDB renders each row as one line of text, Arrow hands the lines over in contiguous buffers, and
those bytes are encoded, compressed and hashed on their way to the file, so that memory stays small for any file size.
"""

import hashlib
import itertools
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import zstandard

from pipeline.extracts.contracts import SIDECAR_EXTENSION, Contract

ROWS_PER_BATCH = 100_000
EXTRACTED_AFTER_CLOSE = time(1, 0)
# Level 3 is twice as fast as zlib's default 6, its files 14 % larger (30 MB of card and counter transactions).
GZIP_LEVEL = 3
ZSTD_LEVEL = 3
GZIP_CONTAINER = 31

FILE_DATE = "_file_date"
LINE = "_line"
AMOUNT = "_amount"


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Stored:
    """The compressor of a contract without compression."""

    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


# zlib's gzip container carries mtime 0, so the same rows give the same bytes
_COMPRESSORS: dict[str, Callable[[], _Compressor]] = {
    "none": _Stored,
    "gzip": lambda: zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_CONTAINER),
    "zstd": lambda: zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj(),
}


def default_extracted_at(business_date: date) -> datetime:
    """One hour after the end of the business date, UTC: when a source system is supposed to extract."""
    return datetime.combine(business_date + timedelta(days=1), EXTRACTED_AFTER_CLOSE, tzinfo=UTC)


def write_drop(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    business_date: date,
    query: str,
    landing: Path,
    extracted_at: datetime | None = None,
    unreadable_lines: Sequence[str] = (),
) -> Path:
    """Export one relation as the file of one feed and business date.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Where the relation lives.
    contract : Contract
        Describes the file.
    business_date : date
        The date the file stands for.
    query : str
        SELECT whose columns include the contract's columns by name; they are cast to the contract's types. The order
        of its rows is the order of the file: give it an ORDER BY where bytes shall be reproducible.
    landing : Path
        The landing zone; the file goes to ``<feed>/<business_date>/``.
    extracted_at : datetime, optional
        Moment of extraction for the sidecar, by default 01:00 UTC of the next day.
    unreadable_lines : sequence of str
        Records appended word for word after the rows; the sidecar counts them in ``rows``, not in ``amount_total``.

    Returns
    -------
    Path
        The data file. A file that stood there is replaced atomically; the sidecar is written last.

    Raises
    ------
    duckdb.Error, OSError
        If the query fails at once, or on its way. What stood there stays.
    """
    drop_file = _DropFile(contract, business_date, landing, extracted_at or default_extracted_at(business_date))
    try:
        for _, text, rows, amount in _rendered(connection, _typed(contract, query)):
            drop_file.write(text, rows, amount)
        for line in unreadable_lines:
            drop_file.write(f"{line}\n".encode(), 1, Decimal(0))
        return drop_file.close()
    finally:
        drop_file.abandon()


def write_drops(
    connection: duckdb.DuckDBPyConnection, contract: Contract, dates: Sequence[date], query: str, landing: Path
) -> list[Path]:
    """Export one relation as the files of many dates, in one pass; a date without rows gets a file without rows.

    Parameters
    ----------
    connection, contract, landing
        As in `write_drop`.
    dates : sequence of date
        The dates to drop, ascending.
    query : str
        As in `write_drop`, with one column more, ``file_date``: the date of the file the row goes to. Rows must come
        in ascending order of it.

    Returns
    -------
    list of Path
        The data files, one per date.

    Raises
    ------
    ValueError
        If a row's ``file_date`` is not among the dates, or the rows are not in their order.
    """
    return write_rendered_drops(connection, contract, dates, _typed(contract, query, file_date="file_date"), landing)


def write_rendered_drops(
    connection: duckdb.DuckDBPyConnection, contract: Contract, dates: Sequence[date], query: str, landing: Path
) -> list[Path]:
    """Like `write_drops`, for rows that are text already: what a contract would reject can be dropped, too.

    The query has the columns ``_file_date`` (date), ``_line`` (the record as text with its line end) and ``_amount``
    (decimal(18,2): what the record adds to the sidecar's total). `row_text` renders such lines.
    """

    def open_file(business_date: date) -> _DropFile:
        return _DropFile(contract, business_date, landing, default_extracted_at(business_date))

    paths = []
    remaining = deque(dates)
    current: _DropFile | None = None
    try:
        for file_date, text, rows, amount in _rendered(connection, query):
            while current is None or current.business_date != file_date:
                if current is not None:
                    paths.append(current.close())
                if not remaining:
                    raise ValueError(f"{contract.feed}: {file_date} is not among the dates to drop, or out of order")
                current = open_file(remaining.popleft())
            current.write(text, rows, amount)
        if current is not None:
            paths.append(current.close())
        paths.extend(open_file(business_date).close() for business_date in remaining)
    finally:
        if current is not None:
            current.abandon()
    return paths


def row_text(contract: Contract) -> str:
    """Return the SQL expression of a row as one line of the file, line end included; columns are found by name.

    Text is quoted only where it must be; null and the empty string are both written as nothing.
    """
    delimiter = contract.file.delimiter
    must_quote = f"'[\"\\r\\n\\x{ord(delimiter):02x}]'"
    text_columns = [column.name for column in contract.columns if column.type == "string"]
    separator = f", '{delimiter}', "
    plain = separator.join(f'"{name}"' for name in contract.column_names)
    if not text_columns:
        return f"concat({plain}, chr(10))"
    quoted = separator.join(
        _quoted_where_needed(f'"{name}"', must_quote) if name in text_columns else f'"{name}"'
        for name in contract.column_names
    )
    all_text = ", ".join(f'"{name}"' for name in text_columns)
    return f"if(regexp_matches(concat({all_text}), {must_quote}), concat({quoted}, chr(10)), concat({plain}, chr(10)))"


def _quoted_where_needed(text: str, must_quote: str) -> str:
    return f"""if(regexp_matches({text}, {must_quote}), concat('"', replace({text}, '"', '""'), '"'), {text})"""


def _typed(contract: Contract, query: str, file_date: str = "cast(null as date)") -> str:
    casts = ", ".join(
        f'cast("{column.name}" as {column.duckdb_type}) as "{column.name}"' for column in contract.columns
    )
    amount_column = contract.control.amount_column
    amount = f'"{amount_column}"' if amount_column else "cast(0 as decimal(18,2))"
    return (
        f"select {FILE_DATE}, {row_text(contract)} as {LINE}, {amount} as {AMOUNT} "
        f"from (select {file_date} as {FILE_DATE}, {casts} from ({query}))"
    )


def _rendered(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[date | None, bytes, int, Decimal]]:
    """Yield (file date, text of consecutive rows, number of rows, sum of amounts), in the order of the rows."""
    reader = connection.sql(query).to_arrow_reader(ROWS_PER_BATCH)
    for batch in reader:
        if batch.num_rows == 0:
            continue
        days = batch.column(FILE_DATE).cast(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False)
        starts = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), batch.num_rows]
        for start, end in itertools.pairwise(starts):
            part = batch.slice(start, end - start)
            amount = pc.sum(part.column(AMOUNT)).as_py() or Decimal(0)
            yield part.column(FILE_DATE)[0].as_py(), _text_of(part.column(LINE)), end - start, amount


def _text_of(lines: pa.StringArray) -> bytes:
    """Return the texts of an array without nulls, one after the other: a cut from its data buffer."""
    _, offsets, text = lines.buffers()
    first, last = (np.frombuffer(offsets, dtype=np.int32)[i] for i in (lines.offset, lines.offset + len(lines)))
    return memoryview(text)[first:last].tobytes()


class _DropFile:
    """A landing file while it is written, under a temporary name that no contract's pattern matches."""

    def __init__(self, contract: Contract, business_date: date, landing: Path, extracted_at: datetime) -> None:
        folder = landing / contract.feed / business_date.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        self.business_date = business_date
        self.path = folder / contract.file_name(business_date)
        self._contract = contract
        self._extracted_at = extracted_at
        self._rows = 0
        self._amount_total = Decimal("0.00")
        self._sha256 = hashlib.sha256()
        self._compressor = _COMPRESSORS[contract.file.compression]()
        self._temporary_path = folder / f".{self.path.name}.partial"
        self._temporary_file = self._temporary_path.open("wb")
        if contract.file.header:
            self._append(f"{contract.file.delimiter.join(contract.column_names)}\n".encode())

    def write(self, text: bytes, rows: int, amount: Decimal) -> None:
        """Append whole records, given as UTF-8."""
        self._append(text)
        self._rows += rows
        self._amount_total += amount

    def close(self) -> Path:
        """Put the file in its place, then its sidecar."""
        self._put(self._compressor.flush())
        self._temporary_file.close()
        self._temporary_path.replace(self.path)
        if self._contract.control.sidecar != "none":
            sidecar = self.path.with_name(self.path.name + SIDECAR_EXTENSION)
            temporary = sidecar.with_name(f".{sidecar.name}.partial")
            temporary.write_text(self._sidecar_text(), encoding="utf-8")
            temporary.replace(sidecar)
        return self.path

    def abandon(self) -> None:
        """Leave no trace of a file that could not be finished."""
        self._temporary_file.close()
        self._temporary_path.unlink(missing_ok=True)

    def _append(self, text: bytes) -> None:
        encoding = self._contract.file.encoding
        if encoding != "UTF-8" and not text.isascii():
            text = text.decode("utf-8").encode(encoding)
        self._put(self._compressor.compress(text))

    def _put(self, data: bytes) -> None:
        self._sha256.update(data)
        self._temporary_file.write(data)

    def _sidecar_text(self) -> str:
        lines = [f"file={self.path.name}", f"rows={self._rows}"]
        if self._contract.control.amount_column:
            lines.append(f"amount_total={self._amount_total}")
        lines.append(f"sha256={self._sha256.hexdigest()}")
        lines.append(f"extracted_at={self._extracted_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
        return "\n".join(lines) + "\n"
