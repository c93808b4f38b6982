"""SQL that types and judges the rows of a feed: whether every cell keeps the contract, and which do not and why.

Belongs here: what each column type accepts as text. Does not belong here: reading files (``reading``) and what becomes
of bad rows (``rejecting``). DuckDB's casts are more generous than a contract between banks may be (they round decimals
and take 1e5, ' 12 ', 0x10, 2025-1-5, 'infinity', and times of any offset as UTC), so each is checked against the text.
Most cells are in the form in which DuckDB itself writes the value; that test is cheaper than a regular expression,
which judges the rest.
"""

from datetime import date
from decimal import Decimal

from pipeline.extracts.contracts import Column, Contract

_TIMESTAMP = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z?"
_LONGEST_QUOTED_VALUE = 40


def sql_text(value: str) -> str:
    """Write a string as a SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def sql_name(name: str) -> str:
    """Write a column name as a SQL identifier."""
    return f'"{name}"'


def typed_columns(contract: Contract) -> list[str]:
    """Return one SQL expression per column that casts its text to its type."""
    return [_typed(column) for column in contract.columns]


def row_is_valid(contract: Contract, business_date: date) -> str:
    """Return a SQL condition, never null, that holds where every cell of a row keeps the contract.

    Parameters
    ----------
    contract : Contract
        The feed; the columns are read as texts of the same names.
    business_date : date
        The date that the file stands for.
    """
    conditions = (_cell_is_valid(contract, column, business_date) for column in contract.columns)
    return " and ".join(condition for condition in conditions if condition) or "true"


def row_findings(contract: Contract, business_date: date) -> str:
    """Return a SQL expression: the faults of a row, as a list of structs (column_name, reason) in column order.

    Values of identifying and sensitive columns are left out of the reasons, which end up in logs.
    """
    findings = ", ".join(
        f"{{'column_name': {sql_text(column.name)}, 'reason': {_reason(contract, column, business_date)}}}"
        for column in contract.columns
    )
    return f"list_filter([{findings}], lambda finding: finding.reason is not null)"


def is_on_another_date(contract: Contract, business_date: date) -> str:
    """Return a SQL condition: the row's date can be read and is not the file's."""
    column = contract.column(contract.business_date_column)
    name = sql_name(column.name)
    return f"coalesce({_type_condition(column)}, false) and {name} <> {sql_text(business_date.isoformat())}"


def readable_amount(contract: Contract) -> str:
    """Return a SQL expression: the control amount of a row, null where it cannot be read or the feed has none."""
    if contract.control.amount_column is None:
        return "cast(null as decimal(18, 2))"
    column = contract.column(contract.control.amount_column)
    return f"case when {_type_condition(column)} then {_typed(column)} end"


def _typed(column: Column) -> str:
    name = sql_name(column.name)
    return name if column.type == "string" else f"try_cast({name} as {column.duckdb_type})"


def _cell_is_valid(contract: Contract, column: Column, business_date: date) -> str | None:
    name = sql_name(column.name)
    conditions = [condition for condition, _ in _rules(contract, column, business_date)]
    if column.name == contract.business_date_column:
        # equal to one date that is written as it should be: no need to ask whether it is a date at all
        conditions = conditions[-1:]
    if not conditions:
        return None if column.nullable else f"({name} is not null)"
    joined = " and ".join(conditions)
    return f"({name} is null or ({joined}))" if column.nullable else f"({name} is not null and {joined})"


def _reason(contract: Contract, column: Column, business_date: date) -> str:
    name = sql_name(column.name)
    absent = "null" if column.nullable else "'is empty'"
    found = ""
    if column.personal_data in ("none", "pseudonymous"):
        found = f" || ': ''' || left({name}, {_LONGEST_QUOTED_VALUE}) || ''''"
    cases = "".join(
        f" when not ({condition}) then {sql_text(reason)}{found}"
        for condition, reason in _rules(contract, column, business_date)
    )
    return f"case when {name} is null then {absent}{cases} end"


def _rules(contract: Contract, column: Column, business_date: date) -> list[tuple[str, str]]:
    """List what a cell that is not null must keep: a SQL condition, and the reason to give where it fails."""
    name, typed = sql_name(column.name), _typed(column)
    rules: list[tuple[str, str]] = []
    if column.type != "string":
        rules.append((_type_condition(column), f"is not {_TYPE_WORDS.get(column.type, f'a {column.type}')}"))
    if column.allowed is not None:
        values = ", ".join(sql_text(value) for value in column.allowed)
        rules.append((f"{name} in ({values})", f"is none of {', '.join(column.allowed)}"))
    if column.pattern is not None:
        rules.append((f"regexp_full_match({name}, {sql_text(column.pattern)})", f"does not match {column.pattern}"))
    if column.minimum is not None:
        rules.append((f"{typed} >= {_sql_limit(column.minimum)}", f"is below {column.minimum}"))
    if column.maximum is not None:
        rules.append((f"{typed} <= {_sql_limit(column.maximum)}", f"is above {column.maximum}"))
    if column.name == contract.business_date_column:
        day = business_date.isoformat()
        rules.append((f"{name} = {sql_text(day)}", f"is not {day}, the date of the file"))
    return rules


_TYPE_WORDS = {
    "integer": "a whole number",
    "date": "a date like 2025-01-31",
    "timestamp": "a UTC time like 2025-01-31 23:59:59",
    "boolean": "true or false",
}


def _sql_limit(limit: Decimal | date) -> str:
    return f"date '{limit}'" if isinstance(limit, date) else f"{limit:f}"


def _type_condition(column: Column) -> str:
    """Return a SQL condition, never null: the text is of the type, neither rounded nor guessed; an empty one is not."""
    name, typed = sql_name(column.name), _typed(column)
    if column.type == "boolean":
        return f"coalesce({name} in ('true', 'false'), false)"
    if column.type == "date":
        # the length shuts out years beyond 9999, BC and 'infinity', which DuckDB reads and writes alike
        return f"coalesce({typed}::varchar = {name} and length({name}) = 10, false)"
    usual = f"{typed}::varchar = {name}"
    if column.type == "timestamp":
        usual += f" and {name} like '____-__-__ __:__:__%'"
        unusual = _TIMESTAMP
    elif column.is_decimal and column.precision_and_scale[1]:
        unusual = rf"-?[0-9]+(\.[0-9]{{1,{column.precision_and_scale[1]}}})?"
    else:
        unusual = "-?[0-9]+"
    matches = f"{typed} is not null and regexp_full_match({name}, {sql_text(unusual)})"
    return f"coalesce({usual} or {matches}, false)"
