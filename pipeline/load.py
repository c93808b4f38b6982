"""The main job from the command line: load dates, publish, open the UI.

Belongs here: which jobs run over which dates, in which order. Does not belong here: how a job is run (``runs``).
"""

import os
import sys
from collections.abc import Callable
from datetime import date, timedelta

import dagster as dg

from pipeline.definitions import build_definitions
from pipeline.errors import InputError
from pipeline.extracts.arrivals import complete_dates, feeds_missing, yesterday
from pipeline.extracts.contracts import Contract, load_contracts
from pipeline.extracts.ledger import loaded_dates
from pipeline.partitions import contiguous, month_end, month_starts_between, range_tags
from pipeline.runs import close_dead_runs, execute_job, prepare_instance, wait_for_turn
from pipeline.serving.builds import dates_not_built, has_files_not_built, mining_is_due, publication_is_due
from pipeline.serving.publish import create_publications
from pipeline.settings import FIRST_DATE_VARIABLE, HOME_VARIABLE, PROJECT_ROOT, Settings
from pipeline.warehouse import open_warehouse

# It recommends `dg dev` in place of `dagster dev`, but that one does not read workspace.yaml.
SUPERSESSION_WARNING = "ignore::FutureWarning:click.core"

Echo = Callable[[str], None]


def load_dates(settings: Settings, first: date | None, last: date | None, echo: Echo) -> None:
    """Load business dates into the star, refresh mining where a complete month changed, and publish.

    Parameters
    ----------
    first, last
        Both included. Without ``first``: the first date that is not in the star, loaded or not; without ``last``: the
        last one from there on without a gap, all of whose files are there. Monthly files are loaded for the months of
        these dates, and for earlier ones of which a file came late; with no date to load, the last one is built again
        for their sake.

    Raises
    ------
    InputError
        If the dates lie before the warehouse's first date, or a job failed.
    """
    prepare_instance(settings)
    with dg.DagsterInstance.get() as instance:
        # what is loaded can only be asked when nobody is loading
        wait_for_turn(instance, echo)
        window, months = plan_load(settings, first, last)
        definitions = build_definitions(settings)
        if window:
            first, last = window
            echo(f"Loading {first} to {last} ({(last - first).days + 1} business dates) into {settings.home}")
            echo("Reference files (job reference_load)")
            execute_job(
                definitions, "reference_load", instance, range_tags(months[0].isoformat(), months[-1].isoformat()), echo
            )
            echo("Daily files, star, features, publication (job daily_load)")
            execute_job(definitions, "daily_load", instance, range_tags(first.isoformat(), last.isoformat()), echo)
        else:
            echo("Every date of landing whose files are complete is loaded. Load one again with --from and --to.")
        # asked of the warehouse and not of this run: a run before this one may have been cut short
        with open_warehouse(settings) as connection:
            create_publications(connection)
            has_to_mine, has_to_publish = mining_is_due(connection), publication_is_due(connection)
        if has_to_mine:
            echo("Segments, rules, sequences, models, publication (job mining_refresh)")
            execute_job(definitions, "mining_refresh", instance, {}, echo)
        elif has_to_publish:
            echo("Publication (job publish)")
            execute_job(definitions, "publish", instance, {}, echo)


def plan_load(settings: Settings, first: date | None, last: date | None) -> tuple[tuple[date, date] | None, list[date]]:
    """Return the first and last date to load, and the first days of the months whose monthly files go with them.

    Parameters
    ----------
    first, last
        As for `load_dates`.

    Raises
    ------
    InputError
        If there is nothing to load yet, or the dates lie before the warehouse's first date.
    """
    window = _window(settings, first, last)
    if window:
        late = _late_dates(settings, window[1])
    else:
        daily = [contract for contract in load_contracts().values() if contract.is_daily]
        with open_warehouse(settings) as connection:
            last_loaded = max(loaded_dates(connection, daily))
            is_built = not has_files_not_built(connection)
        late = _late_dates(settings, last_loaded)
        if is_built and not late:
            return None, []
        window = last_loaded, last_loaded
    return window, month_starts_between(min([window[0], *late]), window[1])


def _late_dates(settings: Settings, last: date) -> list[date]:
    """Dates, up to the end of the month of ``last``, of monthly files that are there and not loaded."""
    monthly = [contract for contract in load_contracts().values() if not contract.is_daily]
    with open_warehouse(settings) as connection:
        return [
            day
            for contract in monthly
            for day in complete_dates([contract], settings, settings.first_business_date, month_end(last))
            if day not in loaded_dates(connection, [contract])
        ]


def _window(settings: Settings, first: date | None, last: date | None) -> tuple[date, date] | None:
    contracts = load_contracts()
    daily = [contract for contract in contracts.values() if contract.is_daily]
    earliest = settings.first_business_date
    if first is None:
        complete = complete_dates(daily, settings, earliest, yesterday())
        with open_warehouse(settings) as connection:
            loaded = loaded_dates(connection, daily)
            not_built = dates_not_built(connection, [contract.feed for contract in daily])
        waiting = contiguous(sorted({*not_built, *(day for day in complete if day not in loaded)}))
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
        _refuse_gap(settings, daily, loaded, first)
    if last is None:
        following = complete_dates(daily, settings, first, yesterday())
        last = contiguous(sorted({first, *following}))[-1]
    if not earliest <= first <= last:
        raise InputError(
            "these dates cannot be loaded",
            expected=f"{earliest} <= first date <= last date",
            found=f"first {first}, last {last}",
            where="--from and --to",
            action=f"choose other dates, or set {FIRST_DATE_VARIABLE} to the first date of your extracts",
        )
    return first, last


def _refuse_gap(settings: Settings, daily: list[Contract], loaded: set[date], first: date) -> None:
    """Refuse to pass over a date of which files are missing after loaded ones: they may be lost."""
    earlier = [day for day in loaded if day < first]
    if not earlier or max(earlier) + timedelta(days=1) == first:
        return
    lost = max(earlier) + timedelta(days=1)
    raise InputError(
        "a business date is missing",
        expected=f"every daily feed's file for {lost}, the date after the last one loaded",
        found=f"none of {', '.join(feeds_missing(daily, settings, lost))}; the next complete date is {first}",
        where=str(settings.landing),
        action=f"ask for the missing files; to go on without that date, load with --from {first}",
    )


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
    os.environ.setdefault("PYTHONWARNINGS", SUPERSESSION_WARNING)
    # anywhere but the project's folder, whose dagster.yaml Dagster would warn is not the one in use
    os.chdir(settings.home)
    workspace = str(PROJECT_ROOT / "workspace.yaml")
    command = [sys.executable, "-m", "dagster", "dev", "-w", workspace, "-h", "127.0.0.1", "-p", str(port)]
    os.execv(sys.executable, command)  # noqa: S606 - no shell is wanted
