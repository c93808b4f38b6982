"""Guards the language of contracts: every rule, told with file, line and field, and the contracts that are shipped."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from source_system import PAYMENTS, payments_contract

from pipeline.errors import InputError
from pipeline.extracts.contracts import load_contract, load_contracts


def refusal(folder: Path, *replacements: tuple[str, str]) -> str:
    with pytest.raises(InputError) as refused:
        payments_contract(folder, *replacements)
    return refused.value.found


def line_of(text: str, replaced: str = PAYMENTS) -> int:
    return next(number for number, line in enumerate(replaced.splitlines(), start=1) if text in line)


def test_a_valid_contract_says_what_was_written(tmp_path: Path) -> None:
    """Types, limits and names arrive unchanged; an exact share stays exact."""
    contract = payments_contract(tmp_path, ("tolerated_reject_share: 0.5", "tolerated_reject_share: 0.001"))
    assert contract.column_names[:4] == ("payment_id", "payment_date", "payer_name", "amount")
    assert [column.duckdb_type for column in contract.columns[3:]] == [
        "DECIMAL(18,2)",
        "VARCHAR",
        "TIMESTAMP",
        "BIGINT",
        "BOOLEAN",
    ]
    assert contract.column("amount").precision_and_scale == (18, 2)
    assert contract.tolerated_reject_share == Decimal("0.001")
    assert contract.file_glob(date(2025, 1, 2)) == "payments_20250102*.csv"
    assert contract.file_name(date(2025, 1, 2)) == "payments_20250102.csv"
    assert contract.expected_by(date(2025, 1, 2)) == datetime(2025, 1, 3, 6, tzinfo=UTC)


def test_a_contract_knows_the_dates_it_owes(tmp_path: Path) -> None:
    """A monthly feed owes the first or the last day of each month, whatever the lengths of the months."""
    first, last = date(2024, 1, 31), date(2024, 3, 1)
    start = payments_contract(tmp_path, ("cadence: daily", "cadence: month_start"))
    end = payments_contract(tmp_path, ("cadence: daily", "cadence: month_end"))
    assert start.dates_between(first, last) == [date(2024, 2, 1), date(2024, 3, 1)]
    assert end.dates_between(first, last) == [date(2024, 1, 31), date(2024, 2, 29)]
    assert len(payments_contract(tmp_path).dates_between(first, last)) == 31


@pytest.mark.parametrize(
    ("old", "new", "field", "told"),
    [
        ("type: integer", "type: number", "columns[6].type", "one of string, integer, date, timestamp, boolean"),
        ("'decimal(18,2)'", "'decimal(2,18)'", "columns[3].type", "decimal(p,s) with p up to 38"),
        ("name: parts", "name: Parts", "columns[6].name", "pattern"),
        ("name: parts", "name: business_date", "columns[6].name", "which the raw zone adds"),
        ("name: parts", "name: amount", "columns", "each column name once (more than once: amount)"),
        ("allowed: [web, branch]", "allowed: [web, web]", "columns[4].allowed", "each value once"),
        ("allowed: [web, branch]", "allowed: []", "columns[4].allowed", "at least one value"),
        ("allowed: [web, branch]", "allowed: [web, no]", "columns[4].allowed[1]", "a valid string, found False"),
        ("allowed: [web, branch]", "minimum: 1", "columns[4].minimum", "no minimum on a string column"),
        ("allowed: [web, branch]", "pattern: '(?=x)'", "columns[4].pattern", "a regular expression of RE2"),
        ("minimum: 1, maximum", "allowed: ['1'], maximum", "columns[6].allowed", "no allowed on a integer column"),
        ("minimum: 1, maximum: 9", "minimum: 9, maximum: 1", "columns[6].maximum", "not below the minimum 9, found 1"),
        ("minimum: 1, maximum: 9", "minimum: one", "columns[6].minimum", "a number or a date, found 'one'"),
        ("minimum: 1, maximum: 9", "minimum: 2025-01-01", "columns[6].minimum", "a number, because the column is one"),
        ("identifying", "secret", "columns[2].personal_data", "'none', 'pseudonymous', 'identifying' or 'sensitive'"),
        ("{en: 'Parts', zh: '份数'}", "{en: 'Parts'}", "columns[6].description.zh", "expected a value, found none"),
        ("amount_column: amount", "amount_column: total", "control", "a column of this feed (total is none)"),
        ("amount_column: amount", "amount_column: parts", "control", "an amount_column of type decimal(18,2)"),
        ("sidecar: required", "sidecar: maybe", "control.sidecar", "'required', 'optional' or 'none'"),
        ("_column: payment_date", "_column: paid_at", "business_date_column", "a date column that is not nullable"),
        ("_column: payment_date", "_column: day", "business_date_column", "a column of this feed (day is none)"),
        ("key: [payment_id]", "key: [payer_name]", "key", "not nullable (nullable: payer_name)"),
        ("key: [payment_id]", "key: [number]", "key", "a column of this feed (number is none)"),
        ("key: [payment_id]", "key: [payment_id, payment_id]", "key", "each key column once"),
        ("key: [payment_id]", "key: []", "key", "at least 1"),
        ("encoding: UTF-8", "encoding: latin-1", "file.encoding", "'UTF-8' or 'GB18030'"),
        ("compression: none", "compression: bzip2", "file.compression", "'none', 'gzip' or 'zstd'"),
        (
            "compression: none",
            "compression: gzip",
            "file.pattern",
            "ends like '.csv.gz', because the compression is gzip",
        ),
        ("_{business_date}*.csv", "*.csv", "file.pattern", "a file name with {business_date} once"),
        ("*.csv", "*.csv.zst", "file.pattern", "ends like '.csv', because the compression is none"),
        ("payments_{", "../payments_{", "file.pattern", "beside it only letters, digits"),
        ("delimiter: ','", "delimiter: '||'", "file.delimiter", "one ASCII character"),
        ("delimiter: ','", "delimiter: '.'", "file.delimiter", "one ASCII character"),
        ("header: true", "header: 1", "file.header", "a valid boolean, found 1"),
        ("on_wrong_date: fail", "on_wrong_date: warn", "on_wrong_date", "'fail' or 'reject'"),
        ("share: 0.5", "share: 1.5", "tolerated_reject_share", "less than or equal to 1"),
        ("late_after_hours: 30", "late_after_hours: soon", "late_after_hours", "a valid integer, found 'soon'"),
        ("cadence: daily", "cadence: weekly", "cadence", "'daily', 'month_start' or 'month_end'"),
        ("version: 1", "version: 0", "version", "greater than or equal to 1"),
        ("version: 1", "version: 1\nowner: me", "owner", "expected no such field"),
        ("version: 1", "version: 1\nversion: 2", "version", "expected once, found again (first in line 2)"),
        ("feed: payments", "feed: payment", "feed", "the name of the file, 'payments', found 'payment'"),
    ],
)
def test_each_rule_is_told_with_line_and_field(tmp_path: Path, old: str, new: str, field: str, told: str) -> None:
    """Every rule of the language refuses, and points at the line and the field that break it."""
    told_faults = refusal(tmp_path, (old, new))
    written = PAYMENTS.replace(old, new)
    line = {
        "columns": line_of("columns:"),
        "control": line_of("control:"),
        "file.pattern": line_of("pattern: 'p" if "../" not in new else "pattern:", written),
    }.get(field, line_of(new.splitlines()[-1], written))
    assert f"payments.yaml:{line} {field}: " in told_faults
    assert told in told_faults


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """Nobody has to mend a contract fault by fault, run by run."""
    faults = refusal(
        tmp_path, ("sidecar: required", "sidecar: x"), ("version: 1", "version: x"), ("  header: true", "  # no header")
    )
    lines = [fault.split()[0] for fault in faults.splitlines() if fault]
    assert lines == [
        "payments.yaml:2",
        f"payments.yaml:{line_of('file:')}",
        f"payments.yaml:{line_of('sidecar:')}",
    ]


def test_faults_of_several_files_are_told_together(tmp_path: Path) -> None:
    """The faults of all contracts of a directory come in one message, good ones do not hide bad ones."""
    payments_contract(tmp_path)
    for feed in ("bills", "cheques"):
        text = PAYMENTS.replace("feed: payments", f"feed: {feed}").replace("cadence: daily", "cadence: never")
        (tmp_path / f"{feed}.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        load_contracts(tmp_path)
    assert "bills.yaml:5 cadence" in refused.value.found
    assert "cheques.yaml:5 cadence" in refused.value.found
    assert "payments.yaml" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("feed: [", "odd.yaml:2: expected YAML"),
        ("", "odd.yaml:1: expected a mapping of fields, found nothing"),
        ("- 1", "odd.yaml:1: expected a mapping"),
    ],
)
def test_files_that_are_no_mapping_are_refused(tmp_path: Path, text: str, told: str) -> None:
    """A file that is no YAML, or no mapping, is told so and does not crash the loader."""
    path = tmp_path / "odd.yaml"
    path.write_text(text + "\n" if text else text)
    with pytest.raises(InputError, match=told.replace("[", r"\[")):
        load_contract(path)


def test_a_missing_contract_or_directory_is_told(tmp_path: Path) -> None:
    """A wrong path is told as such."""
    with pytest.raises(InputError, match="No such file"):
        load_contract(tmp_path / "nothing.yaml")
    with pytest.raises(InputError, match="there is no contract"):
        load_contracts(tmp_path)


def test_the_shipped_contracts_are_valid_and_complete() -> None:
    """The 25 feeds of the data model are there, in order, with unique patterns."""
    contracts = load_contracts()
    assert list(contracts) == sorted(contracts)
    assert len(contracts) == 25
    assert len({contract.file.pattern for contract in contracts.values()}) == 25
    assert {contract.file.encoding for contract in contracts.values()} == {"UTF-8", "GB18030"}
    assert {contract.file.compression for contract in contracts.values()} == {"none", "gzip", "zstd"}
