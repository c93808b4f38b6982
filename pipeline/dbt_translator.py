"""How dbt's nodes appear in Dagster: key, group, owner, kinds, partitions, description.

Belongs here: the mapping and nothing else. The key rule is the project's: ``[schema, table]``, and a dbt source
produces the key of the asset that fills it.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

OWNERS = ["team:data-engineering"]
# Models whose rows belong to one business date each; all others are one table, brought up to date by every build.
DAILY_TAG = "daily"


class WarehouseDbtTranslator(DagsterDbtTranslator):
    """dbt nodes as assets of this project."""

    def __init__(self, daily: dg.PartitionsDefinition) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))
        self._daily = daily

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """Return the spec of one node; the description stays the author's, without the compiled SQL."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]
        label_zh = (node.get("meta") or {}).get("label_zh")
        description = " ".join(str(node["description"]).split())
        return spec.replace_attributes(
            key=dg.AssetKey([node["schema"], node.get("identifier") or node["alias"]]),
            group_name="seeds" if node["resource_type"] == "seed" else node["schema"],
            owners=OWNERS,
            kinds={"dbt", "duckdb", "view" if node.get("config", {}).get("materialized") == "view" else "table"},
            partitions_def=self._daily if DAILY_TAG in node["tags"] else None,
            description=f"{description} ({label_zh})" if label_zh else description,
        )
