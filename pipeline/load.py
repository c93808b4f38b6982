"""The main job from the command line: load dates, publish, open the UI.

Belongs here: which jobs run over which dates, in which order. Does not belong here: how a job is run (``runs``).
"""

import os
import sys
from collections.abc import Callable
from datetime import date

import dagster as dg

from pipeline.definitions import build_definitions
from pipeline.errors import InputError
from pipeline.extracts.arrivals import complete_dates, yesterday
from pipeline.extracts.contracts import load_contracts
from pipeline.extracts.ledger import loaded_dates
from pipeline.partitions import contiguous, month_end, month_starts_between, range_tags
from pipeline.runs import close_dead_runs, execute_job, prepare_instance
from pipeline.settings import FIRST_DATE_VARIABLE, HOME_VARIABLE, PROJECT_ROOT, Settings
from pipeline.warehouse import open_warehouse

Echo = Callable[[str], None]


def load_dates(settings: Settings, first: date | None, last: date | None, echo: Echo) -> None:
    """Load business dates into the star and publish; refresh mining where a month ended.

    Parameters
    ----------
    first, last
        Both included. Without ``first``: the first date of landing that is not loaded; without ``last``: the last date
        from there on without a gap, all of whose files are there.

    Raises
    ------
    InputError
        If the dates lie before the warehouse's first date, or a job failed.
    """
    window = _window(settings, first, last)
    if window is None:
        echo("Nothing new in landing: every date whose files are complete is loaded. Reload one with --from and --to.")
        return
    first, last = window
    echo(f"Loading {first} to {last} ({(last - first).days + 1} business dates) into {settings.home}")
    prepare_instance(settings)
    definitions = build_definitions(settings)
    months = month_starts_between(first, last)
    with dg.DagsterInstance.get() as instance:
        echo("Reference files (job reference_load)")
        execute_job(
            definitions, "reference_load", instance, range_tags(months[0].isoformat(), months[-1].isoformat()), echo
        )
        echo("Daily files, star, features, publication (job daily_load)")
        execute_job(definitions, "daily_load", instance, range_tags(first.isoformat(), last.isoformat()), echo)
        if last >= month_end(first):
            echo("Segments, rules, default model (job mining_refresh)")
            execute_job(definitions, "mining_refresh", instance, {}, echo)
        else:
            echo("No month ended in these dates, so mining results stay as they are.")


def _window(settings: Settings, first: date | None, last: date | None) -> tuple[date, date] | None:
    contracts = load_contracts()
    daily = [contract for contract in contracts.values() if contract.is_daily]
    earliest = settings.first_business_date
    if first is None:
        complete = complete_dates(daily, settings, earliest, yesterday())
        with open_warehouse(settings) as connection:
            loaded = loaded_dates(connection, daily)
        waiting = contiguous([day for day in complete if day not in loaded])
        if not complete and not loaded:
            raise InputError(
                "there is nothing to load",
                expected=f"for some date from {earliest} on, every daily feed's file with its sidecar",
                found="no date with all of them",
                where=str(settings.landing),
                action="run `credit-warehouse simulate`, or drop your bank's files there and see "
                f"`credit-warehouse status`; if they begin before {earliest}, set {FIRST_DATE_VARIABLE}",
            )
        if not waiting:
            return None
        first = waiting[0]
        last = last or waiting[-1]
    last = last or first
    if not earliest <= first <= last:
        raise InputError(
            "these dates cannot be loaded",
            expected=f"{earliest} <= first date <= last date",
            found=f"first {first}, last {last}",
            where="--from and --to",
            action=f"choose other dates, or set {FIRST_DATE_VARIABLE} to the first date of your extracts",
        )
    return first, last


def publish_now(settings: Settings, echo: Echo) -> None:
    """Audit the build file and publish it, as a run of its own.

    Raises
    ------
    InputError
        If the audit found anything.
    """
    prepare_instance(settings)
    with dg.DagsterInstance.get() as instance:
        execute_job(build_definitions(settings), "publish", instance, {}, echo)


def replace_process_with_ui(settings: Settings, port: int) -> None:
    """Become ``dagster dev`` for this warehouse, on the loopback address only."""
    prepare_instance(settings)
    with dg.DagsterInstance.get() as instance:
        close_dead_runs(instance)
    os.environ[HOME_VARIABLE] = str(settings.home)
    os.chdir(PROJECT_ROOT)
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    os.execv(sys.executable, command)  # noqa: S606 - no shell is wanted
