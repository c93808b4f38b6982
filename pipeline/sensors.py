"""What the daemon watches: files that arrive, and runs whose process died.

Belongs here: the sensors. Does not belong here: what "arrived" means (``pipeline.extracts.arrivals``) and what a dead
run is (``pipeline.runs``).
"""

from collections.abc import Mapping
from datetime import date, timedelta

import dagster as dg

from pipeline.extracts.arrivals import complete_dates, yesterday
from pipeline.extracts.contracts import Contract
from pipeline.jobs import daily_load
from pipeline.partitions import contiguous, range_tags
from pipeline.resources import WarehouseResource
from pipeline.runs import close_dead_runs

ARRIVAL_SENSOR = "all_files_arrived"
# The last thing a load makes by date: a date that stands there went through.
TRANSACTIONS = dg.AssetKey(["core", "fct_transactions"])

# A first look at a landing zone with years of files must not become one enormous run.
LONGEST_RANGE = timedelta(days=366)


def build_arrival_sensor(contracts: Mapping[str, Contract]) -> dg.SensorDefinition:
    """Make the sensor that starts ``daily_load`` for dates whose required files are all there."""
    daily_contracts = [contract for contract in contracts.values() if contract.is_daily]

    @dg.sensor(
        name=ARRIVAL_SENSOR,
        job=daily_load,
        minimum_interval_seconds=60,
        description="Starts daily_load for the next dates of which every daily feed's file and sidecar are there.",
    )
    def all_files_arrived(
        context: dg.SensorEvaluationContext, warehouse: WarehouseResource
    ) -> dg.SensorResult | dg.SkipReason:
        settings = warehouse.settings
        first = settings.first_business_date
        if context.cursor:
            if _failed_and_was_not_mended(context.instance, context.cursor):
                return dg.SkipReason(
                    f"the run up to {context.cursor} failed: mend what it names and run it again; later dates wait"
                )
            first = date.fromisoformat(context.cursor) + timedelta(days=1)
        last = min(first + LONGEST_RANGE, yesterday())
        ready = contiguous(complete_dates(daily_contracts, settings, first, last))
        # a date that is missing after loaded ones is waited for, not passed over: its file may be lost
        if not ready or (context.cursor and ready[0] != first):
            return dg.SkipReason(f"not every daily feed has its file and sidecar from {first} on")
        keys = ready[0].isoformat(), ready[-1].isoformat()
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key="/".join(keys), tags=range_tags(*keys))], cursor=keys[1]
        )

    return all_files_arrived


def _failed_and_was_not_mended(instance: dg.DagsterInstance, last_asked_for: str) -> bool:
    """Tell whether the sensor's latest run failed and nobody has loaded its last date since."""
    latest = instance.get_runs(dg.RunsFilter(tags={"dagster/sensor_name": ARRIVAL_SENSOR}), limit=1)
    has_failed = bool(latest) and latest[0].status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
    return has_failed and last_asked_for not in instance.get_materialized_partitions(TRANSACTIONS)


@dg.sensor(minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def run_process_died(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Marks runs as failed whose process was killed, so that the runs behind them in the queue get their turn.

    Dagster's own monitoring does not look at processes of this machine, and knows nothing of the command line's.
    """
    dead = close_dead_runs(context.instance)
    return dg.SkipReason(f"closed {', '.join(dead)}" if dead else "every unfinished run has a living process")
