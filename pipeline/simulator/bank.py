"""One simulation as a whole: its arguments, its directories, and the marker that it is complete.

Belongs here: what may be asked for, what must not be overwritten, the summary. Does not belong here: what happens in
the bank (operations).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline.errors import InputError
from pipeline.extracts.contracts import Contract, load_contracts
from pipeline.simulator.drops import Dropper
from pipeline.simulator.months import Month, months_from
from pipeline.simulator.operations import Bank

MARKER_FILE = "simulation.json"
STARTED_FILE = "simulation.started.json"
LARGEST_BANK = 5_000_000
LONGEST_SIMULATION = 240
LARGEST_DIRTY_SHARE = 0.008


@dataclass(frozen=True)
class SimulationSummary:
    """What a simulation dropped; ``was_there_already`` tells that nothing had to be done."""

    customers: int
    months: int
    seed: int
    first_date: date
    last_date: date
    landing: Path
    rows: dict[str, int]
    files: int
    was_there_already: bool

    def __str__(self) -> str:
        done = "is there already, nothing written" if self.was_there_already else "dropped"
        return (
            f"{done}: {sum(self.rows.values()):,} rows in {self.files:,} files of {len(self.rows)} feeds, "
            f"{self.first_date} to {self.last_date}, {self.customers:,} customers, seed {self.seed}, in {self.landing}"
        )


def simulate(
    customers: int,
    months: int,
    seed: int,
    home: Path,
    start: date = date(2025, 1, 1),
    dirty_share: float = 0.0,
    progress: Callable[[str], None] = lambda message: None,
) -> SimulationSummary:
    """Drop all feeds of a synthetic bank into ``home/landing``, and what was planted into ``home/truth``.

    Parameters
    ----------
    customers : int
        Customers on the first day, 10 to 5,000,000; some come and go later.
    months : int
        Whole months, 1 to 240.
    seed : int
        Not negative. The same arguments give the same bytes on any number of threads, and a longer simulation begins
        with the files of a shorter one.
    home : Path
        The directory of the warehouse's state.
    start : date
        First business date, the first day of a month.
    dirty_share : float
        Share of the rows of daily event files (0 to 0.008) that are damaged so that their contracts reject them. A
        file too small to stay within its tolerated share is spared.
    progress : callable
        Told one line per month.

    Raises
    ------
    InputError
        If an argument is out of range, or the landing zone holds something else.
    """
    _check_arguments(customers, months, seed, start, dirty_share)
    arguments = {
        "customers": customers, "months": months, "seed": seed, "start": start.isoformat(), "dirty_share": dirty_share,
    }  # fmt: skip
    calendar = months_from(start, months)
    marker = _finished_simulation(home, arguments)
    was_there_already = marker is not None
    if marker is None:
        marker = _write_simulation(home, arguments, calendar, load_contracts(), progress)
    return SimulationSummary(
        customers, months, seed, start, calendar[-1].last, home / "landing", marker["rows"], marker["files"],
        was_there_already,
    )  # fmt: skip


def _write_simulation(
    home: Path,
    arguments: dict[str, Any],
    calendar: list[Month],
    contracts: dict[str, Contract],
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Write landing and truth, and at last the marker, which is returned."""
    truth = home / "truth"
    truth.mkdir(parents=True, exist_ok=True)
    (truth / STARTED_FILE).write_text(json.dumps(arguments), encoding="utf-8")
    dropper = Dropper(contracts, home / "landing", arguments["seed"], arguments["dirty_share"])
    bank = Bank(arguments["customers"], arguments["seed"], calendar[0], dropper)
    for month in calendar:
        bank.live(month)
        progress(f"{month.first:%Y-%m}: {sum(dropper.rows.values()):,} rows dropped so far")
    dropper.close()
    for name, table in {**bank.truth(), "dirty_rows": dropper.dirty_rows.as_table()}.items():
        pq.write_table(table, truth / f"{name}.parquet")
    rows = dict(sorted(dropper.rows.items()))
    marker = {"arguments": arguments, "rows": rows, "files": sum(dropper.files.values())}
    partial = truth / f"{MARKER_FILE}.partial"
    partial.write_text(json.dumps(marker, indent=2), encoding="utf-8")
    partial.replace(truth / MARKER_FILE)
    return marker


def _check_arguments(customers: int, months: int, seed: int, start: date, dirty_share: float) -> None:
    rules = (
        (10 <= customers <= LARGEST_BANK, "customers", f"10 to {LARGEST_BANK}", customers),
        (1 <= months <= LONGEST_SIMULATION, "months", f"1 to {LONGEST_SIMULATION}", months),
        (seed >= 0, "seed", "a whole number from 0 on", seed),
        (start.day == 1, "start", "the first day of a month", start),
        (0 <= dirty_share <= LARGEST_DIRTY_SHARE, "dirty share", f"0 to {LARGEST_DIRTY_SHARE}", dirty_share),
    )
    for is_kept, name, expected, found in rules:
        if not is_kept:
            raise InputError(
                f"the simulation cannot start: {name} is out of range",
                expected=expected,
                found=str(found),
                where=f"argument {name}",
                action="give a value in this range",
            )


def _finished_simulation(home: Path, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """Return the marker of the same simulation if it is complete; refuse to mix it with anything else."""
    marker, started = home / "truth" / MARKER_FILE, home / "truth" / STARTED_FILE
    found_arguments: Any
    if not any((home / "landing").glob("*/*")):
        return None
    if marker.exists():
        found = json.loads(marker.read_text(encoding="utf-8"))
        if found["arguments"] == arguments:
            return found
        found_arguments = found["arguments"]
    elif started.exists():
        # an interrupted simulation is written again, file by file
        found_arguments = json.loads(started.read_text(encoding="utf-8"))
        if found_arguments == arguments:
            return None
    else:
        found_arguments = "files that no simulation dropped"
    raise InputError(
        "the landing zone already holds something else",
        expected=f"an empty landing zone, or the simulation {json.dumps(arguments)}",
        found=found_arguments if isinstance(found_arguments, str) else json.dumps(found_arguments),
        where=str(home / "landing"),
        action="give another --out directory, repeat the arguments found, or remove the landing and truth directories",
    )
