"""What the Dagster instance of a warehouse recorded.

Belongs here: questions that several tests ask. Does not belong here: the definitions themselves.
"""

import os

import dagster as dg

from pipeline.definitions import build_definitions
from pipeline.settings import Settings


def checks_not_passed(settings: Settings) -> list[str]:
    """Name the checks of the graph whose latest execution did not pass, and those that were never executed."""
    os.environ["DAGSTER_HOME"] = str(settings.dagster)
    keys = build_definitions(settings).resolve_asset_graph().asset_check_keys
    with dg.DagsterInstance.get() as instance:
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    evaluations = {key: latest[key].evaluation if key in latest else None for key in keys}
    return sorted(key.to_user_string() for key, found in evaluations.items() if found is None or not found.passed)
