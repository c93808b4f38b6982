"""The ``credit-warehouse`` command as a process of its own, as a shell runs it."""

import os
import subprocess
import sys
from pathlib import Path

from pipeline.settings import FIRST_DATE_VARIABLE, HOME_VARIABLE, Settings

COMMAND = str(Path(sys.executable).with_name("credit-warehouse"))


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of a shell that works on this warehouse."""
    return {
        **os.environ,
        HOME_VARIABLE: str(settings.home),
        FIRST_DATE_VARIABLE: settings.first_business_date.isoformat(),
    }


def credit_warehouse(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, somewhere else than in the project's folder."""
    return subprocess.run(
        [COMMAND, *arguments],
        env=environment(settings),
        cwd=settings.home.parent,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
    )
