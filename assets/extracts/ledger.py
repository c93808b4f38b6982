"""The file ledger and the rejected rows, which all feeds write.

Belongs here: showing what they hold. Does not belong here: writing them (``pipeline.extracts.ledger``).
"""

from collections.abc import Iterable, Iterator

import dagster as dg

from assets.metadata import table_metadata
from pipeline.dbt_translator import OWNERS
from pipeline.resources import WAREHOUSE_POOL, WarehouseResource

EXTRACT_FILES_KEY = dg.AssetKey(["ops", "extract_files"])
REJECTED_ROWS_KEY = dg.AssetKey(["ops", "rejected_rows"])

_REJECTS_BY_FEED = """
    select feed, count(*) as files, sum(rows_read) as rows_read, sum(rows_loaded) as rows_loaded,
        sum(rows_rejected) as rows_rejected, max(business_date) as last_business_date
    from ops.extract_files where status = 'loaded' group by feed order by feed
"""


def build_ledger_assets(feeds: Iterable[str]) -> list[dg.AssetsDefinition]:
    """Make the two ledger assets, downstream of every feed."""
    feed_keys = [dg.AssetKey(["raw", feed]) for feed in feeds]

    @dg.multi_asset(
        name="ledger",
        pool=WAREHOUSE_POOL,
        specs=[
            dg.AssetSpec(
                EXTRACT_FILES_KEY,
                deps=feed_keys,
                group_name="ops",
                owners=OWNERS,
                kinds={"duckdb", "table"},
                description="One row per version of an extract file: hash, rows, control totals, run (文件台账).",
            ),
            dg.AssetSpec(
                REJECTED_ROWS_KEY,
                deps=feed_keys,
                group_name="ops",
                owners=OWNERS,
                kinds={"duckdb", "table"},
                description="One row per rejected record: file, line, column, reason, raw text (被拒记录).",
            ),
        ],
    )
    def ledger(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[dg.MaterializeResult]:
        with warehouse.connect() as connection:
            by_feed = connection.execute(_REJECTS_BY_FEED).df()
            rejected = int(by_feed["rows_rejected"].sum())
            context.log.info(f"ledger: {int(by_feed['files'].sum())} files, {rejected} rows rejected")
            yield dg.MaterializeResult(
                asset_key=EXTRACT_FILES_KEY,
                metadata={
                    **table_metadata(connection, "ops", "extract_files"),
                    "by_feed": dg.MetadataValue.md(by_feed.to_markdown(index=False)),
                },
            )
            yield dg.MaterializeResult(
                asset_key=REJECTED_ROWS_KEY, metadata=table_metadata(connection, "ops", "rejected_rows")
            )

    return [ledger]
