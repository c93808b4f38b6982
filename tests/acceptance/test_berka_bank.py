"""The real bank: the PKDD'99 files go through the whole pipeline, by the commands that a newcomer types."""

import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from command_line import credit_warehouse
from dagster_record import checks_not_passed

from pipeline.settings import Settings

pytestmark = pytest.mark.acceptance

CUT_LINE = '3526882;11021;940331;"PRIJE'


@pytest.fixture(scope="module")
def berka(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The home into which Berka was imported and loaded."""
    settings = Settings(tmp_path_factory.mktemp("berka") / "home", date(1993, 1, 1))
    imported = credit_warehouse(settings, "import", "berka", str(shared_data / "berka"))
    assert imported.returncode == 0, imported.stderr
    loaded = credit_warehouse(settings, "run")
    assert loaded.returncode == 0, loaded.stdout[-5000:] + loaded.stderr
    return settings


@pytest.fixture
def warehouse(berka: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(berka.warehouse, read_only=True) as connection:
        yield connection


def test_published_star_holds_every_transaction_of_the_file(berka, record_property):
    """Guards the figures that anybody can count in trans.asc: 49,102 transactions, 315,486,449.80 crowns."""
    began = time.monotonic()
    sql = "select count(*), sum(amount) from core.fct_transactions"
    told = credit_warehouse(berka, "query", sql, "--format", "csv")
    record_property("Berka: query of the published star, seconds", round(time.monotonic() - began, 1))
    assert told.stdout.splitlines()[1:] == ["49102,315486449.80"]


def test_cut_line_is_kept_word_for_word(warehouse):
    """Guards rejects: the line in which the file ends is the only one refused, with its file and its place."""
    rejected = warehouse.execute(
        "select feed, business_date, line_number, raw_text, rows_read from ops.rejected_rows"
        " join ops.extract_files using (source_file_id, feed, business_date)"
    ).fetchall()
    (feed, business_date, line_number, raw_text, rows_read) = rejected[0]
    assert len(rejected) == 1
    assert (feed, business_date, raw_text) == ("counter_transactions", date(1994, 3, 31), CUT_LINE)
    # the last line of the file, whose first is the header
    assert line_number == rows_read + 1


def test_every_check_passed(berka):
    """Guards the rules of the star on data that nobody made up for them."""
    assert checks_not_passed(berka) == []


def test_balances_of_the_source_are_kept(berka, shared_data, warehouse):
    """Guards the facts against the source itself: amount and balance by transaction number, read by other code."""
    columns = {
        **dict.fromkeys(("trans_id", "account_id", "date", "type", "operation"), "varchar"),
        **dict.fromkeys(("amount", "balance"), "decimal(18,2)"),
        **dict.fromkeys(("k_symbol", "bank", "account"), "varchar"),
    }
    ((source_rows, same_rows),) = warehouse.execute(
        f"""
        with source as (
            select * from read_csv('{shared_data}/berka/trans.asc', delim = ';', quote = '"', header = true,
                auto_detect = false, null_padding = true, ignore_errors = true, columns = {columns})
            where amount is not null
        ),
        facts as (select business_date, amount, balance_after from core.fct_transactions)
        select
            (select count(*) from source),
            (
                select count(*) from (
                    select strptime('19' || date, '%Y%m%d')::date, amount, balance from source
                    intersect all
                    from facts
                )
            )
        """
    ).fetchall()
    assert source_rows == same_rows == 49102
