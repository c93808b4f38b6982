"""DuckDB's part of reading a day: texts in, one Parquet file of typed rows out, and its measures.

Belongs here: the SQL that reads delimited texts, writes the Parquet file and counts what is in it. Does not belong
here: what a cell must keep (``validation``), and what to do about rows that do not (``reading``, ``rejecting``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from pipeline.extracts.contracts import SOURCE_FILE_COLUMN, Contract
from pipeline.extracts.landing import LandingFile, Sidecar
from pipeline.extracts.raw_zone import DayMark
from pipeline.extracts.records import LONGEST_RECORD_BYTES
from pipeline.extracts.validation import sql_name, sql_text


@dataclass(frozen=True)
class SourceFile:
    """A data file with its identity and what its sender says of it."""

    landing: LandingFile
    source_file_id: str
    sidecar: Sidecar | None


@dataclass(frozen=True)
class Text:
    """A UTF-8 text that DuckDB can read: the landing file itself, or what was made from it."""

    path: Path
    compression: str
    has_header: bool


@dataclass(frozen=True)
class FileFigures:
    """What became of one file; amounts are None where the contract names no control amount."""

    rows_read: int
    rows_loaded: int
    loaded_amount: Decimal | None
    rejected_amount: Decimal | None


@dataclass(frozen=True)
class Written:
    """The measures of a Parquet file: rows and total amount by source file, and whether keys may come twice."""

    rows: dict[str, int]
    amounts: dict[str, Decimal]
    may_have_duplicate_keys: bool


def rows_of_text(contract: Contract, text: Text) -> str:
    """Return a SQL table expression: the records of a text, every column as it stands there, empty ones null.

    Reading fails at a record with too few or too many fields, at quotes that do not pair up, and at bytes that are not
    UTF-8.
    """
    columns = ", ".join(f"{sql_text(column.name)}: 'VARCHAR'" for column in contract.columns)
    return (
        f"read_csv({sql_text(str(text.path))}, auto_detect = false, header = {text.has_header}, "
        f"delim = {sql_text(contract.file.delimiter)}, quote = '\"', escape = '\"', strict_mode = true, "
        f"max_line_size = {LONGEST_RECORD_BYTES}, compression = '{text.compression}', columns = {{{columns}}})"
    )


def rows_of_day(contract: Contract, files: Sequence[SourceFile], texts: Sequence[Text]) -> str:
    """Return a SQL query: the records of all files of a day in their order, with ``source_file_id``."""
    return " union all ".join(
        f"select *, {sql_text(file.source_file_id)} as {SOURCE_FILE_COLUMN} from {rows_of_text(contract, text)}"
        for file, text in zip(files, texts, strict=True)
    )


def write_parquet(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    expressions: Sequence[str],
    rows: str,
    mark: DayMark,
    target: Path,
) -> None:
    """Write rows as the Parquet file of a day.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Any.
    contract : Contract
        The feed.
    expressions : sequence of str
        One SQL expression per column of the contract.
    rows : str
        What follows ``from``: the rows, with ``source_file_id``, and conditions on them.
    mark : DayMark
        What the rows are made from.
    target : Path
        The file to write.
    """
    columns = ", ".join(
        f"{expression} as {sql_name(column.name)}"
        for expression, column in zip(expressions, contract.columns, strict=True)
    )
    connection.execute(
        f"copy (select {columns}, {SOURCE_FILE_COLUMN} from {rows}) to {sql_text(str(target))}"
        f" (format parquet, compression zstd, {mark.sql_options})"
    )


def measure(connection: duckdb.DuckDBPyConnection, contract: Contract, target: Path) -> Written:
    """Count the rows, add up the amounts and look for duplicate keys in the Parquet file of a day."""
    amount = contract.control.amount_column
    total = f"coalesce(sum({sql_name(amount)}), 0)" if amount else "null"
    keys = ", ".join(sql_name(name) for name in contract.key)
    rows = sql_text(str(target))
    found = connection.execute(
        f"select {SOURCE_FILE_COLUMN}, count(*), {total},"
        # equal hashes of different keys are possible; whoever acts on this looks at the keys themselves
        f" (select count(*) <> count(distinct hash({keys})) from {rows})"
        f" from {rows} group by {SOURCE_FILE_COLUMN}"
    ).fetchall()
    return Written(
        rows={source: count for source, count, _, _ in found},
        amounts={source: sum_ for source, _, sum_, _ in found} if amount else {},
        may_have_duplicate_keys=any(repeated for *_, repeated in found),
    )
