"""How time is cut: business dates and months, and what a run's range of them means to dbt.

Belongs here: partitions definitions and the pure functions that turn a run's range into dates. Does not belong here:
which assets use them.
"""

from datetime import date, timedelta

import dagster as dg

from pipeline.settings import Settings


def daily_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """Business dates from the first one of the warehouse to yesterday."""
    return dg.DailyPartitionsDefinition(start_date=settings.first_business_date.isoformat())


def monthly_partitions(settings: Settings) -> dg.MonthlyPartitionsDefinition:
    """Months from the first business date on, the current one included: some feeds come on its first day."""
    return dg.MonthlyPartitionsDefinition(
        start_date=settings.first_business_date.replace(day=1).isoformat(), end_offset=1
    )


def range_tags(first_key: str, last_key: str) -> dict[str, str]:
    """Run tags that make one run cover a range of partitions (a single-run backfill)."""
    return {
        "dagster/asset_partition_range_start": first_key,
        "dagster/asset_partition_range_end": last_key,
    }


def days_of_window(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """First and last business date of the run's window, both included; for months, their first and last days."""
    window = context.partition_time_window
    return window.start.date(), window.end.date() - timedelta(days=1)


def dates_between(first: date, last: date) -> list[date]:
    """Every calendar date from ``first`` to ``last``, both included."""
    return [first + timedelta(days=day) for day in range((last - first).days + 1)]


def month_starts_between(first: date, last: date) -> list[date]:
    """First days of all months that ``first`` to ``last`` touches."""
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [date(month // 12, month % 12 + 1, 1) for month in months]


def month_end(day: date) -> date:
    """Last day of the month of ``day``."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def dbt_window_vars(first: date, last: date) -> dict[str, str]:
    """The variables by which incremental models know their window, both dates included."""
    return {"start_date": first.isoformat(), "end_date": last.isoformat()}


def contiguous(dates: list[date]) -> list[date]:
    """The dates from the first on, up to the first gap: a later date waits for an earlier one."""
    return [day for position, day in enumerate(dates) if day == dates[0] + timedelta(days=position)]
