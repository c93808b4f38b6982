"""From the files of one feed and date to one Parquet file of valid rows, and an account of what was rejected.

Belongs here: the short way. DuckDB streams the files into Parquet and stops at the first row that breaks the contract;
most days are clean, and then reading costs little more than a bare conversion. Does not belong here: the long way for
days with bad rows (``rejecting``), and what becomes of the result (``ingest``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.extracts.contracts import Contract
from pipeline.extracts.controls import check_amount
from pipeline.extracts.conversion import FileFigures, SourceFile, Text, Written, measure, rows_of_day, write_parquet
from pipeline.extracts.decoding import check_complete, check_header, write_plain_text
from pipeline.extracts.raw_zone import DayMark
from pipeline.extracts.rejecting import read_with_rejects
from pipeline.extracts.validation import row_is_valid, sql_text, typed_columns

_BAD_ROW = "a row breaks the contract"


@dataclass(frozen=True)
class DayContent:
    """The outcome of reading a day: figures in the order of the files, and the rejected rows where there are any."""

    figures: list[FileFigures]
    rejected_rows: pa.Table | None


def read_day(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    business_date: date,
    files: Sequence[SourceFile],
    scratch: Path,
    target: Path,
) -> DayContent:
    """Read all files of a feed and date; write the valid rows as one Parquet file, give an account of the others.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Any; gets temporary tables.
    contract : Contract
        What every row is judged by.
    business_date : date
        The date that the files stand for.
    files : sequence of SourceFile
        At least one; together they are the day.
    scratch : Path
        A directory for intermediate texts, which the caller empties.
    target : Path
        The Parquet file to write.

    Returns
    -------
    DayContent
        For each file, rows read = rows loaded + rows rejected, and the amounts agree with the sidecar.

    Raises
    ------
    InputError
        If a file has another layout, is incomplete, is wrongly encoded or contradicts its sidecar; or if bad rows are
        more, or worse, than the contract tolerates.
    """
    for file in files:
        check_header(contract, file.landing.path)
        if file.sidecar is None:
            check_complete(file.landing.path, contract.file.compression)
    mark = DayMark(frozenset(file.source_file_id for file in files), contract.version)
    texts = [_readable_text(contract, file, scratch / f"{index}.txt") for index, file in enumerate(files)]
    written = _write_if_all_valid(connection, contract, business_date, files, texts, mark, target)
    if written is None or written.may_have_duplicate_keys or not _agrees(files, written):
        return DayContent(*read_with_rejects(connection, contract, business_date, files, texts, mark, scratch, target))
    return DayContent([_figures(contract, file, written) for file in files], None)


def _readable_text(contract: Contract, file: SourceFile, transcoded: Path) -> Text:
    if contract.file.encoding == "UTF-8":
        return Text(file.landing.path, contract.file.compression, contract.file.header)
    write_plain_text(contract, file.landing.path, transcoded)
    return Text(transcoded, "none", contract.file.header)


def _write_if_all_valid(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    business_date: date,
    files: Sequence[SourceFile],
    texts: Sequence[Text],
    mark: DayMark,
    target: Path,
) -> Written | None:
    first, *others = typed_columns(contract)
    # judged in the list of columns, not in a filter, so that DuckDB casts each cell once
    judged = f"case when {row_is_valid(contract, business_date)} then {first} else error({sql_text(_BAD_ROW)}) end"
    rows = f"({rows_of_day(contract, files, texts)})"
    try:
        write_parquet(connection, contract, [judged, *others], rows, mark, target)
    except duckdb.Error:
        # whatever it was, the long way meets it again and can tell where
        return None
    return measure(connection, contract, target)


def _agrees(files: Sequence[SourceFile], written: Written) -> bool:
    return all(file.sidecar is None or file.sidecar.rows == written.rows.get(file.source_file_id, 0) for file in files)


def _figures(contract: Contract, file: SourceFile, written: Written) -> FileFigures:
    rows = written.rows.get(file.source_file_id, 0)
    if contract.control.amount_column is None:
        return FileFigures(rows, rows, None, None)
    amount = written.amounts.get(file.source_file_id, Decimal("0.00"))
    check_amount(file, amount)
    return FileFigures(rows, rows, amount, Decimal("0.00"))
