"""What is loaded, what waits, what is missing; and whether this machine can run the pipeline.

Belongs here: ``credit-warehouse status`` and ``doctor``. Does not belong here: mending anything.
"""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from pipeline.errors import InputError
from pipeline.extracts.arrivals import complete_dates, feeds_missing, yesterday
from pipeline.extracts.contracts import Contract, load_contracts
from pipeline.extracts.ledger import loaded_dates
from pipeline.serving.audiences import load_audiences
from pipeline.serving.reading import current_snapshot
from pipeline.settings import DBT_PROJECT_DIR, HOME_VARIABLE, Settings
from pipeline.warehouse import open_warehouse

# The demonstration needs about 300 MB; a full disk in the middle of a load is the commonest of accidents.
LEAST_FREE_BYTES = 2 * 1024**3

_LOADED_BY_FEED = """
    select feed, count(*) as files, min(business_date) as first_date, max(business_date) as last_date,
        sum(rows_read)::bigint as rows_read, sum(rows_loaded)::bigint as rows_loaded,
        sum(rows_rejected)::bigint as rows_rejected
    from ops.extract_files where status = 'loaded' group by feed order by feed
"""


def status_report(settings: Settings) -> str:
    """Describe the state of the warehouse in plain text.

    Raises
    ------
    InputError
        If a run has the build file open: its state is changing.
    """
    contracts = load_contracts()
    daily = [contract for contract in contracts.values() if contract.is_daily]
    if not settings.warehouse.exists():
        return f"{settings.home}: nothing is loaded yet.\n{_waiting(settings, daily, loaded=set())}"
    with open_warehouse(settings) as connection:
        loaded = loaded_dates(connection, daily)
        by_feed = connection.execute(_LOADED_BY_FEED).df().to_string(index=False) if loaded else "(nothing loaded)"
    return f"{settings.home}\n\n{by_feed}\n\n{_waiting(settings, daily, loaded)}\n{_published(settings)}"


def _waiting(settings: Settings, daily: list[Contract], loaded: set[date]) -> str:
    waiting = [
        day for day in complete_dates(daily, settings, settings.first_business_date, yesterday()) if day not in loaded
    ]
    next_date = max(loaded) + timedelta(days=1) if loaded else settings.first_business_date
    lines = [
        f"Waiting in landing: {len(waiting)} complete business dates" + (f", from {waiting[0]}" if waiting else "")
    ]
    if not waiting and next_date <= yesterday():
        missing = feeds_missing(daily, settings, next_date)
        lines.append(f"Next business date {next_date}: missing {', '.join(missing) or 'nothing'}")
    return "\n".join(lines)


def _published(settings: Settings) -> str:
    lines = []
    for name in load_audiences():
        try:
            lines.append(f"Published for {name}: {current_snapshot(settings, name)}")
        except InputError:
            lines.append(f"Published for {name}: nothing yet")
    return "\n".join(lines)


@dataclass(frozen=True)
class Examined:
    """One thing that was looked at."""

    what: str
    is_well: bool
    detail: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.is_well else 'FAIL'}  {self.what}: {self.detail}"


def examine(settings: Settings) -> list[Examined]:
    """Look at everything that a run needs, and go on after what is wrong."""
    return [_examined(what, look, settings) for what, look in _LOOKS]


def _examined(what: str, look: Callable[[Settings], str], settings: Settings) -> Examined:
    try:
        return Examined(what, True, look(settings))
    except (InputError, OSError, duckdb.Error) as error:
        return Examined(what, False, str(error))


def _python(_: Settings) -> str:
    return f"{sys.version.split()[0]} at {sys.executable}"


def _duckdb(_: Settings) -> str:
    connection = duckdb.connect()
    version = connection.execute("select version()").fetchone()
    # a build without Parquet could not read the raw zone
    connection.execute("load parquet")
    return f"{version[0] if version else '?'} with Parquet"


def _contracts(_: Settings) -> str:
    return f"{len(load_contracts())} feeds"


def _home(settings: Settings) -> str:
    settings.home.mkdir(parents=True, exist_ok=True)
    probe = settings.home / ".doctor"
    probe.write_text("")
    probe.unlink()
    return f"{settings.home} is writable (set {HOME_VARIABLE} for another)"


def _disk(settings: Settings) -> str:
    free = shutil.disk_usage(settings.home).free
    if free < LEAST_FREE_BYTES:
        raise InputError(
            "the disk is nearly full",
            expected=f"{LEAST_FREE_BYTES / 1e9:.0f} GB free",
            found=f"{free / 1e9:.1f} GB",
            where=str(settings.home),
            action=f"free some space or set {HOME_VARIABLE} to another disk",
        )
    return f"{free / 1e9:.0f} GB free"


def _warehouse(settings: Settings) -> str:
    if not settings.warehouse.exists():
        return "no build file yet"
    with open_warehouse(settings) as connection:
        tables = connection.execute("select count(*) from duckdb_tables() where not internal").fetchone()
    return f"{settings.warehouse.name} opens, {tables[0] if tables else 0} tables"


def _manifest(_: Settings) -> str:
    manifest = DBT_PROJECT_DIR / "target" / "manifest.json"
    return "dbt manifest is there" if manifest.exists() else "dbt manifest will be made by the first run"


_LOOKS: tuple[tuple[str, Callable[[Settings], str]], ...] = (
    ("Python", _python),
    ("DuckDB", _duckdb),
    ("contracts", _contracts),
    ("home", _home),
    ("disk", _disk),
    ("build file", _warehouse),
    ("dbt", _manifest),
)
