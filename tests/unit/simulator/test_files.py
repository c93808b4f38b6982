"""The files of a simulated bank keep their contracts: names, dates, types, codes, keys, references, sidecars."""

import hashlib
from calendar import monthrange
from datetime import date, timedelta
from pathlib import Path

import pytest
from dropped_bank import TRANSACTION_FEEDS, DroppedBank, data_files

from pipeline.extracts.contracts import load_contracts

CONTRACTS = load_contracts()
FIRST_OF_MONTH = ("branches", "merchants", "managers", "manager_assignments", "campaigns")
MONTHS = ((2025, 1), (2025, 2), (2025, 3))
DAYS = [date(2025, 1, 1) + timedelta(days=i) for i in range(90)]


def expected_dates(feed: str) -> list[date]:
    if CONTRACTS[feed].is_daily:
        return DAYS
    if feed in FIRST_OF_MONTH:
        return [date(year, month, 1) for year, month in MONTHS]
    return [date(year, month, monthrange(year, month)[1]) for year, month in MONTHS]


@pytest.mark.parametrize("feed", CONTRACTS)
def test_every_date_has_its_file_and_sidecar(feed: str, small_bank: DroppedBank) -> None:
    """Guards the cadence: each feed drops exactly its dates, under its contract's name, with a sidecar."""
    paths = data_files(small_bank.home, feed)
    assert [path.name for path in paths] == [CONTRACTS[feed].file_name(day) for day in expected_dates(feed)]
    assert [path.parent.name for path in paths] == [day.isoformat() for day in expected_dates(feed)]
    assert all(path.with_name(path.name + ".ctl").exists() for path in paths)
    assert not list((small_bank.home / "landing" / feed).rglob(".*"))


@pytest.mark.parametrize("feed", CONTRACTS)
def test_sidecars_match_the_files(feed: str, small_bank: DroppedBank) -> None:
    """Guards the control figures: hash of the bytes, number of rows and sum of amounts, counted independently."""
    amount = CONTRACTS[feed].control.amount_column
    total = f"sum({amount})" if amount else "null"
    figures = {
        day.isoformat(): (rows, found_total)
        for day, rows, found_total in small_bank.rows(f"select file_date, count(*), {total} from {feed} group by all")
    }
    for path in data_files(small_bank.home, feed):
        sidecar = path.with_name(path.name + ".ctl").read_text(encoding="utf-8").splitlines()
        told = dict(line.split("=", 1) for line in sidecar)
        rows, found_total = figures.get(path.parent.name, (0, "0.00" if amount else None))
        assert told["rows"] == str(rows)
        assert told.get("amount_total") == (None if amount is None else str(found_total))
        assert told["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("feed", CONTRACTS)
def test_rows_keep_the_contract(feed: str, small_bank: DroppedBank) -> None:
    """Guards nulls, allowed codes, ranges, patterns and dates; the types were checked when the files were read."""
    contract = CONTRACTS[feed]
    broken = {f"{contract.business_date_column} is not the file's": f"{contract.business_date_column} <> file_date"}
    for column in contract.columns:
        name = f'"{column.name}"'
        if not column.nullable:
            broken[f"{name} is null"] = f"{name} is null"
        if column.allowed:
            broken[f"{name} is another code"] = f"not list_contains({list(column.allowed)}, {name})"
        if column.minimum is not None:
            broken[f"{name} is too small"] = f"{name} < {column.minimum}"
        if column.maximum is not None:
            broken[f"{name} is too large"] = f"{name} > {column.maximum}"
        if column.pattern:
            broken[f"{name} has another pattern"] = f"not regexp_full_match({name}, '{column.pattern}')"
    found = {what: small_bank.value(f"select count(*) from {feed} where {where}") for what, where in broken.items()}
    assert found == dict.fromkeys(broken, 0)
    assert small_bank.value(f"select count(*) from {feed}") > 0


@pytest.mark.parametrize("feed", CONTRACTS)
def test_keys_are_unique(feed: str, small_bank: DroppedBank) -> None:
    """Guards keys: of events over all dates, of changes and snapshots within a file."""
    contract = CONTRACTS[feed]
    key = list(contract.key) if contract.kind == "events" else [*contract.key, "file_date"]
    twice = small_bank.rows(f"select {', '.join(key)} from {feed} group by all having count(*) > 1 limit 3")
    assert twice == []


REFERENCES = (
    *((feed, "account_id", "accounts") for feed in TRANSACTION_FEEDS),
    *((feed, "card_id", "cards") for feed in TRANSACTION_FEEDS if feed != "counter_transactions"),
    ("pos_transactions", "merchant_id", "merchants"),
    ("card_transactions", "merchant_id", "merchants"),
    ("accounts", "customer_id", "customers"),
    ("accounts", "joint_customer_id", "customers"),
    ("cards", "account_id", "accounts"),
    ("cards", "customer_id", "customers"),
    ("loans", "customer_id", "customers"),
    ("loans", "account_id", "accounts"),
    ("loan_repayments", "loan_id", "loans"),
    ("interactions", "customer_id", "customers"),
    ("interactions", "campaign_id", "campaigns"),
    ("campaign_responses", "customer_id", "customers"),
    ("surveys", "customer_id", "customers"),
    ("facilities", "customer_id", "customers"),
    ("collateral", "facility_id", "facilities"),
    ("collateral", "loan_id", "loans"),
    ("guarantees", "facility_id", "facilities"),
    ("guarantees", "guarantor_customer_id", "customers"),
    ("shareholdings", "company_id", "customers"),
    ("board_seats", "company_id", "customers"),
    ("kinships", "relative_id", "customers"),
)


@pytest.mark.parametrize(("feed", "column", "referred"), REFERENCES)
def test_what_is_referred_to_was_reported_before(
    feed: str, column: str, referred: str, small_bank: DroppedBank
) -> None:
    """Guards references point in time: on the date of the row, the other feed has told of the key."""
    key = CONTRACTS[referred].key[0]
    orphans = small_bank.value(
        f"""
        with known as (select {key} as key, min(file_date) as since from {referred} group by 1)
        select count(*) from {feed} left join known on known.key = {feed}.{column}
        where {feed}.{column} is not null and (known.since is null or known.since > {feed}.file_date)
        """
    )
    assert orphans == 0


def test_postings_fall_into_the_life_of_the_account(small_bank: DroppedBank) -> None:
    """Guards that nothing is posted before an account is open or after it is closed, and that some do close."""
    outside = small_bank.value(
        """
        with lives as (
            select account_id, min(opened_date) as opened_date, max(closed_date) as closed_date from accounts group by 1
        )
        select count(*) from transactions inner join lives using (account_id)
        where transaction_date < opened_date or transaction_date > closed_date
            or cast(booked_at as date) <> transaction_date
        """
    )
    assert outside == 0
    assert small_bank.value("select count(*) from accounts where opened_date >= '2025-01-01'") > 0


def test_truth_is_not_in_landing(small_bank: DroppedBank) -> None:
    """Guards the wall between what is planted and what the pipeline may read: names, folders and columns."""
    landing = small_bank.home / "landing"
    assert {path.name for path in landing.iterdir()} == set(CONTRACTS)
    assert not [path for path in landing.rglob("*") if path.suffix in (".parquet", ".json")]
    planted = {"segment", "risk", "contentment", "opening_balance_amount", "strain_months"}
    assert not planted & {column.name for contract in CONTRACTS.values() for column in contract.columns}


def test_resident_ids_are_unique_and_tell_the_birth_date(small_bank: DroppedBank) -> None:
    """Guards plausible identity numbers: 18 characters, the birth date within, odd sequence numbers for men."""
    wrong = small_bank.value(
        """
        select count(*) from customers
        where customer_type = 'person' and (
            length(id_document_number) <> 18
            or substr(id_document_number, 7, 8) <> strftime(birth_date, '%Y%m%d')
            or (cast(substr(id_document_number, 17, 1) as integer) % 2 = 1) <> (gender = 'male')
        )
        """
    )
    assert wrong == 0
    assert (
        small_bank.value("select count(distinct id_document_number) - count(distinct customer_id) from customers") == 0
    )


def test_chinese_text_survives_the_encodings(small_bank: DroppedBank, tmp_path: Path) -> None:
    """Guards GB18030 and UTF-8 feeds alike: names and narratives are Chinese, none is damaged."""
    for feed, column in (
        ("customers", "full_name"),
        ("counter_transactions", "narrative"),
        ("merchants", "merchant_name"),
    ):
        foreign = (
            f"select count(*) from {feed} where {column} is not null and not regexp_full_match({column}, '\\p{{Han}}+')"
        )
        assert small_bank.value(foreign) == 0
