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
from pipeline.partitions import contiguous, month_starts_between, range_tags
from pipeline.runs import close_dead_runs, execute_job, prepare_instance
from pipeline.serving.builds import dates_not_built, mining_is_due, publication_is_due
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
        last one from there on without a gap, all of whose files are there.

    Raises
    ------
    InputError
        If the dates lie before the warehouse's first date, or a job failed.
    """
    window = _window(settings, first, last)
    prepare_instance(settings)
    definitions = build_definitions(settings)
    with dg.DagsterInstance.get() as instance:
        if window:
            first, last = window
            echo(f"Loading {first} to {last} ({(last - first).days + 1} business dates) into {settings.home}")
            months = month_starts_between(first, last)
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
            echo("Segments, rules, default model, publication (job mining_refresh)")
            execute_job(definitions, "mining_refresh", instance, {}, echo)
        elif has_to_publish:
            echo("Publication (job publish)")
            execute_job(definitions, "publish", instance, {}, echo)


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
    os.environ.setdefault("PYTHONWARNINGS", SUPERSESSION_WARNING)
    # anywhere but the project's folder, whose dagster.yaml Dagster would warn is not the one in use
    os.chdir(settings.home)
    workspace = str(PROJECT_ROOT / "workspace.yaml")
    command = [sys.executable, "-m", "dagster", "dev", "-w", workspace, "-h", "127.0.0.1", "-p", str(port)]
    os.execv(sys.executable, command)  # noqa: S606 - no shell is wanted
