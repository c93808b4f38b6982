"""0/1 tables as callers have them, read as slices of baskets.

Belongs here: checking a table's shape, names and values, and handing out the columns asked for, without a second copy
of the whole. Does not belong here: anything that is counted across columns (``itemset_search``).
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, issparse

from pipeline.errors import InputError

CELLS_AT_ONCE = 1 << 22  # what is copied of a table at any time


class BasketTable(Protocol):
    """A 0/1 table whose frequent columns can be asked for."""

    row_count: int
    names: list[object]

    def item_counts(self) -> NDArray[np.int64]:
        """Return the ones in each column, having checked every value."""
        ...

    def baskets(self, items: NDArray[np.int64]) -> Iterator[csr_matrix]:
        """Yield slices of rows of these columns, in this order."""
        ...


def basket_table(df: pd.DataFrame | csr_matrix, columns: Sequence[object] | None) -> BasketTable:
    """Check shape and names of a table, and choose how to read it.

    Parameters
    ----------
    df : DataFrame or csr_matrix, shape (baskets, items)
        Of 0/1 or booleans, dense or sparse.
    columns : sequence or None
        Names of the items of a matrix.

    Returns
    -------
    BasketTable
        Values are checked when items are counted.

    Raises
    ------
    InputError
        If it is no table, is empty, or names repeat or do not fit.
    """
    is_matrix = issparse(df)
    if not (is_matrix or isinstance(df, pd.DataFrame)):
        raise _bad_table("is no table", "a pandas DataFrame or a SciPy csr_matrix", type(df).__name__)
    if 0 in df.shape:
        raise _bad_table("is empty", "at least one row and one column", f"{df.shape[0]} rows, {df.shape[1]} columns")
    if columns is not None and (not is_matrix or len(columns) != df.shape[1]):
        found = f"{len(columns)} names for a {'matrix' if is_matrix else 'frame'} of {df.shape[1]} columns"
        raise _bad_table("and `columns` do not fit", "one name per column of a matrix, none for a frame", found)
    names = pd.Index(df.columns if not is_matrix else columns if columns is not None else range(df.shape[1]))
    if names.has_duplicates:
        raise _bad_table("has a name more than once", "distinct column names", str(names[names.duplicated()][0]))
    if is_matrix:
        return _Matrix(df, columns)
    is_sparse = all(isinstance(dtype, pd.SparseDtype) for dtype in df.dtypes)
    return _SparseFrame(df) if is_sparse else _DenseFrame(df)


class _DenseFrame:
    """A frame of ordinary columns, read in slices of rows so that no second copy of it comes to be."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.row_count = len(frame)
        self.names: list[object] = list(frame.columns)
        self.is_boolean = all(dtype == np.dtype(bool) for dtype in frame.dtypes)
        self.rows_at_once = max(1, CELLS_AT_ONCE // len(frame.columns))

    def item_counts(self) -> NDArray[np.int64]:
        counts = np.zeros(len(self.names), dtype=np.int64)
        for start in range(0, self.row_count, self.rows_at_once):
            if not self.is_boolean:
                _check_values(self.frame.iloc[start : start + self.rows_at_once])
            counts += _ones_per_column(self._cells(start))
        return counts

    def baskets(self, items: NDArray[np.int64]) -> Iterator[csr_matrix]:
        place = places_of(items, len(self.names))
        for start in range(0, self.row_count, self.rows_at_once):
            cells = self._cells(start)
            ones = np.flatnonzero(cells)
            starts = np.searchsorted(ones, np.arange(len(cells) + 1) * cells.shape[1])
            yield _renumbered(ones % cells.shape[1], starts, place, len(items))

    def _cells(self, start: int) -> NDArray[np.bool_]:
        rows = self.frame.iloc[start : start + self.rows_at_once]
        return np.ascontiguousarray(rows.to_numpy() if self.is_boolean else rows.to_numpy(dtype=bool))


class _SparseFrame:
    """A frame of sparse columns: each knows the rows of its ones."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.row_count = len(frame)
        self.names: list[object] = list(frame.columns)
        self.rows = [_rows_of_ones(frame.iloc[:, number], name) for number, name in enumerate(self.names)]

    def item_counts(self) -> NDArray[np.int64]:
        return np.array([len(rows) for rows in self.rows], dtype=np.int64)

    def baskets(self, items: NDArray[np.int64]) -> Iterator[csr_matrix]:
        chosen = [self.rows[item] for item in items]
        starts = np.concatenate([[0], np.cumsum([len(rows) for rows in chosen])])
        yield _ones(np.concatenate(chosen), starts, self.row_count).T.tocsr()


class _Matrix:
    """A SciPy matrix in compressed rows."""

    def __init__(self, matrix: csr_matrix, columns: Sequence[object] | None) -> None:
        self.matrix = _canonical(matrix)
        self.row_count, item_count = matrix.shape
        self.names: list[object] = list(range(item_count) if columns is None else columns)

    def item_counts(self) -> NDArray[np.int64]:
        counts = np.zeros(len(self.names), dtype=np.int64)
        # in slices, because bincount widens what it is given
        for start in range(0, len(self.matrix.indices), CELLS_AT_ONCE):
            counts += np.bincount(self.matrix.indices[start : start + CELLS_AT_ONCE], minlength=len(counts))
        return counts

    def baskets(self, items: NDArray[np.int64]) -> Iterator[csr_matrix]:
        place = places_of(items, len(self.names))
        starts = self.matrix.indptr
        for first, stop in slices_of(np.diff(starts).astype(np.int64), CELLS_AT_ONCE):
            columns = self.matrix.indices[starts[first] : starts[stop]]
            yield _renumbered(columns, starts[first : stop + 1] - starts[first], place, len(items))


def _bad_table(what: str, expected: str, found: str) -> InputError:
    return InputError(f"the table {what}", expected=expected, found=found, where="df", action="correct the table")


def _bad_value(column: object, found: str) -> InputError:
    return InputError(
        "a table of baskets has a value that is neither 0 nor 1",
        expected="True/False or 1/0 in every cell, no nulls",
        found=found,
        where=f"column {column}",
        action="say what the value means: compare it with a limit, or fill nulls with 0",
    )


def _check_values(rows: pd.DataFrame) -> None:
    values = rows.to_numpy()
    if values.dtype != object and bool(((values == 0) | (values == 1)).all()):
        return
    for number, name in enumerate(rows.columns):
        column = rows.iloc[:, number]
        if column.isna().any():
            raise _bad_value(name, f"{column.isna().sum()} nulls")
        # a text '1' is no number, though pandas would compare it as one
        is_right = column.map(lambda value: value in (0, 1)) if column.dtype == object else column.isin([0, 1])
        if not is_right.all():
            raise _bad_value(name, repr(column[~is_right].iloc[0]))


def _rows_of_ones(column: pd.Series, name: object) -> NDArray[np.int32]:
    array = column.array
    if array.sp_index.npoints == 0 and array.fill_value == 0:
        return np.empty(0, dtype=np.int32)
    stored = np.asarray(array.sp_values)
    if array.fill_value == 0 and stored.dtype == bool and stored.all():
        return array.sp_index.indices.astype(np.int32, copy=False)
    cells = pd.Series(np.asarray(array), name=name)
    _check_values(cells.to_frame())
    return np.flatnonzero(cells.to_numpy(dtype=bool)).astype(np.int32)


def _canonical(matrix: csr_matrix) -> csr_matrix:
    """Return a matrix without stored zeros or cells stored twice; the caller's own is not changed."""
    values = matrix.data
    matrix = matrix if matrix.format == "csr" and matrix.has_canonical_format else _summed(matrix)
    values = matrix.data
    if values.dtype != bool:
        is_one = values == 1
        is_wrong = ~(is_one | (values == 0))
        if is_wrong.any():
            place = int(np.flatnonzero(is_wrong)[0])
            raise _bad_value(matrix.indices[place], str(values[place]))
    else:
        is_one = values
    if is_one.all():
        return matrix
    matrix = matrix.copy()
    matrix.eliminate_zeros()
    return matrix


def _summed(matrix: csr_matrix) -> csr_matrix:
    copied = csr_matrix(matrix, copy=True)
    copied.sum_duplicates()
    return copied


def places_of(items: NDArray[np.int64], item_count: int) -> NDArray[np.int32]:
    """Return the new number of each item, -1 for those left out.

    Parameters
    ----------
    items : array of int64
        The items that stay, in their new order.
    item_count : int
        Items there were.

    Returns
    -------
    array of int32, shape (item_count,)
    """
    place = np.full(item_count, -1, dtype=np.int32)
    place[items] = np.arange(len(items), dtype=np.int32)
    return place


def _renumbered(
    columns: NDArray[np.integer], starts: NDArray[np.integer], place: NDArray[np.int32], width: int
) -> csr_matrix:
    """Give rows their new column numbers and drop the columns without one; rows need not stay sorted."""
    chosen = place[columns]
    is_wanted = chosen >= 0
    kept_before = np.concatenate([[0], np.cumsum(is_wanted)])
    return _ones(chosen[is_wanted], kept_before[starts], width)


def _ones(places: NDArray[np.int32], starts: NDArray[np.integer], width: int) -> csr_matrix:
    narrow = starts.astype(np.int32 if len(places) <= np.iinfo(np.int32).max else np.int64)
    return csr_matrix((np.ones(len(places), dtype=bool), places, narrow), shape=(len(starts) - 1, width), copy=False)


def _ones_per_column(cells: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Sum bytes as bytes, 255 rows at a time, which is several times as fast as widening each."""
    ones = cells.view(np.uint8)
    whole = len(ones) // 255 * 255
    counts = ones[whole:].sum(axis=0, dtype=np.int64)
    blocks = np.add.reduce(ones[:whole].reshape(-1, 255, ones.shape[1]), axis=1, dtype=np.uint8)
    counts += blocks.sum(axis=0, dtype=np.int64)
    return counts


def slices_of(amounts: NDArray[np.int64], most: int) -> Iterator[tuple[int, int]]:
    """Cut positions into runs whose amounts sum up to `most`, or that are a single position; skip runs of nothing.

    Parameters
    ----------
    amounts : array of int64
        What each position takes.
    most : int
        What a run may take.

    Yields
    ------
    tuple of int
        First position of a run, and one past its last.
    """
    totals = np.cumsum(amounts)
    start, before = 0, 0
    while start < len(amounts):
        stop = max(start + 1, int(np.searchsorted(totals, before + most, side="right")))
        if totals[stop - 1] > before:
            yield start, stop
        start, before = stop, int(totals[stop - 1])
