"""Running jobs from the command line: in this process, on the same Dagster instance as the UI.

Belongs here: the instance's folder, waiting for the turn, progress on the terminal. Does not belong here: what a job
does, and runs started by the daemon (schedules, sensors, clicks).
"""

import io
import os
import re
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from typing import TextIO

import dagster as dg

from pipeline.errors import InputError
from pipeline.settings import HOME_VARIABLE, PROJECT_ROOT, Settings

# Tells others whether the process of an unfinished run still lives.
PROCESS_TAG = "credit_warehouse/process_id"
# By these the UI shows a run on its job's page, as it does with those that it launched.
_CODE_LOCATION_TAGS = {
    "dagster/code_location": "credit-warehouse",
    ".dagster/repository": "__repository__@credit-warehouse",
}
POLL_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 6 * 3600

Echo = Callable[[str], None]

_DBT_TABLE = re.compile(r"(?P<place>\d+ of \d+) OK (created|loaded) .* (?P<table>\w+\.\w+) \.")
_DBT_TROUBLE = re.compile(r"\d+ of \d+ (ERROR|FAIL|WARN)")

_UNFINISHED = dg.RunsFilter(
    statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
)


def prepare_instance(settings: Settings) -> None:
    """Give the warehouse its Dagster instance folder, and let Dagster and dbt find their places."""
    settings.dagster.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", settings.dagster / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(settings.dagster)
    # dbt's profile reads it, and a relative default means another folder to dbt, which runs inside its project
    os.environ[HOME_VARIABLE] = str(settings.home)


def close_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs as failed whose process died, of the command line and of the UI; return their ids.

    A killed process cannot say that its run ended, and a run that never ends would keep the only place in the pool.
    """
    dead = []
    for run in instance.get_runs(_UNFINISHED):
        process = _process_of(run, instance)
        if process is not None and not _is_alive(process):
            instance.report_run_failed(run, message=f"process {process} ended without closing this run")
            dead.append(run.run_id)
    return dead


def _process_of(run: dg.DagsterRun, instance: dg.DagsterInstance) -> int | None:
    """Return the id of the process that executes a run, if it is known yet."""
    if PROCESS_TAG in run.tags:
        return int(run.tags[PROCESS_TAG])
    # the process of a run that the daemon launched says its number in its first event
    events = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT).records
    for record in events:
        event = record.event_log_entry.get_dagster_event()
        if process := event.engine_event_data.metadata.get("pid"):
            return int(str(process.value))
    return None


def _is_alive(process: int) -> bool:
    # Whoever asks is between runs, so its own number is that of a process before it: in a restarted container the same
    # command gets the same number again.
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def wait_for_turn(instance: dg.DagsterInstance, echo: Echo) -> None:
    """Wait until no run has the warehouse; runs whose process died are closed.

    Raises
    ------
    InputError
        If it takes too long.
    """
    close_dead_runs(instance)
    waited = 0.0
    while unfinished := instance.get_runs(_UNFINISHED, limit=1):
        if waited == 0.0:
            echo(f"waiting for run {unfinished[0].run_id[:8]} ({unfinished[0].job_name}), which has the warehouse")
        if waited > LONGEST_WAIT_SECONDS:
            raise InputError(
                "another run has had the warehouse for too long",
                expected=f"a free warehouse within {LONGEST_WAIT_SECONDS // 3600} hours",
                found=f"run {unfinished[0].run_id} of {unfinished[0].job_name} still unfinished",
                where=instance.root_directory,
                action="look at that run in the UI; if its process is dead, terminate it there",
            )
        time.sleep(POLL_SECONDS)
        waited += POLL_SECONDS
        close_dead_runs(instance)


def execute_job(
    definitions: dg.Definitions, job_name: str, instance: dg.DagsterInstance, tags: Mapping[str, str], echo: Echo
) -> str:
    """Run a job to its end, telling each step as it ends; return the run's id.

    Raises
    ------
    InputError
        If the run failed; the message is that of the step that failed.
    """
    wait_for_turn(instance, echo)
    # A range of dates announces each asset once instead of once a date, which for a year would take minutes
    os.environ["DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS"] = "true"
    run_id = str(uuid.uuid4())
    job = definitions.resolve_job_def(job_name)
    done = threading.Event()
    teller = threading.Thread(target=_tell_steps, args=(instance, run_id, done, sys.stdout), daemon=True)
    teller.start()
    try:
        # the terminal shows the steps and the tables as dbt makes them; every event is in the UI
        with redirect_stdout(_DbtTables(sys.stdout)):
            result = job.execute_in_process(
                instance=instance,
                run_id=run_id,
                tags={**tags, **_CODE_LOCATION_TAGS, PROCESS_TAG: str(os.getpid())},
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                raise_on_error=False,
            )
    finally:
        done.set()
        teller.join()
    if not result.success:
        raise _failure(result, job_name, run_id)
    return run_id


class _DbtTables(io.TextIOBase):
    """Stands for the terminal while a job runs: of dbt's hundreds of lines it tells the tables made and what failed."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal

    def write(self, text: str) -> int:
        for line in text.splitlines():
            if made := _DBT_TABLE.search(line):
                print(f"    {made['place']:>10}  {made['table']}", file=self._terminal, flush=True)
            elif _DBT_TROUBLE.search(line):
                print(f"    {line}", file=self._terminal, flush=True)
        return len(text)


def _tell_steps(instance: dg.DagsterInstance, run_id: str, done: threading.Event, terminal: TextIO) -> None:
    cursor = None
    told: set[str] = set()
    last_round = False
    while True:
        connection = instance.get_records_for_run(
            run_id, cursor=cursor, of_type={dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_SUCCESS}
        )
        cursor = connection.cursor
        for record in connection.records:
            event = record.event_log_entry.get_dagster_event()
            step = (event.step_key or "").replace("__", "/")
            if event.event_type == dg.DagsterEventType.STEP_SUCCESS and step not in told:
                told.add(step)
                print(f"  {step:<40} {event.step_success_data.duration_ms / 1000:7.1f} s", file=terminal, flush=True)
            elif event.event_type == dg.DagsterEventType.STEP_START and step.startswith("dbt"):
                print(f"  {step:<40} building and testing the models ...", file=terminal, flush=True)
        if last_round:
            return
        last_round = done.wait(POLL_SECONDS)


def _failure(result: dg.ExecuteInProcessResult, job_name: str, run_id: str) -> InputError:
    messages = []
    for event in result.all_events:
        if event.event_type == dg.DagsterEventType.STEP_FAILURE:
            error = event.step_failure_data.error
            root = error.cause if error and error.cause else error
            messages.append(f"step {event.step_key}: {root.message.strip() if root else 'no message'}")
    return InputError(
        f"the run of {job_name} failed",
        expected="every step and every blocking check to pass",
        found="\n".join(messages) or "a failure outside the steps",
        where=f"run {run_id}",
        action="mend what the message names and run again; `make ui` shows the run with all its events",
    )
