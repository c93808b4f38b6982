"""A table in memory: arrays of equal length, one per attribute.

Belongs here: length, growth and selection of such tables. Does not belong here: what the attributes are.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np


@dataclass
class Columns:
    """Base of the simulator's tables; subclasses are dataclasses whose fields are arrays of one length."""

    def __post_init__(self) -> None:
        lengths = {field.name: len(getattr(self, field.name)) for field in fields(self)}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"{type(self).__name__}: columns differ in length: {lengths}")

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def append(self, more: Self) -> None:
        """Add the rows of another table at the end."""
        for field in fields(self):
            own = getattr(self, field.name)
            setattr(self, field.name, np.concatenate([own, getattr(more, field.name).astype(own.dtype, copy=False)]))

    def take(self, rows: np.ndarray) -> Self:
        """Return the rows selected by a mask or by indexes."""
        return type(self)(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def as_dict(self) -> dict[str, np.ndarray]:
        """Return the arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
