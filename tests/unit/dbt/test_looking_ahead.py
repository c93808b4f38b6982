"""Labels look ahead: a day that is loaded late, or a new policy, changes what was told of the months before it.

Guards against building them like features, from the month of the loaded day on, which leaves stale labels behind.
"""

from collections.abc import Callable
from datetime import date

from hand_made_warehouse import HandMadeWarehouse, run_dbt

FIRST, LATE, LAST = date(2025, 1, 1), date(2025, 4, 15), date(2025, 4, 30)
SELECT = "+customer_attrition"
LABELS = "select month_end_date, is_attrited, policy_version from features.customer_attrition order by all"


def withdraw(warehouse: HandMadeWarehouse, day: date) -> None:
    warehouse.insert(
        "raw.counter_transactions", transaction_id=day.isoformat(), account_id="A", business_date=day,
        booked_at="2025-01-01 09:00:00", transaction_type="withdrawal", direction="debit", amount=10, balance_after=0,
    )  # fmt: skip


def test_what_comes_late_changes_the_labels_before_it(new_warehouse: Callable[[], HandMadeWarehouse]) -> None:
    """Silent in March and April, the customer was lost in January: until a withdrawal of April comes in after all."""
    warehouse = new_warehouse()
    warehouse.insert(
        "raw.customers", customer_id="C", customer_type="person", status_code="active", business_date=FIRST
    )
    warehouse.insert(
        "raw.accounts", account_id="A", customer_id="C", product_code="current_account", currency_code="CNY",
        opened_date=FIRST, status_code="open", business_date=FIRST,
    )  # fmt: skip
    warehouse.load_day(FIRST)
    warehouse.execute(
        "insert into ops.extract_files select * replace (cast(unnest(generate_series(business_date + 1, ?, interval 1"
        " day)) as date) as business_date, uuid() as source_file_id) from ops.extract_files",
        [LAST],
    )
    withdraw(warehouse, date(2025, 1, 20))
    run_dbt(warehouse.home, "seed")

    warehouse.build(SELECT, FIRST, LAST)
    version = "2025-01"
    told = [(date(2025, 1, 31), True, version), (date(2025, 2, 28), None, version), (date(2025, 3, 31), None, version)]
    assert warehouse.rows(LABELS) == told

    withdraw(warehouse, LATE)
    warehouse.build(SELECT, LATE, LATE)
    told[0] = (date(2025, 1, 31), False, version)
    assert warehouse.rows(LABELS) == [*told, (LAST, None, version)]

    warehouse.execute("insert into policy.policy_attrition_definition values ('new', '2025-02-01', 3, 1, 1, '', '')")
    warehouse.build(SELECT, LAST, LAST)
    told = [told[0], (date(2025, 2, 28), True, "new"), (date(2025, 3, 31), False, "new"), (LAST, None, "new")]
    assert warehouse.rows(LABELS) == told
