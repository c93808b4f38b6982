"""Guards which texts each column type accepts: DuckDB's casts take far more than a contract between banks may."""

from datetime import date
from pathlib import Path

import duckdb
import pytest
from source_system import payments_contract

from pipeline.extracts.contracts import Contract
from pipeline.extracts.validation import is_on_another_date, readable_amount, row_findings, row_is_valid, typed_columns

DAY = date(2025, 1, 2)
GOOD: dict[str, str | None] = {
    "payment_id": "P1",
    "payment_date": "2025-01-02",
    "payer_name": "Li",
    "amount": "10.00",
    "channel": "web",
    "paid_at": None,
    "parts": None,
    "is_urgent": None,
}


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return payments_contract(tmp_path_factory.mktemp("contract"))


def judge(contract: Contract, **cells: str | None) -> tuple[bool, list[str], tuple[object, ...]]:
    """Return whether a row is valid, what is wrong with it, and its typed values."""
    row = GOOD | cells
    columns = ", ".join(f'cast(? as varchar) as "{name}"' for name in row)
    query = (
        f"select {row_is_valid(contract, DAY)}, list_transform({row_findings(contract, DAY)},"
        " lambda finding: finding.column_name || ' ' || finding.reason),"
        f" [{', '.join(f'cast({typed} as varchar)' for typed in typed_columns(contract))}]"
        f" from (select {columns})"
    )
    valid, findings, typed = duckdb.execute(query, list(row.values())).fetchall()[0]
    return valid, findings, tuple(typed)


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("amount", "12.50", "12.50"),
        ("amount", "12.5", "12.50"),
        ("amount", "12", "12.00"),
        ("amount", "0012.50", "12.50"),
        ("amount", "0", "0.00"),
        ("amount", "-0.00", "0.00"),
        ("amount", "9999999999999999.99", "9999999999999999.99"),
        ("parts", "9", "9"),
        ("parts", "01", "1"),
        ("paid_at", "2025-01-02 23:59:59", "2025-01-02 23:59:59"),
        ("paid_at", "2025-01-02T23:59:59Z", "2025-01-02 23:59:59"),
        ("paid_at", "2025-01-02 23:59:59.123456", "2025-01-02 23:59:59.123456"),
        ("paid_at", "2024-02-29 00:00:00.5", "2024-02-29 00:00:00.5"),
        ("is_urgent", "true", "true"),
        ("is_urgent", "false", "false"),
        ("payer_name", '  O\'Neil; "x" 李 ', '  O\'Neil; "x" 李 '),
        ("payer_name", "NULL", "NULL"),
        ("payer_name", None, None),
    ],
)
def test_good_texts_become_their_values(contract: Contract, column: str, text: str | None, value: str | None) -> None:
    """A text in the agreed form is loaded with its exact value; strings are not touched."""
    is_valid, findings, typed = judge(contract, **{column: text})
    assert is_valid
    assert findings == []
    assert typed[contract.column_names.index(column)] == value


NOT_MONEY = "amount is not a decimal(18,2)"


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("amount", "12.345", NOT_MONEY),
        ("amount", "12.500", NOT_MONEY),
        ("amount", "12.", NOT_MONEY),
        ("amount", ".5", NOT_MONEY),
        ("amount", "1e5", NOT_MONEY),
        ("amount", " 12 ", NOT_MONEY),
        ("amount", "+12", NOT_MONEY),
        ("amount", "1_000", NOT_MONEY),
        ("amount", "1,000.00", NOT_MONEY),
        ("amount", "0x10", NOT_MONEY),
        ("amount", "NaN", NOT_MONEY),
        ("amount", "Infinity", NOT_MONEY),
        ("amount", "１２", NOT_MONEY),
        ("amount", "10000000000000000.00", NOT_MONEY),
        ("amount", None, "amount is empty"),
        ("amount", "-0.01", "amount is below 0"),
        ("parts", "1.0", "parts is not a whole number"),
        ("parts", "1e0", "parts is not a whole number"),
        ("parts", "0x1", "parts is not a whole number"),
        ("parts", " 1", "parts is not a whole number"),
        ("parts", "9223372036854775808", "parts is not a whole number"),
        ("parts", "0", "parts is below 1"),
        ("parts", "10", "parts is above 9"),
        ("payment_date", "2025-1-2", "payment_date is not a date like 2025-01-31"),
        ("payment_date", "20250102", "payment_date is not a date like 2025-01-31"),
        ("payment_date", "2025-02-30", "payment_date is not a date like 2025-01-31"),
        ("payment_date", "2025/01/02", "payment_date is not a date like 2025-01-31"),
        ("payment_date", "infinity", "payment_date is not a date like 2025-01-31"),
        ("payment_date", "epoch", "payment_date is not a date like 2025-01-31"),
        ("payment_date", " 2025-01-02", "payment_date is not a date like 2025-01-31"),
        ("payment_date", "2025-01-03", "payment_date is not 2025-01-02, the date of the file"),
        ("payment_date", None, "payment_date is empty"),
        ("paid_at", "2025-01-02", "paid_at is not a UTC time"),
        ("paid_at", "2025-01-02 24:00:00", "paid_at is not a UTC time"),
        ("paid_at", "2025-01-02 10:00", "paid_at is not a UTC time"),
        ("paid_at", "2025-01-02 10:00:00+08", "paid_at is not a UTC time"),
        ("paid_at", "2025-02-30 10:00:00", "paid_at is not a UTC time"),
        ("paid_at", "0001-01-01 (BC) 00:00:00", "paid_at is not a UTC time"),
        ("paid_at", "infinity", "paid_at is not a UTC time"),
        ("is_urgent", "TRUE", "is_urgent is not true or false"),
        ("is_urgent", "1", "is_urgent is not true or false"),
        ("is_urgent", "t", "is_urgent is not true or false"),
        ("channel", "Web", "channel is none of web, branch"),
        ("channel", "web ", "channel is none of web, branch"),
        ("channel", None, "channel is empty"),
    ],
)
def test_other_texts_are_told_with_column_reason_and_value(
    contract: Contract, column: str, text: str | None, reason: str
) -> None:
    """Nothing is rounded, guessed or trimmed; the row is invalid and exactly one thing is told about it."""
    is_valid, findings, _ = judge(contract, **{column: text})
    assert is_valid is False
    assert len(findings) == 1
    assert findings[0].startswith(reason)
    assert text is None or findings[0].endswith(f": '{text}'")


def test_all_faults_of_a_row_are_told_in_column_order(contract: Contract) -> None:
    """One record, one line in the rejects: it must tell everything that has to be mended."""
    _, findings, _ = judge(contract, amount="x", channel="fax", parts="0")
    assert [finding.split()[0] for finding in findings] == ["amount", "channel", "parts"]


def test_long_values_are_cut_in_reasons(contract: Contract) -> None:
    """A reason stays readable; the raw text is kept elsewhere."""
    _, (finding,), _ = judge(contract, channel="x" * 500)
    assert finding == f"channel is none of web, branch: '{'x' * 40}'"


def test_wrong_dates_and_readable_amounts_are_told_apart_from_unreadable_ones(contract: Contract) -> None:
    """A date that cannot be read is a bad cell, not another date; an amount is judged without the rest of the row."""
    rows = [("2025-01-03", "1.00"), ("2025-01-02", "x"), ("2025-13-01", None), (None, "-2.50")]
    found = [
        duckdb.execute(
            f"select {is_on_another_date(contract, DAY)}, cast({readable_amount(contract)} as varchar)"
            " from (select cast(? as varchar) as payment_date, cast(? as varchar) as amount)",
            list(row),
        ).fetchall()[0]
        for row in rows
    ]
    assert found == [(True, "1.00"), (False, None), (False, None), (False, "-2.50")]


def test_limits_and_rules_on_dates_and_strings(tmp_path: Path) -> None:
    """Patterns match the whole text; a quote in an allowed value is no end of a SQL literal."""
    contract = payments_contract(
        tmp_path,
        ("payer_name, type: string, nullable: true,", "payer_name, type: string, nullable: true, pattern: '[A-Z]{2}',"),
        ("allowed: [web, branch]", 'allowed: ["o\'clock"]'),
        (
            "payment_date, type: date, nullable: false,",
            "payment_date, type: date, nullable: false, minimum: 2025-01-02,",
        ),
    )
    assert judge(contract, payer_name="AB", channel="o'clock")[0] is True
    for name in ("A", "ABC", "xAB"):
        assert judge(contract, payer_name=name, channel="o'clock")[1] == ["payer_name does not match [A-Z]{2}"]
