"""Run the comparison: ``python -m benchmarks.mining --rows 10000 100000 1000000 --only itemsets``."""

import argparse

from benchmarks.mining.harness import PROBLEMS, compare, run_one


def main() -> None:
    """Read the options and run every problem asked for."""
    parser = argparse.ArgumentParser(description="time and memory of the mining engines and of their peers")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="sizes of the data")
    parser.add_argument("--only", choices=list(PROBLEMS), nargs="+", default=list(PROBLEMS), help="problems to run")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each way on each size")
    parser.add_argument("--limit-seconds", type=float, default=900, help="longest time for one run")
    parser.add_argument("--one", nargs=3, metavar=("PROBLEM", "WAY", "ROWS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        problem, name, rows = arguments.one
        run_one(problem, name, int(rows))
        return
    for problem in arguments.only:
        compare(problem, sorted(arguments.rows), arguments.rounds, arguments.limit_seconds)


if __name__ == "__main__":
    main()
