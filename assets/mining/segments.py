"""Customer segments, fitted on the latest complete month; every month is divided by them."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pandas as pd
from pydantic import Field

from assets.results import (
    FEATURES,
    empty_frames,
    latest_complete_month,
    picture,
    policy_in_force,
    result_specs,
    write_results,
)
from pipeline.mining.outcomes import too_few_customers
from pipeline.mining.segment_assignment import assignment_query
from pipeline.mining.segment_behaviours import active_persons
from pipeline.mining.segment_choice import SegmentPolicy
from pipeline.mining.segment_drift import segment_drift, segment_movements
from pipeline.mining.segment_plots import draw_criterion, draw_drift, draw_profiles, draw_segment_map
from pipeline.mining.segments import fit_segments
from pipeline.resources import WAREHOUSE_POOL, WarehouseResource
from pipeline.warehouse import load_result_tables

ALL_TABLES = load_result_tables(Path(__file__).with_name("tables.yaml"))
TABLES = {
    name: table for name, table in ALL_TABLES.items() if name.startswith("segment_") or name == "customer_segments"
}
# Behaviours look back over three months: earlier month-ends than the third would be compared by less.
MONTHS_DIVIDED = """(
    select customer_months.*
    from features.customer_months inner join intermediate.int_months using (month_end_date)
    where is_complete and month_end_date <= date '{last}'
        and (month_end_date = date '{last}' or date_diff('month', first_loaded_date, month_end_date) >= 2)
)"""


class SegmentConfig(dg.Config):
    """How customers are divided."""

    seed: int = Field(
        1, description="Of k-means, bootstrap and shuffled tables; the same seed gives the same segments."
    )


@dg.multi_asset(
    name="segments",
    specs=result_specs("mining", TABLES, [FEATURES, ("policy", "policy_segments")], {"scikitlearn"}),
    pool=WAREHOUSE_POOL,
)
def customer_segments(
    context: dg.AssetExecutionContext, config: SegmentConfig, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult]:
    """Divide the active persons of the latest complete month, and those of earlier months by the same centres."""
    with warehouse.connect() as connection:
        month_end_date = latest_complete_month(connection)
        policy = policy_in_force(connection, "policy_segments", month_end_date)
        persons = active_persons(
            connection.execute("select * from features.customer_months where month_end_date = ?", [month_end_date]).df()
        )
        metadata: Mapping[str, Mapping[str, Any]] = {}
        if len(persons) < policy["least_customers"]:
            few = too_few_customers(len(persons), policy["least_customers"])
            outcome = {"outcome": few.outcome, "reason_en": few.reason_en, "reason_zh": few.reason_zh}
            frames = empty_frames(TABLES)
        else:
            frames, metadata, outcome = _divide(connection, persons, month_end_date, policy, config.seed)
        context.log.info(outcome["reason_en"])
        frames["segment_outcomes"] = pd.DataFrame(
            [{**outcome, "customer_count": len(persons), "policy_version": policy["policy_version"]}]
        )
        yield from write_results(
            context,
            connection,
            "mining",
            TABLES,
            {
                name: frame if "month_end_date" in frame else frame.assign(month_end_date=month_end_date)
                for name, frame in frames.items()
            },
            {
                "segment_outcomes": {
                    "outcome": outcome["outcome"],
                    "reason": f"{outcome['reason_en']} / {outcome['reason_zh']}",
                },
                **metadata,
            },
        )


def _divide(
    connection: duckdb.DuckDBPyConnection,
    persons: pd.DataFrame,
    month_end_date: date,
    policy: dict[str, Any],
    seed: int,
) -> tuple[dict[str, pd.DataFrame], dict[str, dict[str, Any]], dict[str, str]]:
    found = fit_segments(
        persons,
        seed,
        SegmentPolicy(
            fewest_segments=policy["fewest_segments"],
            most_segments=policy["most_segments"],
            smallest_share=float(policy["smallest_share"]),
            least_stability=float(policy["least_stability"]),
            least_jaccard=float(policy["least_jaccard"]),
            random_tables=policy["random_tables"],
        ),
    )
    assignments = connection.execute(assignment_query(found.centroids, MONTHS_DIVIDED.format(last=month_end_date))).df()
    drift = segment_drift(assignments, pd.Timestamp(month_end_date))
    frames = {
        "customer_segments": assignments,
        "segment_profiles": found.profiles,
        "segment_behaviours": found.behaviours,
        "segment_centroids": found.centroids,
        "segment_criteria": found.criterion,
        "segment_drift": drift,
        "segment_movements": segment_movements(assignments),
    }
    metadata: dict[str, dict[str, Any]] = {
        "customer_segments": {"map": picture(draw_segment_map(found, persons, seed))},
        "segment_profiles": {
            "profiles": dg.MetadataValue.md(found.profiles.to_markdown(index=False)),
            "heat_map": picture(draw_profiles(found)),
        },
        "segment_criteria": {"criterion": picture(draw_criterion(found))},
        "segment_drift": {"drift": picture(draw_drift(drift, found.profiles))},
    }
    outcome = {"outcome": found.outcome, "reason_en": found.reason_en, "reason_zh": found.reason_zh}
    return frames, metadata, outcome
