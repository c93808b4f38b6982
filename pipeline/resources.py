"""What assets are given: the warehouse and the dbt command line.

Belongs here: typed resources and their making. Does not belong here: SQL, paths (``settings``).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
from dagster_dbt import DbtCliResource, DbtProject

from pipeline.settings import DBT_PROJECT_DIR, Settings
from pipeline.warehouse import open_warehouse, sole_run

# Everything that opens the build file sits in this pool; the instance gives every pool one place (dagster.yaml),
# and a pool spans runs, so that runs wait for each other instead of failing at DuckDB's lock.
WAREHOUSE_POOL = "warehouse"
DBT_COMMAND = "credit-warehouse-dbt"


class WarehouseResource(dg.ConfigurableResource):
    """The build file and the folders around it."""

    home: str
    first_business_date: str

    @property
    def settings(self) -> Settings:
        """The same paths that the command line uses."""
        return Settings(Path(self.home), date.fromisoformat(self.first_business_date))

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["WarehouseResource"]:
        """Give a run the warehouse to itself from its first step to its last.

        The pool keeps apart what the daemon launches; this also keeps runs of the command line apart from those. What
        is no run, a sensor, only looks at landing and never waits.
        """
        if context.run is None:
            yield self
            return
        with sole_run(self.settings, tell=context.log.info if context.log else print):
            yield self

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the build file; close it before dbt runs, which is another process."""
        with open_warehouse(self.settings) as connection:
            yield connection


def build_dbt_project() -> DbtProject:
    """Describe the dbt project; parse it where the manifest is missing or older than a source file.

    A fresh clone has no manifest, and Dagster needs one to know the assets.
    """
    project = DbtProject(project_dir=DBT_PROJECT_DIR, profiles_dir=DBT_PROJECT_DIR)
    if not project.manifest_path.exists() or project.manifest_path.stat().st_mtime < _newest_source():
        _dbt(project).cli(["parse", "--quiet"], target_path=project.manifest_path.parent).wait()
    return project


def _dbt(project: DbtProject) -> DbtCliResource:
    # the dbt of this environment, whatever the shell's PATH says
    return DbtCliResource(project_dir=project, dbt_executable=str(Path(sys.executable).with_name(DBT_COMMAND)))


def _newest_source() -> float:
    folders = ("models", "macros", "seeds", "tests")
    files = [path for folder in folders for path in (DBT_PROJECT_DIR / folder).rglob("*") if path.is_file()]
    files += [DBT_PROJECT_DIR / "dbt_project.yml", DBT_PROJECT_DIR / "profiles.yml"]
    return max(path.stat().st_mtime for path in files)


def build_resources(settings: Settings, project: DbtProject) -> dict[str, object]:
    """The resources of one warehouse; a test swaps them through ``build_definitions``."""
    return {
        "warehouse": WarehouseResource(
            home=str(settings.home), first_business_date=settings.first_business_date.isoformat()
        ),
        "dbt": _dbt(project),
    }
