"""Assembles assets, checks, jobs, schedules, sensors and resources. Nothing else belongs here."""

import warnings

import dagster as dg

from assets.credit.default_model import credit_assets
from assets.extracts.feeds import build_feed_assets
from assets.extracts.ledger import build_ledger_assets
from assets.mining.associations import association_rules
from assets.mining.customer_models import customer_models
from assets.mining.model_cards import model_cards
from assets.mining.segments import customer_segments
from assets.mining.sequences import sequence_patterns
from assets.serving.publications import publications
from assets.warehouse import build_dbt_assets
from pipeline.extracts.contracts import load_contracts
from pipeline.jobs import ALL_JOBS
from pipeline.partitions import daily_partitions, monthly_partitions
from pipeline.resources import build_dbt_project, build_resources
from pipeline.schedules import ALL_SCHEDULES
from pipeline.sensors import build_arrival_sensor, run_process_died
from pipeline.settings import Settings, load_settings

# A beta parameter that a feed a day in one run cannot do without; one warning per feed would bury all others.
warnings.filterwarnings("ignore", category=dg.BetaWarning, message="Parameter `backfill_policy`")
# dagster-dbt's own use of a deprecated property, which it will mend
warnings.filterwarnings("ignore", category=DeprecationWarning, module="dagster_dbt")
# Dagster's own use of a property of schedules, told anew at every reload
warnings.filterwarnings("ignore", category=DeprecationWarning, message="Property `ScheduleDefinition.environment_vars`")


def build_definitions(settings: Settings, resource_overrides: dict[str, object] | None = None) -> dg.Definitions:
    """Assemble the definitions of one warehouse."""
    contracts = load_contracts()
    project = build_dbt_project()
    daily = daily_partitions(settings)
    return dg.Definitions(
        assets=[
            *build_feed_assets(contracts, daily, monthly_partitions(settings)),
            *build_ledger_assets(contracts),
            build_dbt_assets(project, daily, contracts),
            customer_segments,
            association_rules,
            sequence_patterns,
            customer_models,
            credit_assets,
            model_cards,
            publications,
        ],
        jobs=ALL_JOBS,
        schedules=ALL_SCHEDULES,
        sensors=[build_arrival_sensor(contracts), run_process_died],
        resources={**build_resources(settings, project), **(resource_overrides or {})},
        # a process per step would spend seconds on imports, and the build file has one writer anyway
        executor=dg.in_process_executor,
    )


@dg.definitions
def definitions() -> dg.Definitions:
    """What Dagster loads, for the warehouse that the environment names."""
    return build_definitions(load_settings())
