"""Paths and options, read from the environment in one place.

Belongs here: where state lives and which dates the warehouse covers. Does not belong here: thresholds of the business
(dbt seeds) and properties of a feed (its contract).
"""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipeline.errors import InputError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
DBT_PROJECT_DIR = PROJECT_ROOT / "dbt_project"

HOME_VARIABLE = "CREDIT_WAREHOUSE_HOME"
FIRST_DATE_VARIABLE = "CREDIT_WAREHOUSE_FIRST_BUSINESS_DATE"
DEFAULT_FIRST_BUSINESS_DATE = date(2025, 1, 1)


@dataclass(frozen=True)
class Settings:
    """Where one warehouse keeps its state, and the first business date it covers."""

    home: Path
    first_business_date: date = DEFAULT_FIRST_BUSINESS_DATE

    @property
    def landing(self) -> Path:
        """``<feed>/<business_date>/``: what the source systems drop; the pipeline only reads it."""
        return self.home / "landing"

    @property
    def raw(self) -> Path:
        """``<feed>/business_date=<date>/``: one Parquet per feed and business date."""
        return self.home / "raw"

    @property
    def warehouse(self) -> Path:
        """The DuckDB build file: one writer at a time, never opened by readers."""
        return self.home / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """Immutable snapshots per audience and the pointer to the current one."""
        return self.home / "published"

    @property
    def dagster(self) -> Path:
        """The Dagster instance (``DAGSTER_HOME``)."""
        return self.home / "dagster"

    @property
    def dbt_target(self) -> Path:
        """Log, compiled SQL and results of the last dbt build; a folder per build would fill the disk."""
        return self.dagster / "dbt"

    @property
    def truth(self) -> Path:
        """What the simulator planted; read by tests, never by the pipeline."""
        return self.home / "truth"


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises
    ------
    InputError
        If the first business date is not a date.
    """
    home = Path(os.environ.get(HOME_VARIABLE) or "data").absolute()
    text = os.environ.get(FIRST_DATE_VARIABLE)
    if not text:
        return Settings(home)
    try:
        return Settings(home, date.fromisoformat(text))
    except ValueError:
        raise InputError(
            "the first business date cannot be read",
            expected="a date like 2025-01-01",
            found=repr(text),
            where=f"environment variable {FIRST_DATE_VARIABLE}",
            action="set it to the first date of your extracts, or unset it",
        ) from None
