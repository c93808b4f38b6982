"""Customer segments of the latest complete month."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from pydantic import Field

from assets.results import FEATURES, latest_complete_month, picture, result_specs, write_results
from pipeline.mining.plots import draw_criterion, draw_profiles
from pipeline.mining.segments import active_persons, fit_segments
from pipeline.resources import WAREHOUSE_POOL, WarehouseResource
from pipeline.warehouse import load_result_tables

ALL_TABLES = load_result_tables(Path(__file__).with_name("tables.yaml"))
TABLES = {name: table for name, table in ALL_TABLES.items() if name != "association_rules"}


class SegmentConfig(dg.Config):
    """How customers are divided."""

    seed: int = Field(1, description="Of k-means and the bootstrap; the same seed gives the same segments.")
    fewest_segments: int = Field(3, description="Smallest number to try; a division in two only says rich or poor.")
    most_segments: int = Field(8, description="Largest number of segments to try.")


@dg.multi_asset(
    name="segments",
    specs=result_specs("mining", TABLES, [FEATURES], {"scikitlearn"}),
    pool=WAREHOUSE_POOL,
)
def customer_segments(
    context: dg.AssetExecutionContext, config: SegmentConfig, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult]:
    """Divide the active persons of the latest complete month by behaviour."""
    with warehouse.connect() as connection:
        month_end_date = latest_complete_month(connection)
        months = connection.execute(
            "select * from features.customer_months where month_end_date = ?", [month_end_date]
        ).df()
        found = fit_segments(
            active_persons(months), config.seed, range(config.fewest_segments, config.most_segments + 1)
        )
        context.log.info(f"{found.segment_count} segments, silhouette {found.silhouette:.3f}")
        frames = {
            "customer_segments": found.assignments,
            "segment_profiles": found.profiles,
            "segment_behaviours": found.behaviours,
            "segment_scaling": found.scaling,
            "segment_criteria": found.criterion,
        }
        quality = {
            "segment_count": found.segment_count,
            "silhouette": found.silhouette,
            "stability": found.stability,
            "is_stable": found.is_stable,
            "has_structure": found.has_structure,
        }
        yield from write_results(
            context,
            connection,
            "mining",
            TABLES,
            {table: frame.assign(month_end_date=month_end_date) for table, frame in frames.items()},
            {
                "customer_segments": quality,
                "segment_profiles": {
                    "profiles": dg.MetadataValue.md(found.profiles.to_markdown(index=False)),
                    "heat_map": picture(draw_profiles(found)),
                },
                "segment_criteria": {"criterion": picture(draw_criterion(found))},
            },
        )
