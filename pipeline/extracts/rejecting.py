"""The long way to read a day: find every record that breaks the contract, with its line, and load the others.

Belongs here: locating bad records, the limits on how many and which may be rejected, the table of rejected rows. Does
not belong here: the rules for a cell (``validation``) and where records begin and end (``records``).

Records with the wrong number of fields are found in the bytes and left out of the text that DuckDB reads; then the n-th
row that DuckDB reads is the n-th whole record, and every row found bad in SQL leads back to its line and raw text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.extracts.contracts import SOURCE_FILE_COLUMN, Contract
from pipeline.extracts.controls import check_amount, check_row_count
from pipeline.extracts.conversion import (
    FileFigures,
    SourceFile,
    Text,
    Written,
    measure,
    rows_of_day,
    rows_of_text,
    write_parquet,
)
from pipeline.extracts.decoding import write_plain_text
from pipeline.extracts.landing import ASK_AGAIN
from pipeline.extracts.ledger import REJECTED_ROWS_SCHEMA
from pipeline.extracts.raw_zone import DayMark
from pipeline.extracts.records import LONGEST_RECORD_BYTES, Records, cut_records
from pipeline.extracts.validation import (
    is_on_another_date,
    readable_amount,
    row_findings,
    row_is_valid,
    sql_name,
    sql_text,
    typed_columns,
)

_EXAMPLES = 5
_QUOTE_BY_THE_BOOK = "have the file dropped again with every text in quotes and quotes within texts doubled"
_NOTHING = Decimal("0.00")
_RECORDS_PER_PIECE = 200_000


@dataclass(frozen=True)
class _CutFile:
    """A file cut into records, and the text, with only the whole records, that DuckDB reads.

    ``whole`` are the indices of the records with all fields, ``broken`` those of the others.
    """

    file: SourceFile
    plain: Path
    records: Records
    whole: NDArray[np.int64]
    broken: NDArray[np.int64]
    text: Text

    @property
    def name(self) -> str:
        return self.file.landing.path.name

    def why_broken(self, index: int) -> str:
        fields = self.records.fields[index]
        return f"has {fields} fields" if fields else "has a carriage return within the line"

    def line_of(self, ordinal: int) -> int:
        """Return the line of the n-th row that DuckDB reads, n from 1."""
        return int(self.records.line[self.whole[ordinal - 1]])

    def raw_texts(self, indices: Sequence[int]) -> Iterator[str]:
        with self.plain.open("rb") as text:
            for index in indices:
                text.seek(self.records.start[index])
                yield text.read(self.records.end[index] - self.records.start[index]).decode("utf-8")


def read_with_rejects(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    business_date: date,
    files: Sequence[SourceFile],
    texts: Sequence[Text],
    mark: DayMark,
    scratch: Path,
    target: Path,
) -> tuple[list[FileFigures], pa.Table | None]:
    """Write the valid rows of a day as a Parquet file and account for the others.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Any; gets temporary tables.
    contract : Contract
        What every row is judged by, and how many and which bad ones are tolerated.
    business_date : date
        The date that the files stand for.
    files, texts : sequences
        The files and their texts, in the same order.
    mark : DayMark
        What the Parquet file is made from.
    scratch : Path
        A directory for intermediate texts.
    target : Path
        The Parquet file to write.

    Returns
    -------
    list of FileFigures
        In the order of the files.
    pyarrow.Table or None
        As of ``ledger.REJECTED_ROWS_SCHEMA``, by file and line; None where every row is good.

    Raises
    ------
    InputError
        If a file is incomplete, wrongly encoded or contradicts its sidecar, or bad rows are not tolerable.
    """
    cuts = [
        _cut(contract, file, text, scratch / str(index))
        for index, (file, text) in enumerate(zip(files, texts, strict=True))
    ]
    for cut in cuts:
        check_row_count(cut.file, len(cut.records))
    day = _Day(connection, contract, business_date, cuts)
    try:
        day.find_faults()
    except duckdb.InvalidInputException as error:
        raise _unreadable(contract, files, error) from None
    if contract.on_wrong_date == "fail":
        day.refuse_wrong_dates()
    day.refuse_too_many()
    written = day.write_valid(mark, target)
    if written.may_have_duplicate_keys:
        day.find_duplicates(target)
        if contract.on_duplicate_key == "fail":
            day.refuse_duplicates()
        day.refuse_too_many()
        written = day.write_without_faults(mark, target)
    return day.figures(written), day.rejected_rows()


def _cut(contract: Contract, file: SourceFile, text: Text, scratch: Path) -> _CutFile:
    name = str(file.landing.path)
    if text.path == file.landing.path:
        # also where it is plain already: this is what proves the encoding and the end of the compressed stream
        plain = scratch.with_suffix(".plain")
        write_plain_text(contract, file.landing.path, plain)
    else:
        plain = text.path
    records = cut_records(plain, name, contract.file.delimiter, len(contract.columns), contract.file.header)
    is_whole = records.fields == len(contract.columns)
    if is_whole.all() and records.has_one_line_end:
        text = Text(plain, "none", contract.file.header)
    else:
        text = Text(scratch.with_suffix(".whole"), "none", has_header=True)
        _write_whole_records(contract, plain, records, is_whole, text.path)
    return _CutFile(file, plain, records, np.flatnonzero(is_whole), np.flatnonzero(~is_whole), text)


def _write_whole_records(
    contract: Contract, plain: Path, records: Records, is_whole: NDArray[np.bool_], target: Path
) -> None:
    """Write the whole records as a text, each ended by a line feed.

    It has a header, because DuckDB takes the first line end in a file, be it in a quoted text, for that of all lines.
    """
    text = np.memmap(plain, dtype=np.uint8, mode="r")
    with target.open("wb") as file:
        file.write(contract.file.delimiter.join(contract.column_names).encode() + b"\n")
        for first in range(0, len(records), _RECORDS_PER_PIECE):
            piece = slice(first, first + _RECORDS_PER_PIECE)
            kept = is_whole[piece]
            starts, ends = records.start[piece][kept], records.end[piece][kept]
            if not len(starts):
                continue
            base = starts[0]
            # each record takes with it the byte behind, its line end; the last record of a file may have none
            content = np.append(text[base : ends[-1]], np.uint8(0))
            borders = np.zeros(len(content) + 1, dtype=np.int8)
            borders[starts - base] += 1
            borders[ends - base + 1] -= 1
            content[ends - base] = ord("\n")
            file.write(content[np.cumsum(borders[:-1], dtype=np.int8) > 0].tobytes())


@dataclass(frozen=True)
class _Day:
    """The bad records of one day: the broken ones of each file, and those in the temporary table ``faults``."""

    connection: duckdb.DuckDBPyConnection
    contract: Contract
    business_date: date
    cuts: list[_CutFile]

    @property
    def _numbered_rows(self) -> str:
        rows = " union all ".join(
            f"select {index} as file_index, row_number() over () as ordinal, *,"
            f" {sql_text(cut.file.source_file_id)} as {SOURCE_FILE_COLUMN}"
            f" from {rows_of_text(self.contract, cut.text)}"
            for index, cut in enumerate(self.cuts)
        )
        return f"({rows})"

    @property
    def _is_valid(self) -> str:
        return row_is_valid(self.contract, self.business_date)

    def find_faults(self) -> None:
        """Fill the temporary table ``faults``: one row for each whole record whose cells break the contract."""
        self.connection.execute(f"""
            create or replace temp table faults as
            with judged as (
                select
                    file_index,
                    ordinal,
                    {row_findings(self.contract, self.business_date)} as findings,
                    {readable_amount(self.contract)} as amount,
                    {is_on_another_date(self.contract, self.business_date)} as is_on_another_date,
                from {self._numbered_rows}
                where not ({self._is_valid})
            )
            select
                file_index,
                ordinal,
                findings[1].column_name as column_name,
                array_to_string(
                    list_transform(findings, lambda finding: finding.column_name || ' ' || finding.reason), '; '
                ) as reason,
                amount,
                is_on_another_date,
                false as is_duplicate,
            from judged
        """)

    def find_duplicates(self, target: Path) -> None:
        """Add to ``faults`` each valid record whose key came before on the day, by file name and line."""
        typed = dict(zip(self.contract.column_names, typed_columns(self.contract), strict=True))
        keys = ", ".join(sql_name(name) for name in self.contract.key)
        typed_keys = ", ".join(f"{typed[name]} as {sql_name(name)}" for name in self.contract.key)
        told_keys = " || ', ' || ".join(f"'{name} ' || {sql_name(name)}" for name in self.contract.key)
        self.connection.execute(f"""
            create or replace temp table repeated as
            with repeated_keys as (
                select {keys} from {sql_text(str(target))} group by all having count(*) > 1
            ),
            valid as (
                select file_index, ordinal, {typed_keys}, {readable_amount(self.contract)} as amount
                from {self._numbered_rows}
                where {self._is_valid}
            )
            select
                file_index,
                ordinal,
                first_value(file_index) over same_key as first_file_index,
                first_value(ordinal) over same_key as first_ordinal,
                {told_keys} as told_key,
                amount,
            from valid semi join repeated_keys using ({keys})
            window same_key as (partition by {keys} order by file_index, ordinal)
        """)
        firsts = self.connection.execute("select distinct first_file_index, first_ordinal from repeated").fetchall()
        places = pa.table(
            {
                "first_file_index": pa.array([index for index, _ in firsts], pa.int32()),
                "first_ordinal": pa.array([ordinal for _, ordinal in firsts], pa.int64()),
                "place": pa.array(
                    [f"{self.cuts[index].name} line {self.cuts[index].line_of(ordinal)}" for index, ordinal in firsts],
                    pa.string(),
                ),
            }
        )
        self.connection.register("places_of_firsts", places)
        self.connection.execute(f"""
            insert into faults
            select
                file_index, ordinal, {sql_text(self.contract.key[0])},
                told_key || ' repeats the key of ' || place, amount, false, true
            from repeated join places_of_firsts using (first_file_index, first_ordinal)
            where (file_index, ordinal) <> (first_file_index, first_ordinal)
        """)
        self.connection.unregister("places_of_firsts")

    def refuse_wrong_dates(self) -> None:
        """Raise where records are of another date than their file."""
        count = self._count("where is_on_another_date")
        if count:
            raise InputError(
                f"records of {self.contract.feed} are of another date than their file",
                expected=f"{self.contract.business_date_column} {self.business_date} in every record",
                found=self._told(count, self._examples("where is_on_another_date")),
                where=self._where,
                action=ASK_AGAIN,
            )

    def refuse_duplicates(self) -> None:
        """Raise where keys come twice."""
        count = self._count("where is_duplicate")
        if count:
            raise InputError(
                f"a key of {self.contract.feed} comes twice",
                expected=f"one record for each {', '.join(self.contract.key)} in the files of {self.business_date}",
                found=self._told(count, self._examples("where is_duplicate")),
                where=self._where,
                action=ASK_AGAIN,
            )

    def refuse_too_many(self) -> None:
        """Raise where more records are bad than the contract tolerates."""
        read = sum(len(cut.records) for cut in self.cuts)
        rejected = sum(len(cut.broken) for cut in self.cuts) + self._count("")
        tolerated = self.contract.tolerated_reject_share
        if rejected > tolerated * read:
            broken = [
                (cut.name, int(cut.records.line[index]), cut.why_broken(index))
                for cut in self.cuts
                for index in cut.broken[:_EXAMPLES]
            ]
            raise InputError(
                f"too many records of {self.contract.feed} break the contract",
                expected=f"at most {tolerated:%} of {read:,} records",
                found=self._told(rejected, sorted(broken + self._examples(""))),
                where=self._where,
                action="have the files mended and dropped again, or change the contract if the data are right",
            )

    def write_valid(self, mark: DayMark, target: Path) -> Written:
        """Write every valid record."""
        files, texts = [cut.file for cut in self.cuts], [cut.text for cut in self.cuts]
        return self._write(f"({rows_of_day(self.contract, files, texts)}) where {self._is_valid}", mark, target)

    def write_without_faults(self, mark: DayMark, target: Path) -> Written:
        """Write every record that is not in ``faults``; slower, because DuckDB must number the records."""
        return self._write(f"{self._numbered_rows} anti join faults using (file_index, ordinal)", mark, target)

    def _write(self, rows: str, mark: DayMark, target: Path) -> Written:
        """Write rows; make sure that with ``faults`` they are all that the file has."""
        write_parquet(self.connection, self.contract, typed_columns(self.contract), rows, mark, target)
        written = measure(self.connection, self.contract, target)
        faulty = self._by_file("count(*)")
        for index, cut in enumerate(self.cuts):
            seen = written.rows.get(cut.file.source_file_id, 0) + faulty.get(index, 0)
            if seen != len(cut.whole):
                raise _ambiguous(self.contract, cut, f"{seen:,} by DuckDB's reader")
        return written

    def figures(self, written: Written) -> list[FileFigures]:
        """Account for each file; compare its amounts with its sidecar."""
        if self.contract.control.amount_column is None:
            return [
                FileFigures(len(cut.records), written.rows.get(cut.file.source_file_id, 0), None, None)
                for cut in self.cuts
            ]
        amounts = self._by_file("coalesce(sum(amount), 0)")
        unreadable = self._by_file("count(*) - count(amount)")
        figures = []
        for index, cut in enumerate(self.cuts):
            source = cut.file.source_file_id
            loaded_amount = written.amounts.get(source, _NOTHING)
            rejected_amount = amounts.get(index, _NOTHING)
            sidecar = cut.file.sidecar
            if sidecar and sidecar.amount_total is not None and (len(cut.broken) or unreadable.get(index)):
                # the hash proves the bytes; the amounts that cannot be read in them are the rest of the sender's total
                rejected_amount = sidecar.amount_total - loaded_amount
            check_amount(cut.file, loaded_amount + rejected_amount)
            figures.append(FileFigures(len(cut.records), written.rows.get(source, 0), loaded_amount, rejected_amount))
        return figures

    def rejected_rows(self) -> pa.Table | None:
        """List the bad records by file and line, with their raw text."""
        rows: list[dict[str, object]] = []
        for file_index, cut in enumerate(self.cuts):
            found = self.connection.execute(
                "select ordinal, column_name, reason from faults where file_index = ?", [file_index]
            ).fetchall()
            reasons = {int(cut.whole[ordinal - 1]): (column_name, reason) for ordinal, column_name, reason in found}
            reasons |= {int(index): (None, cut.why_broken(index)) for index in cut.broken}
            indices = sorted(reasons)
            rows += [
                {
                    "source_file_id": cut.file.source_file_id,
                    "feed": self.contract.feed,
                    "business_date": self.business_date,
                    "file_name": cut.name,
                    "line_number": int(cut.records.line[index]),
                    "column_name": reasons[index][0],
                    "reason": reasons[index][1],
                    "raw_text": raw_text,
                }
                for index, raw_text in zip(indices, cut.raw_texts(indices), strict=True)
            ]
        return pa.Table.from_pylist(rows, schema=REJECTED_ROWS_SCHEMA) if rows else None

    def _count(self, condition: str) -> int:
        ((count,),) = self.connection.execute(f"select count(*) from faults {condition}").fetchall()
        return int(count)

    def _by_file(self, aggregate: str) -> dict[int, Any]:
        return dict(
            self.connection.execute(f"select file_index, {aggregate} from faults group by file_index").fetchall()
        )

    def _examples(self, condition: str) -> list[tuple[str, int, str]]:
        """Return the first few faults as file name, line and reason."""
        rows = self.connection.execute(
            f"select file_index, ordinal, reason from faults {condition} order by file_index, ordinal limit {_EXAMPLES}"
        ).fetchall()
        return [(self.cuts[index].name, self.cuts[index].line_of(ordinal), reason) for index, ordinal, reason in rows]

    def _told(self, count: int, examples: Sequence[tuple[str, int, str]]) -> str:
        lines = "; ".join(f"{name} line {line}: {reason}" for name, line, reason in examples[:_EXAMPLES])
        return f"{count:,} records: {lines}{'; and so on' if count > _EXAMPLES else ''}"

    @property
    def _where(self) -> str:
        return ", ".join(str(cut.file.landing.path) for cut in self.cuts)


def _unreadable(contract: Contract, files: Sequence[SourceFile], error: duckdb.Error) -> InputError:
    # the lines behind the first quote the data, which may be personal
    return InputError(
        f"DuckDB cannot read the records of {contract.feed}",
        expected=f"records of {len(contract.columns)} fields, none longer than {LONGEST_RECORD_BYTES:,} bytes",
        found=str(error).splitlines()[0],
        where=", ".join(str(file.landing.path) for file in files),
        action=_QUOTE_BY_THE_BOOK,
    )


def _ambiguous(contract: Contract, cut: _CutFile, found: str) -> InputError:
    return InputError(
        "a file cannot be cut into records in one way only",
        expected=f"{len(cut.whole):,} records of {len(contract.columns)} fields, by the rules of RFC 4180",
        found=found,
        where=str(cut.file.landing.path),
        action=_QUOTE_BY_THE_BOOK,
    )
