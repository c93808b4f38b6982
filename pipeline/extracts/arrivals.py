"""Which dates of a feed are due, which have arrived whole, and what is still missing.

Belongs here: questions about dates and feeds that look only at file names. Does not belong here: opening files
(``landing``, ``ingest``).
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from pipeline.extracts.contracts import SIDECAR_EXTENSION, Contract
from pipeline.extracts.landing import day_directory, matching_names
from pipeline.settings import Settings


def yesterday() -> date:
    """The last business date that is over (UTC)."""
    return datetime.now(UTC).date() - timedelta(days=1)


def dates_due(contract: Contract, settings: Settings, first: date, last: date) -> list[date]:
    """List the dates of a window for which the feed owes a file, or has dropped one already.

    A daily feed owes the file of a business date that is over. A monthly one has the time that its contract gives it:
    until then its file is loaded if it is there, and not missed if it is not.
    """
    return [
        day
        for day in contract.dates_between(first, last)
        if settings.first_business_date <= day and (_is_owed(contract, day) or matching_names(contract, day, settings))
    ]


def _is_owed(contract: Contract, day: date) -> bool:
    return day <= yesterday() if contract.is_daily else contract.expected_by(day) <= datetime.now(UTC)


def complete_dates(contracts: Iterable[Contract], settings: Settings, first: date, last: date) -> list[date]:
    """List the dates of a window for which every one of these feeds has its file and the sidecar it must have."""
    days_by_feed = [
        {day for day in _days_in_landing(contract, settings, first, last) if _has_arrived(contract, settings, day)}
        for contract in contracts
    ]
    return sorted(set.intersection(*days_by_feed)) if days_by_feed else []


def feeds_missing(contracts: Iterable[Contract], settings: Settings, day: date) -> list[str]:
    """Name the feeds whose file or sidecar for a date is not there."""
    return [contract.feed for contract in contracts if not _has_arrived(contract, settings, day)]


def _days_in_landing(contract: Contract, settings: Settings, first: date, last: date) -> list[date]:
    folder = settings.landing / contract.feed
    if not folder.is_dir():
        return []
    wanted = {day.isoformat(): day for day in contract.dates_between(first, last)}
    return [wanted[entry.name] for entry in folder.iterdir() if entry.name in wanted]


def _has_arrived(contract: Contract, settings: Settings, day: date) -> bool:
    names = matching_names(contract, day, settings)
    if not names or contract.control.sidecar != "required":
        return bool(names)
    folder = day_directory(contract, day, settings)
    return all((folder / f"{name}{SIDECAR_EXTENSION}").exists() for name in names)
