"""Audiences: who may read which schemas and which columns.

Belongs here: the model of ``audiences.yaml``. Does not belong here: making a snapshot (``publish``).
"""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from pipeline.extracts.contracts import Contract, Description

AUDIENCES_FILE = Path(__file__).resolve().parent / "audiences.yaml"
DEFAULT_AUDIENCE = "analysts"


class Audience(BaseModel):
    """One audience and what its snapshot leaves out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: Description
    schemas: tuple[str, ...]
    hidden_personal_data: frozenset[str]
    hidden_columns: frozenset[str]

    def columns_left_out(self, contracts: dict[str, Contract]) -> frozenset[str]:
        """Columns that this audience does not see: a bare name in whatever table it stands, others as table.column."""
        by_class = {
            column.name
            for contract in contracts.values()
            for column in contract.columns
            if column.personal_data in self.hidden_personal_data
        }
        return self.hidden_columns | by_class


def load_audiences(path: Path = AUDIENCES_FILE) -> dict[str, Audience]:
    """Read the audiences, by name."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: Audience(name=name, **fields) for name, fields in content.items()}
