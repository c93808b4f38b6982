"""When jobs start by the clock. All are off until switched on in the UI: a bank turns on what it has files for.

Belongs here: cron lines with the reason for their hour. Does not belong here: starting on arrival (``sensors``).
"""

from datetime import timedelta

import dagster as dg

from pipeline.jobs import daily_load, mining_refresh, reference_load

# Sidecars are written about 01:00 UTC after the business date and contracts call a file late after 30 hours, which is
# 06:00 the day after: at 06:30 what is missing is late, and the failed run is the alarm.
daily_load_schedule = dg.build_schedule_from_partitioned_job(daily_load, hour_of_day=6, minute_of_hour=30)


# Feeds dated the first of a month are there on the 2nd; position files may come ten days after the month's end
# (late_after_hours: 240). What is not due yet is not asked for.
@dg.schedule(job=reference_load, cron_schedule="0 5 2,11 * *", execution_timezone="UTC")
def reference_load_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """On the 2nd load the month that began, on the 11th the month that ended."""
    month = context.scheduled_execution_time.date().replace(day=1)
    if context.scheduled_execution_time.day != 2:
        month = (month - timedelta(days=1)).replace(day=1)
    return dg.RunRequest(run_key=context.scheduled_execution_time.isoformat(), partition_key=month.isoformat())


# After the month's last daily load.
mining_refresh_schedule = dg.ScheduleDefinition(
    name="mining_refresh_schedule", job=mining_refresh, cron_schedule="0 8 2 * *", execution_timezone="UTC"
)

ALL_SCHEDULES = [daily_load_schedule, reference_load_schedule, mining_refresh_schedule]
