"""Months and days as the simulator counts them: days since 1970-01-01, seconds since the month's first midnight (UTC).

Belongs here: calendar arithmetic. Does not belong here: what happens on a day.
"""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

EPOCH = date(1970, 1, 1)
SECONDS_PER_DAY = 86_400
DAYS_PER_YEAR = 365.25
# stands for "never" in arrays of days
NEVER = np.iinfo(np.int32).max


def day_number(day: date) -> int:
    """Return the days since 1970-01-01."""
    return (day - EPOCH).days


@dataclass(frozen=True)
class Month:
    """One simulated month; ``index`` counts from 0."""

    index: int
    first: date

    @property
    def days(self) -> int:
        """Length in days."""
        return calendar.monthrange(self.first.year, self.first.month)[1]

    @property
    def last(self) -> date:
        """Last date."""
        return self.first + timedelta(days=self.days - 1)

    @property
    def dates(self) -> list[date]:
        """All dates, ascending."""
        return [self.first + timedelta(days=i) for i in range(self.days)]

    @property
    def first_day(self) -> int:
        """Day number of the first date."""
        return day_number(self.first)

    @property
    def last_day(self) -> int:
        """Day number of the last date."""
        return self.first_day + self.days - 1


def months_from(start: date, count: int) -> list[Month]:
    """Return consecutive months; ``start`` is the first day of the first."""
    first_months = start.year * 12 + start.month - 1
    return [Month(i, date((first_months + i) // 12, (first_months + i) % 12 + 1, 1)) for i in range(count)]
