"""Columns of text and dates from arrays of numbers, whole columns at a time.

Belongs here: how numbers become Arrow columns of the feeds. Does not belong here: which columns a feed has.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.simulator.months import NEVER


def identifiers(prefix: str, number: np.ndarray, digits: int, suffix: str = "") -> pa.Array:
    """Return prefix, zero-padded number and suffix; a negative number gives null."""
    number = np.asarray(number, dtype=np.int64)
    padded = pc.utf8_lpad(pa.array(number).cast(pa.string()), digits, "0")
    return optional(pc.binary_join_element_wise(prefix, padded, suffix, ""), number >= 0)


def list_text(values: Sequence[str | None], position: np.ndarray) -> pa.Array:
    """Return the values at the positions."""
    return pa.array(values, type=pa.string()).take(pa.array(np.asarray(position).astype(np.int32)))


def optional(column: pa.Array, is_present: np.ndarray) -> pa.Array:
    """Return the column with nulls where it is not present."""
    return pc.if_else(pa.array(is_present), column, pa.scalar(None, column.type))


def dates(day: np.ndarray) -> pa.Array:
    """Return dates from days since 1970-01-01; NEVER gives null."""
    day = np.asarray(day, dtype=np.int32)
    return optional(pa.array(day).cast(pa.date32()), day != NEVER)


def money(cents: np.ndarray) -> pa.Array:
    """Return decimal(18,2) from whole cents, exactly."""
    return _decimals(cents, 18, 2)


def rates(rate: np.ndarray) -> pa.Array:
    """Return decimal(9,6) from fractions; NaN gives null."""
    is_known = ~np.isnan(rate)
    return optional(_decimals(np.round(np.where(is_known, rate, 0) * 1_000_000), 9, 6), is_known)


def _decimals(unscaled: np.ndarray, precision: int, scale: int) -> pa.Array:
    unscaled = np.asarray(unscaled, dtype=np.int64)
    words = np.empty((len(unscaled), 2), dtype="<i8")
    words[:, 0] = unscaled
    words[:, 1] = unscaled >> 63
    buffers = [None, pa.py_buffer(words.tobytes())]
    return pa.Array.from_buffers(pa.decimal128(precision, scale), len(unscaled), buffers)
