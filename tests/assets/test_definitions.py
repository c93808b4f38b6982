"""The graph as it stands: a change of assets, jobs, schedules or sensors shows in review."""

import json
from pathlib import Path

import dagster as dg
import pytest

from pipeline.definitions import build_definitions
from pipeline.extracts.contracts import load_contracts
from pipeline.settings import Settings

SNAPSHOT = Path(__file__).with_name("definitions.json")


@pytest.fixture(scope="module")
def definitions(tmp_path_factory) -> dg.Definitions:
    return build_definitions(Settings(tmp_path_factory.mktemp("home")))


def described(definitions: dg.Definitions) -> dict[str, object]:
    graph = definitions.resolve_asset_graph()
    repository = definitions.get_repository_def()
    checks: dict[str, list[str]] = {}
    for check in sorted(graph.asset_check_keys):
        checks.setdefault(check.asset_key.to_user_string(), []).append(check.name)
    return {
        "assets": {
            key.to_user_string(): {
                "group": graph.get(key).group_name,
                "kinds": sorted(graph.get(key).kinds),
                "partitions": type(graph.get(key).partitions_def).__name__ if graph.get(key).is_partitioned else None,
                "reads": sorted(parent.to_user_string() for parent in graph.get(key).parent_keys),
                "checks": checks.get(key.to_user_string(), []),
            }
            for key in sorted(graph.materializable_asset_keys)
        },
        "jobs": {
            job.name: sorted(key.to_user_string() for key in job.asset_layer.executable_asset_keys)
            for job in sorted(repository.get_all_jobs(), key=lambda job: job.name)
            if not job.name.startswith("__")
        },
        "schedules": {schedule.name: schedule.cron_schedule for schedule in repository.schedule_defs},
        "sensors": [sensor.name for sensor in repository.sensor_defs],
    }


def test_graph_is_the_reviewed_one(definitions, request):
    """Guards against a silent change of the graph; `pytest tests/assets --update-snapshot` accepts a meant one."""
    found = described(definitions)
    if request.config.getoption("--update-snapshot"):
        SNAPSHOT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_every_asset_can_be_understood_in_the_ui(definitions):
    """Guards what a newcomer sees: group, owner, kinds and a description on every asset."""
    graph = definitions.resolve_asset_graph()
    lacking = {
        key.to_user_string(): [
            what
            for what, value in {
                "group": node.group_name != "default",
                "owners": node.owners,
                "kinds": node.kinds,
                "description": node.description,
            }.items()
            if not value
        ]
        for key in graph.materializable_asset_keys
        for node in [graph.get(key)]
    }
    assert {key: what for key, what in lacking.items() if what} == {}


def test_every_writer_of_the_build_file_is_in_its_pool(definitions):
    """Guards against lock errors: DuckDB lets one process write."""
    pools = {
        node.name: node.pool
        for assets_def in definitions.resolve_asset_graph().assets_defs
        if assets_def.is_executable
        for node in [assets_def.op]
    }
    assert set(pools.values()) == {"warehouse"}, pools


def test_every_feed_has_an_asset_and_a_staging_model(definitions):
    """Guards 'a contract and a staging model, no Python': one without the other is an unfinished feed."""
    keys = definitions.resolve_asset_graph().materializable_asset_keys
    for feed in load_contracts():
        assert dg.AssetKey(["raw", feed]) in keys
        assert dg.AssetKey(["staging", f"stg_{feed}"]) in keys


def test_definitions_load_as_dagster_loads_them():
    """Guards workspace.yaml's module and the jobs' selections: everything resolves."""
    from pipeline import definitions as module

    dg.Definitions.validate_loadable(
        module.definitions.load_fn() if hasattr(module.definitions, "load_fn") else module.definitions()
    )
