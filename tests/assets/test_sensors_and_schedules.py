"""What starts runs without a person: the sensor on files that have arrived, the schedules on the clock."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from content import content_hashes, differing
from landing_files import remove_dates_after
from small_bank import LAST_DATE

from pipeline.definitions import build_definitions
from pipeline.resources import build_dbt_project, build_resources
from pipeline.runs import prepare_instance
from pipeline.settings import Settings

NEXT_DATE = LAST_DATE + timedelta(days=1)
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def looked(settings: Settings, cursor: str | None) -> dg.SensorResult | dg.SkipReason:
    """Let the sensor look once at the landing zone."""
    sensor = build_definitions(settings).resolve_sensor_def("all_files_arrived")
    resources = build_resources(settings, build_dbt_project())
    with (
        dg.instance_for_test() as instance,
        dg.build_sensor_context(instance, cursor, resources={"warehouse": resources["warehouse"]}) as context,
    ):
        return sensor(context)


def requested(result: dg.SensorResult | dg.SkipReason) -> tuple[str, ...]:
    assert isinstance(result, dg.SensorResult), result
    (request,) = result.run_requests
    return tuple(request.tags[tag] for tag in RANGE_TAGS)


def test_all_complete_dates_are_one_run(fresh_home):
    """Guards a first look at a landing zone: its dates become one run, and the cursor stands at the last of them."""
    remove_dates_after(fresh_home, date(2025, 1, 31))
    result = looked(fresh_home, None)
    assert requested(result) == ("2025-01-01", "2025-01-31")
    assert result.cursor == "2025-01-31"


@pytest.mark.parametrize(
    "missing", ["atm_transactions/2025-01-04/*.gz", "atm_transactions/2025-01-04/*.ctl", "loans/2025-01-04/*"]
)
def test_a_date_waits_for_its_last_file_and_sidecar(fresh_home, missing):
    """Guards against loading half a date, or a later one before it: file or sidecar, of whatever feed."""
    removed = list(fresh_home.landing.glob(missing))
    assert removed
    for path in removed:
        path.unlink()
    assert requested(looked(fresh_home, None)) == ("2025-01-01", "2025-01-03")
    waiting = looked(fresh_home, "2025-01-03")
    assert isinstance(waiting, dg.SkipReason)
    assert "2025-01-04" in str(waiting.skip_message)


def test_monthly_files_are_not_waited_for(fresh_home):
    """Guards the daily load against monthly feeds, whose files may come ten days after the month's end."""
    for path in fresh_home.landing.glob("facilities/*/*"):
        path.unlink()
    remove_dates_after(fresh_home, date(2025, 2, 2))
    assert requested(looked(fresh_home, "2025-01-30")) == ("2025-01-31", "2025-02-02")


def test_requested_range_runs_and_ends_where_the_command_line_does(copy_of_bank, next_dates_bank):
    """Guards the request itself: its tags, given to the job, load all its dates in one run."""
    remove_dates_after(copy_of_bank, next_dates_bank.last)
    result = looked(copy_of_bank, LAST_DATE.isoformat())
    assert requested(result) == (NEXT_DATE.isoformat(), next_dates_bank.last.isoformat())
    prepare_instance(copy_of_bank)
    job = build_definitions(copy_of_bank).resolve_job_def("daily_load")
    with dg.DagsterInstance.get() as instance:
        ended = job.execute_in_process(instance=instance, tags=result.run_requests[0].tags, raise_on_error=False)
    assert ended.success
    # the command line also loads the new month's reference files and mines the month that ended; the star it shares
    differences = differing(content_hashes(copy_of_bank), next_dates_bank.hashes)
    assert {table for table in differences if table.startswith(("mining.", "credit."))}
    daily = {"core.fct_transactions", "core.fct_interactions", "core.fct_loan_months", "ops.reconciliations"}
    assert daily & differences.keys() == set()


@pytest.mark.parametrize(
    ("schedule", "at", "partition"),
    [
        ("daily_load_schedule", datetime(2025, 3, 2, 6, 30, tzinfo=UTC), "2025-03-01"),
        ("reference_load_schedule", datetime(2025, 3, 2, 5, 0, tzinfo=UTC), "2025-03-01"),
        ("reference_load_schedule", datetime(2025, 3, 11, 5, 0, tzinfo=UTC), "2025-02-01"),
        ("mining_refresh_schedule", datetime(2025, 3, 2, 8, 0, tzinfo=UTC), None),
    ],
)
def test_a_tick_asks_for_the_right_partition(fresh_home, schedule, at, partition):
    """Guards the clock: yesterday's date; the month that began, on the 2nd; the one that ended, on the 11th."""
    definitions = build_definitions(fresh_home)
    found = definitions.get_repository_def().get_schedule_def(schedule)
    with dg.instance_for_test() as instance:
        tick = found.evaluate_tick(
            dg.build_schedule_context(
                instance=instance, scheduled_execution_time=at, repository_def=definitions.get_repository_def()
            )
        )
    (request,) = tick.run_requests
    assert request.partition_key == partition
    if partition:
        job = definitions.resolve_job_def(found.job_name)
        assert partition in job.partitions_def.get_partition_keys(current_time=at)


def test_later_dates_wait_for_a_failed_run(fresh_home, tmp_path):
    """Guards against a date that failed and is passed over by the dates after it, until somebody has loaded it."""
    remove_dates_after(fresh_home, date(2025, 1, 5))
    sensor = build_definitions(fresh_home).resolve_sensor_def("all_files_arrived")
    resources = build_resources(fresh_home, build_dbt_project())
    with dg.instance_for_test() as instance:

        def look() -> dg.SensorResult | dg.SkipReason:
            with dg.build_sensor_context(
                instance, cursor="2025-01-03", resources={"warehouse": resources["warehouse"]}
            ) as context:
                return sensor(context)

        assert requested(look()) == ("2025-01-04", "2025-01-05")

        failing = dg.GraphDefinition(
            name="failing", node_defs=[dg.OpDefinition(name="fails", compute_fn=_fail, ins={}, outs={})]
        ).to_job()
        failing.execute_in_process(
            instance=instance, tags={"dagster/sensor_name": "all_files_arrived"}, raise_on_error=False
        )
        waiting = look()
        assert isinstance(waiting, dg.SkipReason)
        assert "up to 2025-01-03 failed" in str(waiting.skip_message)

        instance.report_runless_asset_event(
            dg.AssetMaterialization(["core", "fct_transactions"], partition="2025-01-03")
        )
        assert requested(look()) == ("2025-01-04", "2025-01-05")


def _fail(_context, _inputs):
    raise RuntimeError("planted")
    yield
