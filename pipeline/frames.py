"""What mining and scoring functions demand of the frame and the limits they are given.

Belongs here: checks of columns, rows, keys and numbers with messages for the user. Does not belong here: anything that
changes a frame.
"""

import math
from collections.abc import Sequence
from numbers import Integral, Real

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


def require_share(name: str, value: object) -> None:
    """Demand a share of something: a number above 0, up to 1.

    Raises
    ------
    InputError
        Naming the limit, and what was given instead.
    """
    _require(_is_number(value) and 0 < value <= 1, name, value, "a number above 0, up to 1")  # type: ignore[operator]


def require_number(name: str, value: object, lowest: float, highest: float = math.inf) -> None:
    """Demand a number within a range, its ends included; neither NaN nor infinity is one.

    Raises
    ------
    InputError
        Naming the limit, its range, and what was given instead.
    """
    is_valid = _is_number(value) and lowest <= value <= highest  # type: ignore[operator]
    _require(is_valid, name, value, f"a number {_in_words(lowest, highest)}")


def require_whole_number(name: str, value: object, lowest: int) -> None:
    """Demand a whole number of at least so much.

    Raises
    ------
    InputError
        Naming the limit, its least value, and what was given instead.
    """
    is_valid = _is_number(value) and isinstance(value, Integral) and int(value) >= lowest
    _require(is_valid, name, value, f"a whole number {_in_words(lowest, math.inf)}")


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _in_words(lowest: float, highest: float) -> str:
    return f"of {lowest:g} or more" if math.isinf(highest) else f"from {lowest:g} to {highest:g}"


def _require(is_valid: bool, name: str, value: object, expected: str) -> None:
    if not is_valid:
        raise InputError(
            f"{name} is out of its range",
            expected=expected,
            found=repr(value),
            where=name,
            action="pass another value, or correct the policy that sets it",
        )
