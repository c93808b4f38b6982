"""The files of the PKDD'99 Czech bank as published, read strictly into typed DuckDB tables.

Belongs here: the layout of each ``.asc`` file and the check that every line of it keeps that layout. Does not belong
here: what the codes mean and which feed a record goes to (``berka``).

Data set: https://sorry.vse.cz/~berka/challenge/pkdd1999/berka.htm
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.errors import InputError

# How a field is written, and the SQL that turns its text into a value. All dates of the data set lie in the 1900s.
_PATTERNS = {
    "number": "[0-9]+",
    "count": "[0-9]{1,9}",
    "money": r"-?[0-9]{1,16}(?:\.[0-9]{1,2})?",
    "date": "[0-9]{6}",
    "midnight": "[0-9]{6} 00:00:00",
    "birth_number": '"[0-9]{6}"',
    "text": '(?:"[^"]*")?',
    "any": '"[^"]*"|[^;"]*',
}
_VALUES = {
    "number": "{0}",
    "count": "cast({0} as bigint)",
    "money": "cast({0} as decimal(18, 2))",
    "date": "cast(try_strptime('19' || {0}, '%Y%m%d') as date)",
    "midnight": "cast(try_strptime('19' || left({0}, 6), '%Y%m%d') as date)",
    "birth_number": "trim({0}, '\"')",
    "text": "trim(trim({0}, '\"'))",
    "any": "trim(trim({0}, '\"'))",
}
_DATE_KINDS = ("date", "midnight")
_LINES_TOLD = 3


@dataclass(frozen=True)
class Layout:
    """One file: its table, the columns in order with the kind of each, and whether its last line may be cut off."""

    table: str
    columns: dict[str, str]
    may_be_cut: bool = False

    @property
    def file(self) -> str:
        """Return the name of the file."""
        return f"{self.table}.asc"

    @property
    def key(self) -> str:
        """Return the first column: it numbers the records of its file and is never empty."""
        return next(iter(self.columns))


LAYOUTS = (
    Layout(
        "account",
        {"account_id": "number", "district_id": "number", "frequency": "text", "date": "date"},
    ),
    Layout("card", {"card_id": "number", "disp_id": "number", "type": "text", "issued": "midnight"}),
    Layout("client", {"client_id": "number", "birth_number": "birth_number", "district_id": "number"}),
    Layout("disp", {"disp_id": "number", "client_id": "number", "account_id": "number", "type": "text"}),
    Layout("district", {"A1": "number", **{f"A{position}": "any" for position in range(2, 17)}}),
    Layout(
        "loan",
        {
            "loan_id": "number",
            "account_id": "number",
            "date": "date",
            "amount": "money",
            "duration": "count",
            "payments": "money",
            "status": "text",
        },
    ),
    Layout(
        "order",
        {
            "order_id": "number",
            "account_id": "number",
            "bank_to": "text",
            "account_to": "text",
            "amount": "money",
            "k_symbol": "text",
        },
    ),
    Layout(
        "trans",
        {
            "trans_id": "number",
            "account_id": "number",
            "date": "date",
            "type": "text",
            "operation": "text",
            "amount": "money",
            "balance": "money",
            "k_symbol": "text",
            "bank": "text",
            "account": "text",
        },
        may_be_cut=True,
    ),
)


@dataclass(frozen=True)
class CutLine:
    """The last line of a file that ends in the middle of a record."""

    line_number: int
    text: str


def read_files(connection: duckdb.DuckDBPyConnection, source: Path) -> CutLine | None:
    """Read the eight files into tables of schema ``berka``, named like the files, with a column ``line_number``.

    Empty and blank texts are the empty string; dates are DATE, money is DECIMAL(18, 2), counts are BIGINT, the rest
    is text.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        In-memory; the tables are created in it.
    source : Path
        The folder that holds the files.

    Returns
    -------
    CutLine or None
        The last line of ``trans.asc`` where the file breaks off inside a record: it is no row of the table.

    Raises
    ------
    InputError
        If a file is missing, is not ASCII, has another header, a line that breaks its layout, or a key twice.
    """
    missing = [layout.file for layout in LAYOUTS if not (source / layout.file).is_file()]
    if missing:
        raise InputError(
            "files of the data set are missing",
            expected=", ".join(layout.file for layout in LAYOUTS),
            found=f"no {', '.join(missing)}",
            where=str(source),
            action="give the folder into which the PKDD'99 financial data were unpacked",
        )
    connection.execute("create schema berka")
    cut_lines = [_read_file(connection, source, layout) for layout in LAYOUTS]
    return next((cut_line for cut_line in cut_lines if cut_line), None)


def _read_file(connection: duckdb.DuckDBPyConnection, source: Path, layout: Layout) -> CutLine | None:
    path = source / layout.file
    header, *lines = _lines(path)
    expected_header = ";".join(layout.columns)
    if header.replace('"', "") != expected_header:
        raise InputError(
            f"{layout.file} has another header",
            expected=expected_header,
            found=header[:200],
            where=f"{path}:1",
            action="take the file as published, with its header and ';' between the fields",
        )
    ends_in_line_break = not lines or lines[-1] == ""
    records = lines[:-1] if ends_in_line_break else lines
    numbered = {"line_number": range(2, len(records) + 2), "line": pa.array(records, pa.string())}
    connection.register("berka_lines", pa.table(numbered))
    connection.execute(_table_statement(layout))
    connection.unregister("berka_lines")

    cut_line = None
    if layout.may_be_cut and not ends_in_line_break:
        cut_line = _take_cut_line(connection, layout, CutLine(len(records) + 1, records[-1]))
    _refuse_unreadable_lines(connection, layout, path)
    _refuse_repeated_keys(connection, layout, path)
    return cut_line


def _lines(path: Path) -> list[str]:
    try:
        return [line.removesuffix("\r") for line in path.read_bytes().decode("ascii").split("\n")]
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path.name} is not the file as published",
            expected="ASCII text",
            found=f"byte {error.object[error.start]:#04x}",
            where=f"{path}, byte {error.start + 1}",
            action="take the file as published; an archive or a converted copy is not read",
        ) from None


def _table_statement(layout: Layout) -> str:
    """Return the statement that splits ``berka_lines``; a line that breaks the layout leaves its key empty."""
    pattern = ";".join(f"({_PATTERNS[kind]})" for kind in layout.columns.values())
    names = ", ".join(f"'{name}'" for name in layout.columns)
    values = ", ".join(
        f"case when fields.{layout.key} != '' then {_VALUES[kind].format(f'fields.{name}')} end as {name}"
        for name, kind in layout.columns.items()
    )
    return f"""
        create table berka.{_quoted(layout)} as
        select line_number, line, {values}
        from (select line_number, line, regexp_extract(line, '^{pattern}$', [{names}]) as fields from berka_lines)
        order by line_number
    """


def _quoted(layout: Layout) -> str:
    return f'"{layout.table}"'  # order is a word of SQL


def _take_cut_line(connection: duckdb.DuckDBPyConnection, layout: Layout, last: CutLine) -> CutLine | None:
    """Remove the last line from the table if it is no whole record; a file may also just lack its last line break."""
    removed = connection.execute(
        f"delete from berka.{_quoted(layout)} where line_number = ? and {layout.key} is null returning line_number",
        [last.line_number],
    ).fetchall()
    return last if removed else None


def _refuse_unreadable_lines(connection: duckdb.DuckDBPyConnection, layout: Layout, path: Path) -> None:
    never_null = [layout.key, *(name for name, kind in layout.columns.items() if kind in _DATE_KINDS)]
    condition = " or ".join(f"{name} is null" for name in never_null)
    table = f"berka.{_quoted(layout)}"
    unreadable = connection.execute(
        f"select line_number, line from {table} where {condition} order by line_number limit {_LINES_TOLD}"
    ).fetchall()
    if unreadable:
        fields = ", ".join(f"{name}: {kind}" for name, kind in layout.columns.items())
        raise InputError(
            f"{layout.file} has lines that cannot be read",
            expected=f"{len(layout.columns)} fields ({fields})",
            found="; ".join(line[:200] for _, line in unreadable),
            where=", ".join(f"{path}:{line_number}" for line_number, _ in unreadable),
            action="take the file as published; nothing is guessed",
        )
    connection.execute(f"alter table {table} drop column line")


def _refuse_repeated_keys(connection: duckdb.DuckDBPyConnection, layout: Layout, path: Path) -> None:
    repeated = connection.execute(
        f"""
        select {layout.key}, list(line_number order by line_number)
        from berka.{_quoted(layout)} group by all having count(*) > 1 order by min(line_number) limit 1
        """
    ).fetchone()
    if repeated:
        raise InputError(
            f"{layout.file} has a key more than once",
            expected=f"each {layout.key} once",
            found=f"{layout.key} {repeated[0]} in lines {', '.join(map(str, repeated[1]))}",
            where=str(path),
            action="take the file as published",
        )
