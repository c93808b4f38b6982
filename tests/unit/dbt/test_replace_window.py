"""The incremental strategy: a window replaces itself, whatever came before and in whatever order.

Guards against going back to `delete+insert` by key, which leaves rows that a restated day no longer has, and against
monthly tables that forget a month which was young when it was built.
"""

from collections.abc import Callable
from datetime import date

from hand_made_warehouse import HandMadeWarehouse

TUESDAY, WEDNESDAY = date(2025, 1, 7), date(2025, 1, 8)


def test_a_day_that_lost_its_rows_loses_them_in_the_fact(new_warehouse: Callable[[], HandMadeWarehouse]) -> None:
    """A restated day without rows empties the day and touches no other."""
    warehouse = new_warehouse()
    for number, day in enumerate((TUESDAY, WEDNESDAY)):
        warehouse.insert("raw.interactions", interaction_id=str(number), customer_id="C", business_date=day)
    warehouse.build("stg_interactions stg_customers int_known_customers fct_interactions", TUESDAY, WEDNESDAY)
    warehouse.execute("delete from raw.interactions where business_date = ?", [TUESDAY])

    warehouse.build("fct_interactions", TUESDAY, TUESDAY)

    assert warehouse.rows("select interaction_id from core.fct_interactions") == [("1",)]


def test_days_in_another_order_end_in_the_same_tables(new_warehouse: Callable[[], HandMadeWarehouse]) -> None:
    """A day is loaded late, with an account that a later day already used, across the end of a month with a gap."""
    early, late = date(2025, 1, 30), date(2025, 2, 2)
    tables = ("core.fct_transactions", "core.fct_account_months", "intermediate.int_customer_activity_months")
    select = "+fct_account_months +int_customer_activity_months"

    def drop(warehouse: HandMadeWarehouse, day: date) -> None:
        if day == early:
            warehouse.insert(
                "raw.customers", customer_id="C", customer_type="person", status_code="active", business_date=day
            )
            warehouse.insert(
                "raw.accounts", account_id="A", customer_id="C", product_code="current_account", currency_code="CNY",
                opened_date=day, status_code="open", business_date=day,
            )  # fmt: skip
        warehouse.insert(
            "raw.counter_transactions", transaction_id=day.isoformat(), account_id="A", business_date=day,
            booked_at="2025-01-01 09:00:00", transaction_type="deposit", direction="credit", amount=10,
            balance_after=10 if day == early else 20,
        )  # fmt: skip
        warehouse.load_day(day)

    at_once, late_day_last = new_warehouse(), new_warehouse()
    for day in (early, late):
        drop(at_once, day)
    at_once.build(select, early, late)
    for day in (late, early):
        drop(late_day_last, day)
        late_day_last.build(select, day, day)

    for table in tables:
        expected = at_once.rows(f"select * from {table} order by all")
        assert expected
        assert late_day_last.rows(f"select * from {table} order by all") == expected
    assert at_once.rows("select month_end_date, as_of_date from core.fct_account_months order by all") == [
        (date(2025, 1, 31), date(2025, 1, 31)),
        (date(2025, 2, 28), date(2025, 2, 2)),
    ]
