"""The build file belongs to one run at a time, of whichever process."""

import subprocess
import sys

import pytest

from pipeline.settings import Settings
from pipeline.warehouse import sole_run

HOLDER = """
import sys
from pathlib import Path
from pipeline.settings import Settings
from pipeline.warehouse import sole_run
with sole_run(Settings(Path(sys.argv[1])), tell=print):
    print("in", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "in\n"
        yield process
        process.kill()


@pytest.mark.parametrize("end", ["communicate", "kill"])
def test_a_run_waits_for_another_process_and_follows_it_however_it_ends(tmp_path, holder, end):
    """Guards against runs of the UI and of the command line that mix their steps, and against a lock left behind."""
    told = []

    def end_the_other(message):
        told.append(message)
        getattr(holder, end)()

    with sole_run(Settings(tmp_path), tell=end_the_other):
        assert holder.wait(10) is not None
    assert told == [f"waiting for another run to leave {tmp_path / 'warehouse.duckdb'}"]


def test_a_free_warehouse_is_entered_without_a_word(tmp_path):
    """Guards the common case, and that leaving frees it."""
    for _ in range(2):
        with sole_run(Settings(tmp_path), tell=pytest.fail):
            pass
