"""How fast the simulator drops a bank: ``python -m benchmarks.simulate --customers 1000 10000 100000 --months 1``.

Each size runs in a process of its own, so that peak memory is that of the size. Files go to a temporary directory and
are removed. The last column extrapolates a million customers for the same months from the largest size, linearly: the
work per customer does not grow with the bank, the files per day do not either.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipeline.simulator.bank import simulate

SEED = 7
MILLION = 1_000_000


def measure(customers: int, months: int) -> dict[str, float]:
    """Simulate once in this process; return seconds, rows, files and peak memory in MB."""
    with tempfile.TemporaryDirectory() as directory:
        began = time.perf_counter()
        summary = simulate(customers, months, SEED, Path(directory))
        seconds = time.perf_counter() - began
        size = sum(path.stat().st_size for path in summary.landing.rglob("*") if path.is_file())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    rows = sum(summary.rows.values())
    return {"seconds": seconds, "rows": rows, "files": summary.files, "landing_mb": size / 1e6, "peak_mb": peak}


def main() -> None:
    """Print one line per size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--months", type=int, default=1)
    parser.add_argument("--measure", type=int, help="measure this size in this process and print JSON")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments.months)))
        return
    print(" customers months         rows   files       MB  seconds     rows/s  peak MB")
    for customers in sorted(arguments.customers):
        command = [sys.executable, "-m", "benchmarks.simulate", "--measure", str(customers)]
        command += ["--months", str(arguments.months)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        pace = found["rows"] / found["seconds"]
        print(
            f"{customers:>10,} {arguments.months:>6} {found['rows']:>12,} {found['files']:>7,} "
            f"{found['landing_mb']:>8.1f} {found['seconds']:>8.2f} {pace:>10,.0f} {found['peak_mb']:>8.0f}"
        )
    print(f"a million customers, extrapolated: {found['seconds'] * MILLION / customers:,.0f} s")


if __name__ == "__main__":
    main()
