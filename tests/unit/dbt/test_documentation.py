"""Every table and column says what it is, in two languages.

A column that a model has and its .yml lacks fails the build already: contracts are enforced on all models. What dbt
does not demand is text. Guards against "I add the description later".
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hand_made_warehouse import run_dbt


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The manifest of ``dbt parse``, which needs no warehouse."""
    home = tmp_path_factory.mktemp("parse")
    run_dbt(home, "parse")
    assert not Path(home / "warehouse.duckdb").exists()
    return json.loads((home / "target" / "manifest.json").read_text(encoding="utf-8"))


def models_of(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def test_columns_are_declared_by_contract(manifest: dict[str, Any]) -> None:
    """An undocumented column fails the build only where the model's contract is enforced."""
    assert len(models_of(manifest)) > 50
    assert [node["name"] for node in models_of(manifest) if not node["contract"]["enforced"]] == []


def test_everything_is_described(manifest: dict[str, Any]) -> None:
    """Models, seeds and sources and all their columns have a description."""
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
    nodes += manifest["sources"].values()
    missing = [node["name"] for node in nodes if not node["description"].strip()]
    missing += [
        f"{node['name']}.{column['name']}"
        for node in nodes
        for column in node["columns"].values()
        if not column["description"].strip()
    ]
    assert missing == []


def test_core_and_features_have_chinese_labels(manifest: dict[str, Any]) -> None:
    """What analysts read is labelled in Chinese as well."""
    missing = [
        f"{node['name']}.{column['name']}"
        for node in models_of(manifest)
        if node["schema"] in ("core", "features")
        for column in node["columns"].values()
        if not column["meta"].get("label_zh")
    ]
    missing += [node["name"] for node in models_of(manifest) if not node["meta"].get("label_zh")]
    assert missing == []


def test_keys_are_tested(manifest: dict[str, Any]) -> None:
    """Every column of core and features that names another table's row has a relationships test."""
    tested = {
        (node["attached_node"], node["column_name"])
        for node in manifest["nodes"].values()
        if node.get("test_metadata", {}).get("name") in ("relationships", "unique")
    }
    missing = [
        f"{node['name']}.{column}"
        for node in models_of(manifest)
        if node["schema"] in ("core", "features")
        for column in node["columns"]
        if column.endswith("_key")
        and (node["unique_id"], column) not in tested
        # the durable key of the versions' own table, and the key of a fact without a dimension
        and (node["name"], column) not in {("dim_customer", "customer_key"), ("fct_facility_usage", "facility_key")}
    ]
    assert missing == []
