"""Run contenders one by one, each in a process of its own, and compare time, memory and what they found.

Belongs here: processes, clocks, memory and the printed table. Does not belong here: any data or any algorithm.

How to register
---------------
A problem is a module of this package, named in `PROBLEMS`, with ``CONTENDERS: dict[str, Contender]``. The first one is
ours: the others' time and memory are told as multiples of its. All contenders of a problem get the same number of rows
and must find the same number of patterns, or the run fails.

>>> Contender(prepare=lambda rows: list(range(rows)), run=lambda numbers: len(set(numbers))).run([1, 2, 2])
2

What is measured
----------------
Seconds are those of `Contender.run` alone: imports, data and the start of a JVM belong into `Contender.prepare`. Memory
is the peak of the process and of its children (a JVM is one), from its start, so with the input and the libraries. In
each round the contenders run in turns; the table shows medians. Seconds of different machines do not compare, ratios of
one run do.
"""

import importlib
import importlib.util
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.settings import PROJECT_ROOT

PROBLEMS = {
    "itemsets": "benchmarks.mining.itemset_contenders",
    "giant_baskets": "benchmarks.mining.giant_basket_contenders",
    "sequences": "benchmarks.mining.sequence_contenders",
}


def is_there() -> None:
    """Say that nothing is missing."""


@dataclass(frozen=True)
class Contender:
    """One way to solve a problem.

    Parameters
    ----------
    prepare : callable
        From the number of rows to the input of `run`; not timed. Imports of peers belong here, not at the module's top.
    run : callable
        From that input to the number of patterns found; timed.
    available : callable
        Returns why this way cannot run here (a library or Java is missing), or None if it can.
    most_rows : int or None
        The largest size worth running; beyond it the way is named as left out.
    """

    prepare: Callable[[int], Any]
    run: Callable[[Any], int]
    available: Callable[[], str | None] = is_there
    most_rows: int | None = None


@dataclass(frozen=True)
class Figures:
    """What one run took and found."""

    patterns: int
    seconds: float
    peak_mb: float


def missing_library(module: str) -> Callable[[], str | None]:
    """Return an `available` that demands a library.

    Parameters
    ----------
    module : str
        The name to import.

    Returns
    -------
    callable
        For `Contender.available`.
    """

    def available() -> str | None:
        return None if importlib.util.find_spec(module) else f"{module} is not installed"

    return available


def contenders_of(problem: str) -> dict[str, Contender]:
    """Import the contenders of a problem.

    Parameters
    ----------
    problem : str
        A key of `PROBLEMS`.

    Returns
    -------
    dict of str to Contender
        In the order in which they are shown, ours first.
    """
    contenders: dict[str, Contender] = importlib.import_module(PROBLEMS[problem]).CONTENDERS
    return contenders


def compare(problem: str, sizes: list[int], rounds: int, limit_seconds: float) -> None:
    """Run all contenders of a problem on all sizes and print one line per contender and size.

    Parameters
    ----------
    problem : str
        A key of `PROBLEMS`.
    sizes : list of int
        Numbers of rows, ascending.
    rounds : int
        Runs of each contender on each size.
    limit_seconds : float
        A process is ended after so long, and said to be.
    """
    medians: dict[str, Figures] = {}
    print(
        f"{'problem':14}{'rows':>10}  {'way':30}{'patterns':>9}{'seconds':>9}{'peak MB':>9}"
        f"{'time ratio':>12}{'memory ratio':>14}{'growth':>8}",
        flush=True,
    )
    for rows in sizes:
        previous, medians = medians, {}
        for name, outcome in _outcomes(problem, rows, rounds, limit_seconds).items():
            if isinstance(outcome, str):
                print(f"{problem:14}{rows:>10,}  {name:30}{outcome}", flush=True)
                continue
            medians[name] = outcome
            ours = next(iter(medians.values()))
            growth = f"{outcome.seconds / previous[name].seconds:.1f}" if name in previous else ""
            print(
                f"{problem:14}{rows:>10,}  {name:30}{outcome.patterns:>9,}{outcome.seconds:>9.2f}"
                f"{outcome.peak_mb:>9.0f}{outcome.seconds / ours.seconds:>12.2f}"
                f"{outcome.peak_mb / ours.peak_mb:>14.2f}{growth:>8}",
                flush=True,
            )
        found = {figures.patterns for figures in medians.values()}
        if len(found) > 1:
            raise SystemExit(f"the ways disagree on {rows:,} rows of {problem}: {sorted(found)} patterns")


def _outcomes(problem: str, rows: int, rounds: int, limit_seconds: float) -> dict[str, Figures | str]:
    """Return the medians of each contender, or why it has none."""
    runs: dict[str, list[Figures]] = {}
    outcomes: dict[str, Figures | str] = {}
    contenders = contenders_of(problem)
    for name, contender in contenders.items():
        if reason := contender.available():
            outcomes[name] = f"missing: {reason}"
        elif contender.most_rows is not None and rows > contender.most_rows:
            outcomes[name] = f"left out above {contender.most_rows:,} rows"
    for _ in range(rounds):
        for name in contenders:
            if name in outcomes:
                continue
            command = [sys.executable, "-m", "benchmarks.mining", "--one", problem, name, str(rows)]
            try:
                done = subprocess.run(
                    command, capture_output=True, text=True, timeout=limit_seconds, cwd=PROJECT_ROOT, check=False
                )
            except subprocess.TimeoutExpired:
                outcomes[name] = f"not done after {limit_seconds:,.0f} s"
                continue
            if done.returncode:
                outcomes[name] = f"failed: {_cause(done.stderr)}"
                continue
            runs.setdefault(name, []).append(Figures(**json.loads(done.stdout.splitlines()[-1])))
    for name, figures in runs.items():
        if name not in outcomes:
            outcomes[name] = Figures(
                patterns=figures[0].patterns,
                seconds=statistics.median(one.seconds for one in figures),
                peak_mb=statistics.median(one.peak_mb for one in figures),
            )
    return {name: outcomes[name] for name in contenders}


def _cause(error_output: str) -> str:
    """Return the last line that names an exception, a Java one below a Python one before the latter."""
    lines = error_output.splitlines()
    causes = [line for line in lines if re.match(r"(Caused by: )?[\w.]+(Error|Exception)\b", line)]
    java_causes = [line for line in causes if "java." in line]
    return (java_causes or causes or lines or ["no message"])[-1]


def run_one(problem: str, name: str, rows: int) -> None:
    """Run one contender in this process and print its figures as JSON.

    Parameters
    ----------
    problem, name : str
        A key of `PROBLEMS` and one of its ``CONTENDERS``.
    rows : int
        Size of the input.
    """
    contender = contenders_of(problem)[name]
    given = contender.prepare(rows)
    begin = time.perf_counter()
    patterns = contender.run(given)
    seconds = time.perf_counter() - begin
    print(json.dumps({"patterns": patterns, "seconds": seconds, "peak_mb": _peak_mb("self")}))


def _peak_mb(process: str) -> float:
    """Return the peak memory of a process and its children, as Linux keeps it, in MB."""
    home = Path("/proc", process)
    status = dict(line.split(":", 1) for line in (home / "status").read_text().splitlines())
    # a child that has ended but was not waited for has no memory
    own = float(status.get("VmHWM", "0 kB").split()[0]) / 1024
    children = [child for task in (home / "task").iterdir() for child in (task / "children").read_text().split()]
    return own + sum(_peak_mb(child) for child in children)
