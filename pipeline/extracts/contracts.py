"""Contracts: what each feed's files look like, read from ``contracts/<feed>.yaml`` and validated.

Belongs here: the models of a contract, the rules a contract must keep, and the messages when it does not. Does not
belong here: landing files (``landing``) and how they are read (``reading``), thresholds of the business (dbt seeds).
"""

import functools
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import duckdb
import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from pipeline.errors import InputError

CONTRACTS_DIR = Path(__file__).resolve().parent / "contracts"

COMPRESSION_EXTENSIONS = {"none": "", "gzip": ".gz", "zstd": ".zst"}
SIDECAR_EXTENSION = ".ctl"
BUSINESS_DATE_PLACE = "{business_date}"

# Columns that the raw zone adds to every feed, so no contract may use their names.
SOURCE_FILE_COLUMN = "source_file_id"
BUSINESS_DATE_COLUMN = "business_date"

MONEY_TYPE = "decimal(18,2)"
_SIMPLE_TYPES = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}
_DECIMAL_TYPE = re.compile(r"decimal\((\d{1,2}),(\d{1,2})\)")
_LARGEST_PRECISION = 38


def _as_number(value: object) -> object:
    # strict models take no int for a Decimal, and 0 is how people write a minimum
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _as_limit(value: object) -> object:
    limit = _as_number(value)
    if isinstance(limit, Decimal | date) and not isinstance(limit, datetime):
        return limit
    raise ValueError("a number or a date")


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Limit = Annotated[Decimal | date, BeforeValidator(_as_limit)]
Share = Annotated[Decimal, BeforeValidator(_as_number), Field(ge=0, le=1)]


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Description(_Model):
    """One text in two languages."""

    en: Text
    zh: Text


class Column(_Model):
    """One column of a feed, in the order of the file."""

    name: Name
    type: Text
    nullable: bool
    allowed: tuple[Text, ...] | None = None
    minimum: Limit | None = None
    maximum: Limit | None = None
    pattern: Text | None = None
    personal_data: Literal["none", "pseudonymous", "identifying", "sensitive"]
    description: Description

    @field_validator("name")
    @classmethod
    def _name_is_free(cls, name: str) -> str:
        if name in (SOURCE_FILE_COLUMN, BUSINESS_DATE_COLUMN):
            raise ValueError(
                f"a name other than {SOURCE_FILE_COLUMN} and {BUSINESS_DATE_COLUMN}, which the raw zone adds"
            )
        return name

    @field_validator("type")
    @classmethod
    def _type_is_known(cls, text: str) -> str:
        decimal_type = _DECIMAL_TYPE.fullmatch(text)
        if decimal_type:
            precision, scale = int(decimal_type[1]), int(decimal_type[2])
            if 1 <= precision <= _LARGEST_PRECISION and scale <= precision:
                return text
        elif text in _SIMPLE_TYPES:
            return text
        raise ValueError(
            f"one of {', '.join(_SIMPLE_TYPES)}, or decimal(p,s) with p up to {_LARGEST_PRECISION} and s up to p"
        )

    @field_validator("allowed")
    @classmethod
    def _allowed_is_a_set_of_strings(
        cls, values: tuple[str, ...] | None, info: ValidationInfo
    ) -> tuple[str, ...] | None:
        if values is None:
            return values
        _only_on(info, "string")
        if not values:
            raise ValueError("at least one value, or no list at all")
        if len(set(values)) < len(values):
            raise ValueError("each value once")
        return values

    @field_validator("minimum", "maximum")
    @classmethod
    def _limit_suits_the_type(cls, limit: Decimal | date | None, info: ValidationInfo) -> Decimal | date | None:
        if limit is None or "type" not in info.data:
            return limit
        column_type = info.data["type"]
        if column_type == "date":
            if not isinstance(limit, date):
                raise ValueError("a date, because the column is a date")
        elif column_type == "integer" or column_type.startswith("decimal"):
            if not isinstance(limit, Decimal) or not limit.is_finite():
                raise ValueError("a number, because the column is one")
        else:
            raise ValueError(f"no {info.field_name} on a {column_type} column (only on integer, decimal and date)")
        minimum = info.data.get("minimum")
        if info.field_name == "maximum" and minimum is not None and _is_below(limit, minimum):
            raise ValueError(f"a maximum that is not below the minimum {minimum}")
        return limit

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str | None, info: ValidationInfo) -> str | None:
        if pattern is None:
            return pattern
        _only_on(info, "string")
        fault = _fault_of_regular_expression(pattern)
        if fault:
            raise ValueError(f"a regular expression of RE2 ({fault})")
        return pattern

    @property
    def is_decimal(self) -> bool:
        """Whether the column is a ``decimal(p,s)``."""
        return self.type.startswith("decimal")

    @property
    def precision_and_scale(self) -> tuple[int, int]:
        """Digits in all and after the point, of a decimal column.

        Raises
        ------
        ValueError
            If the column is not a decimal.
        """
        match = _DECIMAL_TYPE.fullmatch(self.type)
        if not match:
            raise ValueError(f"{self.name} is a {self.type}, not a decimal")
        return int(match[1]), int(match[2])

    @property
    def duckdb_type(self) -> str:
        """The type of the column in the raw zone, in DuckDB's words."""
        return _SIMPLE_TYPES.get(self.type, self.type.upper())


def _is_below(limit: Decimal | date, other: Decimal | date) -> bool:
    if isinstance(limit, date) and isinstance(other, date):
        return limit < other
    return isinstance(limit, Decimal) and isinstance(other, Decimal) and limit < other


def _only_on(info: ValidationInfo, column_type: str) -> None:
    found = info.data.get("type", column_type)
    if found != column_type:
        raise ValueError(f"no {info.field_name} on a {found} column (only on {column_type})")


@functools.cache
def _fault_of_regular_expression(pattern: str) -> str | None:
    """Return DuckDB's complaint about a pattern; its RE2 has no look-around and no back-references, unlike ``re``."""
    with duckdb.connect(":memory:") as connection:
        try:
            connection.execute("select regexp_full_match('', ?)", [pattern])
        except duckdb.Error as error:
            return str(error).splitlines()[0]
    return None


class File(_Model):
    """How the files of a feed are named and written."""

    compression: Literal["none", "gzip", "zstd"]
    pattern: Text
    encoding: Literal["UTF-8", "GB18030"]
    delimiter: str
    header: bool

    @field_validator("pattern")
    @classmethod
    def _pattern_names_a_dated_file(cls, pattern: str, info: ValidationInfo) -> str:
        rest = pattern.replace(BUSINESS_DATE_PLACE, "", 1)
        if rest == pattern or re.search(r"[^A-Za-z0-9._*-]", rest):
            raise ValueError(
                f"a file name with {BUSINESS_DATE_PLACE} once; beside it only letters, digits, '.', '_', '-' and '*'"
            )
        compression = info.data.get("compression")
        if compression is not None:
            extension = COMPRESSION_EXTENSIONS[compression]
            foreign = [other for other in COMPRESSION_EXTENSIONS.values() if other and other != extension]
            if not pattern.endswith(extension) or pattern.endswith((*foreign, SIDECAR_EXTENSION, "*")):
                raise ValueError(
                    f"a name that ends like {'.csv' + extension!r}, because the compression is {compression}"
                )
        return pattern

    @field_validator("delimiter")
    @classmethod
    def _delimiter_is_one_character(cls, delimiter: str) -> str:
        if len(delimiter) != 1 or not delimiter.isascii() or delimiter.isalnum() or delimiter in '"\r\n\0.-+:':
            raise ValueError("one ASCII character that cannot be part of a quoted text, a number or a date")
        return delimiter


class Control(_Model):
    """What the sender tells about a file beside it."""

    sidecar: Literal["required", "optional", "none"]
    amount_column: Name | None = None


class Contract(_Model):
    """What one feed delivers: its files, its columns and how strictly they are taken.

    Notes
    -----
    Fields are validated in this order: a rule that compares two of them is told at the later one.
    """

    feed: Name
    version: Annotated[int, Field(ge=1)]
    source_system: Name
    kind: Literal["events", "changes", "snapshot"]
    cadence: Literal["daily", "month_start", "month_end"]
    description: Description
    file: File
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]
    control: Control
    business_date_column: Name
    key: Annotated[tuple[Name, ...], Field(min_length=1)]
    on_duplicate_key: Literal["fail", "reject"]
    on_wrong_date: Literal["fail", "reject"]
    tolerated_reject_share: Share
    late_after_hours: Annotated[int, Field(ge=0, le=24 * 366)]

    @field_validator("columns")
    @classmethod
    def _column_names_differ(cls, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        names = [column.name for column in columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"each column name once (more than once: {', '.join(twice)})")
        return columns

    @field_validator("control")
    @classmethod
    def _amount_column_is_money(cls, control: Control, info: ValidationInfo) -> Control:
        if control.amount_column is not None and "columns" in info.data:
            column = _column_of(info, control.amount_column)
            if column.type != MONEY_TYPE:
                raise ValueError(f"an amount_column of type {MONEY_TYPE} ({column.name} is {column.type})")
        return control

    @field_validator("business_date_column")
    @classmethod
    def _business_date_is_a_date(cls, name: str, info: ValidationInfo) -> str:
        if "columns" in info.data:
            column = _column_of(info, name)
            if column.type != "date" or column.nullable:
                raise ValueError(f"a date column that is not nullable ({name} is {_type_and_nullability(column)})")
        return name

    @field_validator("key")
    @classmethod
    def _key_is_never_null(cls, key: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if len(set(key)) < len(key):
            raise ValueError("each key column once")
        if "columns" in info.data:
            nullable = [name for name in key if _column_of(info, name).nullable]
            if nullable:
                raise ValueError(f"key columns that are not nullable (nullable: {', '.join(nullable)})")
        return key

    @property
    def is_daily(self) -> bool:
        """Whether a file comes every calendar day (else: for the first or the last day of each month)."""
        return self.cadence == "daily"

    def dates_between(self, first: date, last: date) -> list[date]:
        """List the dates of a window, both ends inclusive, that the feed owes files for, in order."""
        days = (first + timedelta(days=number) for number in range((last - first).days + 1))
        if self.cadence == "month_start":
            return [day for day in days if day.day == 1]
        if self.cadence == "month_end":
            return [day for day in days if (day + timedelta(days=1)).day == 1]
        return list(days)

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns in the order of the file."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column of that name.

        Raises
        ------
        KeyError
            If the feed has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def file_name(self, business_date: date) -> str:
        """Return the name of a day's only file: the pattern with the date in its place and without ``*``."""
        return self.file_glob(business_date).replace("*", "")

    def expected_by(self, business_date: date) -> datetime:
        """Return until when (UTC) the files of a date may come: ``late_after_hours`` after the date begins."""
        return datetime.combine(business_date, time(), tzinfo=UTC) + timedelta(hours=self.late_after_hours)

    def file_glob(self, business_date: date) -> str:
        """Return the pattern that all files of a day match."""
        return self.file.pattern.replace(BUSINESS_DATE_PLACE, f"{business_date:%Y%m%d}")


def _column_of(info: ValidationInfo, name: str) -> Column:
    for column in info.data["columns"]:
        if column.name == name:
            found: Column = column
            return found
    raise ValueError(f"a column of this feed ({name} is none)")


def _type_and_nullability(column: Column) -> str:
    return f"{column.type}, {'nullable' if column.nullable else 'not nullable'}"


def load_contracts(directory: Path = CONTRACTS_DIR) -> dict[str, Contract]:
    """Read every contract of a directory.

    Parameters
    ----------
    directory : Path
        Holds one ``<feed>.yaml`` per feed; other files are not looked at.

    Returns
    -------
    dict of str to Contract
        By feed, in alphabetical order.

    Raises
    ------
    InputError
        If there is no contract, or any is not valid; the faults of all files are told at once.
    """
    paths = sorted(directory.glob("*.yaml"))
    if not paths:
        raise InputError(
            "there is no contract",
            expected="one file <feed>.yaml per feed",
            found="no such file",
            where=str(directory),
            action="give the directory of the contracts",
        )
    contracts: dict[str, Contract] = {}
    faulty: list[Path] = []
    faults: list[str] = []
    for path in paths:
        contract_or_faults = _read(path)
        if isinstance(contract_or_faults, Contract):
            contracts[contract_or_faults.feed] = contract_or_faults
        else:
            faulty.append(path)
            faults += contract_or_faults
    if faults:
        raise _invalid(faulty, faults)
    return contracts


def load_contract(path: Path) -> Contract:
    """Read one contract.

    Parameters
    ----------
    path : Path
        ``<feed>.yaml``.

    Returns
    -------
    Contract
        Valid in itself: every rule of the models in this module holds.

    Raises
    ------
    InputError
        If the file cannot be read or breaks rules; each fault names file, line and field.
    """
    contract_or_faults = _read(path)
    if isinstance(contract_or_faults, Contract):
        return contract_or_faults
    raise _invalid([path], contract_or_faults)


def _invalid(paths: list[Path], faults: list[str]) -> InputError:
    names = ", ".join(path.name for path in paths)
    return InputError(
        f"not a valid contract: {names}",
        expected="contracts that keep the rules told below, fault by fault",
        found="".join(f"\n    {fault}" for fault in faults),
        where=", ".join(str(path) for path in paths),
        action="mend the lines named above",
    )


def _read(path: Path) -> Contract | list[str]:
    """Return the contract in a file, or one line per fault: ``<file>:<line> <field>: <expected>, found <value>``."""
    try:
        # The C parser reads the shipped contracts six times as fast.
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError) as error:
        return [f"{path.name}: expected a readable UTF-8 file, found: {error}"]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return [f"{path.name}:{line}: expected YAML, found: {error.problem}"]
    if not isinstance(root, yaml.MappingNode):
        return [f"{path.name}:1: expected a mapping of fields, found {'nothing' if root is None else 'something else'}"]

    lines: dict[tuple[str | int, ...], int] = {(): 1}
    faults: list[tuple[int, str, str]] = []
    tree = _tree(root, (), lines, faults)
    try:
        contract = Contract.model_validate(tree)
    except ValidationError as error:
        faults += [
            _fault(problem["loc"], problem["msg"], problem["input"], problem["type"], lines)
            for problem in error.errors()
        ]
    else:
        if contract.feed != path.stem:
            faults.append(
                (lines[("feed",)], "feed", f"expected the name of the file, {path.stem!r}, found {contract.feed!r}")
            )
    if faults:
        return [f"{path.name}:{line} {field}: {text}" for line, field, text in sorted(faults)]
    return contract


def _tree(
    node: yaml.Node,
    place: tuple[str | int, ...],
    lines: dict[tuple[str | int, ...], int],
    faults: list[tuple[int, str, str]],
) -> Any:
    """Turn a YAML node into dicts, tuples and scalars; note the line of each place, and keys that come twice."""
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in mapping:
                faults.append(
                    (line, _field((*place, key)), f"expected once, found again (first in line {lines[(*place, key)]})")
                )
                continue
            lines[(*place, key)] = line
            mapping[key] = _tree(value_node, (*place, key), lines, faults)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*place, index)] = item.start_mark.line + 1
        return tuple(_tree(item, (*place, index), lines, faults) for index, item in enumerate(node.value))
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    if node.tag == "tag:yaml.org,2002:float":
        # the text as written: 0.005 must not become the nearest binary fraction
        return Decimal(node.value.replace("_", "")) if re.fullmatch(r"[-+]?[\d_]*\.?[\d_]+", node.value) else node.value
    return yaml.SafeLoader("").construct_object(node)


def _fault(
    place: tuple[str | int, ...], message: str, value: object, kind: str, lines: dict[tuple[str | int, ...], int]
) -> tuple[int, str, str]:
    # a missing field, or a place inside a union of types, has no line of its own: its nearest holder has
    known = next(place[:length] for length in range(len(place), -1, -1) if place[:length] in lines)
    field = _field(place if kind in ("missing", "extra_forbidden") else known)
    if kind == "missing":
        return lines[known], field, "expected a value, found none"
    if kind == "extra_forbidden":
        return lines[known], field, "expected no such field, found one"
    return lines[known], field, f"expected {message.removeprefix('Value error, ')}, found {_shortened(value)}"


def _shortened(value: object) -> str:
    text = repr(value) if not isinstance(value, Decimal | date) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _field(place: tuple[str | int, ...]) -> str:
    return "".join(_steps(place)).removeprefix(".") or "the file"


def _steps(place: tuple[str | int, ...]) -> Iterator[str]:
    for step in place:
        yield f"[{step}]" if isinstance(step, int) else f".{step}"
