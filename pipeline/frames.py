"""What mining and scoring functions demand of the frame they are given.

Belongs here: checks of columns, rows and keys with messages for the user. Does not belong here: anything that changes
a frame.
"""

from collections.abc import Sequence

import pandas as pd

from pipeline.errors import InputError


def require_columns(frame: pd.DataFrame, columns: Sequence[str], name: str) -> None:
    """Demand that the columns are there.

    Raises
    ------
    InputError
        Naming the columns that are missing.
    """
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise InputError(
            f"{name} lacks columns",
            expected=", ".join(columns),
            found=f"no {', '.join(missing)}",
            where=name,
            action="select the columns from the feature table",
        )


def require_rows(frame: pd.DataFrame, name: str) -> None:
    """Demand at least one row.

    Raises
    ------
    InputError
        If the frame is empty.
    """
    if frame.empty:
        raise InputError(
            f"{name} is empty",
            expected="at least one row",
            found="none",
            where=name,
            action="load extracts for the dates asked for, or ask for dates that are loaded",
        )


def require_values(frame: pd.DataFrame, columns: Sequence[str], name: str) -> None:
    """Demand a value in every row of the columns.

    Raises
    ------
    InputError
        Naming the columns with nulls and how many there are.
    """
    nulls = frame[list(columns)].isna().sum()
    if nulls.any():
        raise InputError(
            f"{name} has nulls",
            expected=f"a value in every row of {', '.join(columns)}",
            found=", ".join(f"{count:,} in {column}" for column, count in nulls[nulls > 0].items()),
            where=name,
            action="say in the query what a missing value means, or leave the rows out",
        )


def require_unique(frame: pd.DataFrame, key: Sequence[str], name: str) -> None:
    """Demand that the key identifies a row.

    Raises
    ------
    InputError
        Naming a key that comes more than once.
    """
    repeated = frame[frame.duplicated(list(key))]
    if len(repeated):
        raise InputError(
            f"{name} has a key more than once",
            expected=f"each {' and '.join(key)} once",
            found=f"{len(repeated):,} rows too many, the first {tuple(repeated.iloc[0][list(key)])}",
            where=name,
            action="aggregate to one row per key",
        )
