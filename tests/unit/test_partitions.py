"""Windows of business dates: what a run's range means."""

from datetime import date

from pipeline.partitions import contiguous, dbt_window_vars, month_end, month_starts_between


def test_months_touched_by_a_window():
    """Guards reference loads across a turn of the year."""
    assert month_starts_between(date(2024, 12, 31), date(2025, 2, 1)) == [
        date(2024, 12, 1),
        date(2025, 1, 1),
        date(2025, 2, 1),
    ]
    assert month_starts_between(date(2025, 3, 5), date(2025, 3, 5)) == [date(2025, 3, 1)]


def test_last_day_of_a_month():
    """Guards the border up to which monthly files are looked for: leap years, and months of 31 days."""
    days = [date(2024, 2, 1), date(2024, 2, 29), date(2025, 12, 31), date(2025, 1, 30)]
    assert [month_end(day) for day in days] == [
        date(2024, 2, 29), date(2024, 2, 29), date(2025, 12, 31), date(2025, 1, 31)
    ]  # fmt: skip


def test_a_later_date_waits_for_a_missing_earlier_one():
    """Guards order of arrival: a gap ends the range that may be loaded."""
    assert contiguous([date(2025, 1, 1), date(2025, 1, 2), date(2025, 1, 4)]) == [date(2025, 1, 1), date(2025, 1, 2)]
    assert contiguous([]) == []


def test_window_variables_include_both_ends():
    """Guards the contract with the dbt models: both dates are included."""
    assert dbt_window_vars(date(2025, 1, 1), date(2025, 1, 31)) == {
        "start_date": "2025-01-01",
        "end_date": "2025-01-31",
    }
