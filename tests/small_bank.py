"""A small simulated bank: how large it is, how it is loaded, and how a test gets one of its own.

Belongs here: what fixtures and tests share about it. Does not belong here: the fixtures themselves (``conftest``).
"""

import fcntl
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipeline.settings import Settings

# 600 customers over a quarter: the smallest bank whose daily files are long enough to have damaged rows tolerated.
BANK_CUSTOMERS = 600
BANK_MONTHS = 3
BANK_SEED = 7
BANK_DIRTY_SHARE = 0.008
# It is loaded to a date that leaves a month unfinished; the files of all later dates lie in landing.
FIRST_DATE = date(2025, 1, 1)
LAST_DATE = date(2025, 2, 26)
# To where a next run loads: past the end of a month, which starts mining, to the first date of another.
NEXT_LAST_DATE = date(2025, 3, 1)


@dataclass(frozen=True)
class LoadedBank:
    """A simulated bank that was loaded once to a last date; tests that change anything take a copy."""

    settings: Settings
    last: date
    hashes: dict[str, str]


def load_all(settings: Settings) -> None:
    """Run the pipeline over everything in landing, as the command line does."""
    from pipeline.load import load_dates

    load_dates(settings, None, None, echo=print)


def load_days(settings: Settings, first: date, last: date | None = None) -> None:
    """Run the pipeline over some dates, whether or not they are loaded."""
    from pipeline.load import load_dates

    load_dates(settings, first, last or first, echo=print)


def refresh_mining(settings: Settings) -> None:
    """Mine and score anew, whether or not anything changed."""
    import dagster as dg

    from pipeline.definitions import build_definitions
    from pipeline.runs import execute_job, prepare_instance

    prepare_instance(settings)
    with dg.DagsterInstance.get() as instance:
        execute_job(build_definitions(settings), "mining_refresh", instance, {}, print)


def run_mining_steps(settings: Settings, *names: str) -> list[str]:
    """Run some steps of mining, and no other, on whatever the build file holds; return why those that failed did."""
    import dagster as dg

    from pipeline.definitions import build_definitions
    from pipeline.runs import prepare_instance

    prepare_instance(settings)
    definitions = build_definitions(settings)
    tables = [
        key
        for assets_def in definitions.resolve_asset_graph().assets_defs
        if assets_def.is_executable and assets_def.op.name in names
        for key in assets_def.keys
    ]
    job = definitions.resolve_job_def("mining_refresh")
    with dg.DagsterInstance.get() as instance:
        ended = job.execute_in_process(instance=instance, asset_selection=tables, raise_on_error=False)
    failures = [event.step_failure_data.error for event in ended.all_events if event.is_step_failure]
    return [error.to_string() for error in failures if error]


def copy_home(source: Path, target: Path) -> Path:
    """Copy a home; the landing files are shared, so a test that changes one replaces it by another file."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("landing"), dirs_exist_ok=True)
    shutil.copytree(source / "landing", target / "landing", copy_function=os.link)
    return target


def made_once(target: Path, make: Callable[[Path], None]) -> Path:
    """Make a folder, or wait until another worker process has made it."""
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = target.with_name(f"{target.name}.done")
        if not done.exists():
            make(target)
            done.touch()
    return target
