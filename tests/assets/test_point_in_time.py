"""What is known only later must not be seen earlier: files of later dates are planted, and nothing may move."""

from datetime import timedelta

import duckdb
from content import content_hashes, differing
from landing_files import multiply_amounts
from small_bank import LAST_DATE, load_days

NEXT_DATE = LAST_DATE + timedelta(days=1)
# What is as of a month-end. The month that is still running changes with each date, and so it should; so do
# customer_outcomes, which say what came after a month-end and no model may use before it is over.
MONTHLY = (
    "core.fct_account_months",
    "core.fct_loan_months",
    "features.customer_months",
    "features.company_months",
    "features.customer_items",
    "features.customer_events",
)
FINISHED = "month_end_date <= date '2025-01-31'"


def test_planted_future_moves_no_feature_and_no_score(copy_of_bank, loaded_bank):
    """Guards point in time: a next date on which every amount is a thousandfold leaves all earlier month-ends alone."""
    multiply_amounts(copy_of_bank, NEXT_DATE)
    load_days(copy_of_bank, NEXT_DATE)

    after = content_hashes(copy_of_bank)
    moved = differing(after, loaded_bank.hashes).keys()
    # else nothing was planted
    assert {"core.fct_transactions", "features.customer_months"} <= moved
    assert {table for table in moved if table.startswith(("mining.", "credit."))} == set()
    with duckdb.connect(copy_of_bank.warehouse, read_only=True) as connection:
        connection.execute(f"attach '{loaded_bank.settings.warehouse}' as before_ (read_only)")
        differences = {}
        for table in MONTHLY:
            now, before = f"from {table} where {FINISHED}", f"from before_.{table} where {FINISHED}"
            ((differences[table],),) = connection.execute(
                f"select count(*) from (({now} except all {before}) union all ({before} except all {now}))"
            ).fetchall()
        compared = connection.execute(f"select count(*) from features.customer_months where {FINISHED}").fetchone()[0]
    assert differences == dict.fromkeys(MONTHLY, 0)
    assert compared > 500
