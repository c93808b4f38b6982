"""The mining steps on a loaded warehouse: the same tables each time, and no results from half a month."""

from datetime import date

import duckdb
import pytest
from content import content_hashes, differing
from small_bank import LAST_DATE, refresh_mining

from assets.results import latest_complete_month
from pipeline.errors import InputError


def test_mined_again_the_tables_are_the_same(copy_of_bank, loaded_bank):
    """Guards the seeds: segments, rules and the model are recomputed from scratch and end in the same content."""
    with duckdb.connect(copy_of_bank.warehouse) as connection:
        for (table,) in connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where schema_name in ('mining', 'credit')"
        ).fetchall():
            connection.execute(f"delete from {table}")
    refresh_mining(copy_of_bank)
    assert differing(content_hashes(copy_of_bank), loaded_bank.hashes) == {}


def test_results_are_of_the_latest_complete_month(loaded_bank):
    """Guards against comparing 26 days of one customer with 31 of another: the unfinished month is not mined."""
    with duckdb.connect(loaded_bank.settings.warehouse, read_only=True) as connection:
        months = {
            connection.execute(f"select distinct month_end_date from {table}").fetchall()[0][0]
            for table in (
                "mining.customer_segments",
                "mining.association_rules",
                "mining.sequence_patterns",
                "mining.model_outcomes",
                "credit.default_model_outcomes",
            )
        }
        ((newest,),) = connection.execute("select max(month_end_date) from features.customer_months").fetchall()
    assert {str(month)[:10] for month in months} == {"2025-01-31"}
    assert newest > LAST_DATE


def test_without_a_complete_month_there_is_nothing_to_mine():
    """Guards the message of a first week: what is missing, and what to do."""
    with duckdb.connect() as connection:
        connection.execute(
            "create schema features; create schema intermediate;"
            "create table features.customer_months as"
            " select unnest([date '2024-12-31', date '2025-01-31']) as month_end_date;"
            "create table intermediate.int_months as"
            " select month_end_date, false as is_complete from features.customer_months"
        )
        with pytest.raises(InputError, match="load the rest of the month first"):
            latest_complete_month(connection)
        connection.execute("update intermediate.int_months set is_complete = true where month_end_date = '2024-12-31'")
        assert latest_complete_month(connection) == date(2024, 12, 31)
