"""What follows what in persons' dated events."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
from pydantic import Field

from assets.results import (
    FEATURES,
    IS_PERSON,
    latest_complete_month,
    names_of,
    picture,
    policy_in_force,
    result_specs,
    rows_shown,
    write_mined,
)
from pipeline.mining.item_names import named_elements
from pipeline.mining.outcomes import outcome_of_patterns, too_few_customers
from pipeline.mining.sequence_plots import draw_sequences
from pipeline.mining.sequences import mine_sequences
from pipeline.resources import WAREHOUSE_POOL, WarehouseResource
from pipeline.warehouse import load_result_tables

ALL_TABLES = load_result_tables(Path(__file__).with_name("tables.yaml"))
TABLES = {name: ALL_TABLES[name] for name in ("sequence_patterns", "sequence_outcomes")}
PATTERNS_SHOWN = 20
# What the bank does itself comes on the same few dates for many, and seems to lead to all that comes after.
EVENTS_LEFT_OUT = ["contact:offer"]
# An account is opened before it is used and closed after: there is no random order in which it is not.
KINDS_PINNED = ["product", "closing"]


class SequenceConfig(dg.Config):
    """How patterns are compared with chance."""

    seed: int = Field(1, description="Of the random orders; the same seed gives the same rates.")


@dg.multi_asset(
    name="sequences",
    specs=result_specs(
        "mining", TABLES, [("features", "customer_events"), FEATURES, ("policy", "policy_sequences")], {"pandas"}
    ),
    pool=WAREHOUSE_POOL,
)
def sequence_patterns(
    context: dg.AssetExecutionContext, config: SequenceConfig, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult]:
    """Find patterns over persons' events of the months to the latest complete one, within the limits of the policy."""
    with warehouse.connect() as connection:
        month_end_date = latest_complete_month(connection)
        policy = policy_in_force(connection, "policy_sequences", month_end_date)
        events = connection.execute(
            "select customer_key, event_date, event_code, event_kind from features.customer_events"
            " where event_code not in (select unnest($left_out))"
            f" and {IS_PERSON}"
            " and month_end_date <= $last and month_end_date > last_day($last - to_months($months))",
            {"last": month_end_date, "months": policy["history_months"], "left_out": EVENTS_LEFT_OUT},
        ).df()
        names = names_of(connection, "features.customer_events", "event")
        frames: dict[str, pd.DataFrame] = {}
        metadata: dict[str, dict[str, Any]] = {}
        customer_count = events["customer_key"].nunique()
        if customer_count < policy["least_customers"]:
            outcome = too_few_customers(customer_count, policy["least_customers"])
        else:
            found = mine_sequences(
                events,
                min_support=float(policy["minimum_support_share"]),
                window_days=int(policy["window_days"]),
                max_length=int(policy["most_items"]),
                as_of_date=month_end_date,
                random_orders=int(policy["random_orders"]),
                seed=config.seed,
                pinned_codes=set(events.loc[events["event_kind"].isin(KINDS_PINNED), "event_code"]),
            )
            patterns = found.patterns
            is_beyond_chance = patterns["false_discovery_rate"] <= float(policy["highest_false_discovery_rate"])
            patterns["is_significant"] = (
                is_beyond_chance & ~patterns["is_chance"] & (patterns["lift"] >= float(policy["minimum_lift"]))
            )
            outcome = outcome_of_patterns(found)
            for language, of_language in names.items():
                patterns[f"pattern_{language}"] = named_elements(patterns["elements"], of_language)
            frames = {"sequence_patterns": patterns}
            told = patterns[patterns["is_significant"] & ~patterns["is_redundant"]].head(PATTERNS_SHOWN)
            columns = ["pattern_en", "customer_count", "confidence_share", "median_gap_days", "order_lift"]
            metadata = {
                "sequence_patterns": {
                    "strongest": rows_shown(told[columns]),
                    "patterns": picture(draw_sequences(patterns, names["en"])),
                }
            }
        stamp = {"month_end_date": month_end_date, "policy_version": policy["policy_version"]}
        yield from write_mined(context, connection, TABLES, "sequence_outcomes", outcome, stamp, frames, metadata)
