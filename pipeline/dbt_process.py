"""dbt in a process that ends with the process that started it.

Belongs here: the ``credit-warehouse-dbt`` command, which the dbt resource runs. Does not belong here: what dbt is told.

A run that is killed cannot stop the dbt it started. Left alone, that dbt would keep the build file locked and go on
changing tables while the next run begins.
"""

import os
import signal
import sys
import threading
import time
from importlib.metadata import version

POLL_SECONDS = 0.2


def main() -> None:
    """Run dbt with this process's arguments."""
    if sys.argv[1:] == ["--version"]:
        # dagster-dbt asks before every run; dbt's own answer takes two seconds and a question to the package index
        print(version("dbt-core"))
        return
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    # after the watch began: this import takes seconds
    from dbt.cli.main import cli

    sys.exit(cli())


def _end_with(parent: int) -> None:
    # an orphan is given to another parent
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    # as abrupt as the parent's own end: DuckDB undoes what was not committed when the file is opened next
    os.kill(os.getpid(), signal.SIGKILL)
