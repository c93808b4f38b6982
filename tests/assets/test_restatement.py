"""A file with other content for a loaded date: what changes, what stands in the way, and how it is taken back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from content import content_hashes, differing
from landing_files import Record, change_file
from small_bank import LoadedBank, copy_home, load_days

from pipeline.errors import InputError
from pipeline.serving.reading import current_snapshot, query_snapshot
from pipeline.settings import Settings

DAY = date(2025, 1, 20)
SURPLUS = Decimal("1000.00")
# The ledger keeps a version that was superseded, and its rejected rows: they are the history of the files, not content.
HISTORY = {"ops.extract_files", "ops.rejected_rows"}

TOTALS = "select business_date, sum(amount) as amount from core.fct_transactions group by all order by all"


@dataclass
class Restated:
    """A bank while one deposit is restated, and what was seen of it at each stage."""

    settings: Settings
    transaction_id: str
    first_snapshot: Path
    refusal: str
    snapshot_after_refusal: Path
    totals_after_refusal: object
    hashes_after_acceptance: dict[str, str]


@pytest.fixture(scope="module")
def restated(loaded_bank: LoadedBank, tmp_path_factory: pytest.TempPathFactory) -> Restated:
    """Raise one deposit in the counter's file: refused, as the ledger says otherwise; then the ledger is restated."""
    settings = Settings(copy_home(loaded_bank.settings.home, tmp_path_factory.mktemp("restated") / "home"))
    first_snapshot = current_snapshot(settings, "analysts")
    chosen = []

    def raise_a_deposit(records: list[Record]) -> list[Record]:
        deposit = next(record for record in records if record["transaction_type"] == "deposit")
        deposit["amount"] = str(Decimal(deposit["amount"]) + SURPLUS)
        chosen.append(deposit["transaction_id"])
        return records

    change_file(settings, "counter_transactions", DAY, raise_a_deposit)
    with pytest.raises(InputError) as refusal:
        load_days(settings, DAY)
    snapshot_after_refusal = current_snapshot(settings, "analysts")
    totals_after_refusal = query_snapshot(settings, "analysts", TOTALS)

    def raise_the_turnover(records: list[Record]) -> list[Record]:
        for record in records:
            if record["gl_account_code"] == "2010":
                record["credit_turnover_amount"] = str(Decimal(record["credit_turnover_amount"]) + SURPLUS)
        return records

    change_file(settings, "gl_balances", DAY, raise_the_turnover)
    load_days(settings, DAY)
    return Restated(
        settings,
        chosen[0],
        first_snapshot,
        str(refusal.value),
        snapshot_after_refusal,
        totals_after_refusal,
        content_hashes(settings),
    )


@pytest.fixture
def warehouse(restated: Restated) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(restated.settings.warehouse, read_only=True) as connection:
        yield connection


def test_a_failed_check_keeps_readers_on_the_last_snapshot(restated, loaded_bank):
    """Guards publication: money that the ledger does not know stops the run at dbt's test; nothing after it happens."""
    assert "reconciliations_differ" in restated.refusal
    assert restated.snapshot_after_refusal == restated.first_snapshot
    assert restated.totals_after_refusal.equals(query_snapshot(loaded_bank.settings, "analysts", TOTALS))


def test_restated_amount_reaches_readers_once_the_ledger_agrees(restated, loaded_bank):
    """Guards restating: the deposit is changed by the surplus, that of no other date is, and readers see it."""
    before = query_snapshot(loaded_bank.settings, "analysts", TOTALS).set_index("business_date")["amount"]
    after = query_snapshot(restated.settings, "analysts", TOTALS).set_index("business_date")["amount"]
    changed = {str(day)[:10]: after[day] - before[day] for day in before.index if after[day] != before[day]}
    assert changed == {str(DAY): SURPLUS}


def test_ledger_keeps_the_old_version(warehouse):
    """Guards the history of files: the version that was replaced stands in the ledger, with the moment it was."""
    rows = warehouse.execute(
        "select feed, status, count(*), count(superseded_at) from ops.extract_files where business_date = ?"
        " and feed in ('counter_transactions', 'gl_balances') group by all order by all",
        [DAY],
    ).fetchall()
    assert rows == [
        ("counter_transactions", "loaded", 1, 0),
        ("counter_transactions", "superseded", 1, 1),
        ("gl_balances", "loaded", 1, 0),
        ("gl_balances", "superseded", 1, 1),
    ]


def test_only_what_depends_on_the_deposit_changed(restated, loaded_bank, warehouse):
    """Guards the reach of a restated date: its own and later months, of this account and this customer."""
    warehouse.execute(f"attach '{loaded_bank.settings.warehouse}' as before_ (read_only)")
    (customer, account) = warehouse.execute(
        "select customer_key, account_key from core.fct_transactions"
        " where business_date = ? and amount - ? in (select amount from before_.core.fct_transactions as old"
        " where old.transaction_key = fct_transactions.transaction_key)",
        [DAY, SURPLUS],
    ).fetchone()

    def changed(table: str, column: str) -> list[tuple]:
        return warehouse.execute(
            f"select distinct {column} from ((from {table} except from before_.{table})"
            f" union all (from before_.{table} except from {table}))"
        ).fetchall()

    assert changed("core.fct_account_months", "account_key") == [(account,)]
    assert changed("features.customer_months", "customer_key") == [(customer,)]
    touched = differing(restated.hashes_after_acceptance, loaded_bank.hashes).keys()
    assert not {table for table in touched if table.startswith("core.dim_")}


def test_taken_back_it_is_as_if_it_had_never_been(restated, loaded_bank):
    """Guards restating in both directions: with the first files again, every table is what it was."""
    for feed in ("counter_transactions", "gl_balances"):
        folder = restated.settings.landing / feed / DAY.isoformat()
        for path in sorted(folder.iterdir()):
            path.unlink()
            path.hardlink_to(loaded_bank.settings.landing / feed / DAY.isoformat() / path.name)
    load_days(restated.settings, DAY)
    assert differing(content_hashes(restated.settings), loaded_bank.hashes).keys() <= HISTORY
