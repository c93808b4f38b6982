"""Jobs: what a schedule, a sensor, the command line or a click starts.

Belongs here: selections by tag, kind and group. Does not belong here: assets; nothing is imported from them.
"""

import dagster as dg

_LEDGER = dg.AssetSelection.assets(["ops", "extract_files"], ["ops", "rejected_rows"])
_PUBLICATIONS = dg.AssetSelection.groups("serving")

reference_load = dg.define_asset_job(
    "reference_load",
    selection=dg.AssetSelection.tag("credit_warehouse/cadence", "monthly") | _LEDGER,
    description="Admits a month's reference and position files to the raw zone; the next daily_load models them.",
)

daily_load = dg.define_asset_job(
    "daily_load",
    selection=dg.AssetSelection.tag("credit_warehouse/cadence", "daily")
    | _LEDGER
    | dg.AssetSelection.kind("dbt")
    | _PUBLICATIONS,
    description="Loads a business date (or a range in one run): files, star, features, audit, publication.",
)

mining_refresh = dg.define_asset_job(
    "mining_refresh",
    selection=dg.AssetSelection.groups("mining", "credit") | _PUBLICATIONS,
    description="Refits segments, rules, sequences and models on the latest complete month and publishes them.",
)

publish = dg.define_asset_job(
    "publish", selection=_PUBLICATIONS, description="Audits the build file as it stands and publishes it."
)

ALL_JOBS = [reference_load, daily_load, mining_refresh, publish]
