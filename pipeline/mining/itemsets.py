"""Frequent itemsets of a 0/1 table, in mlxtend's calling convention.

Belongs here: which sets of columns are 1 together in enough rows, and which of those sets are closed or maximal, for
anyone's table. Does not belong here: reading the kinds of tables (``basket_tables``), the search itself
(``itemset_search``), rules between sets (``associations``), whether a set is more than chance
(``swap_randomisation``).
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from pipeline.errors import InputError
from pipeline.frames import require_columns, require_share, require_whole_number
from pipeline.mining.basket_tables import BasketTable, basket_table
from pipeline.mining.itemset_search import search_itemsets

SETS_AT_ONCE = 1 << 16  # of the result: lists on their way to frozensets
ITEM_KEY_SEED = 20_040_101


def frequent_itemsets(
    df: pd.DataFrame | csr_matrix,
    min_support: float = 0.5,
    use_colnames: bool = False,
    max_len: int | None = None,
    *,
    columns: Sequence[object] | None = None,
) -> pd.DataFrame:
    """Find all sets of columns that are 1 together in at least a share of the rows.

    Parameters
    ----------
    df : DataFrame or csr_matrix, shape (baskets, items)
        True/False or 1/0; a frame may be dense or of pandas' sparse columns. An index is ignored.
    min_support : float
        Smallest share of rows, above 0, up to 1. A set is frequent if ``count / rows >= min_support`` in double
        precision, as in mlxtend's ``apriori``. (Its ``fpgrowth`` rounds ``min_support * rows`` up, too: where that
        product lies a last bit above a whole number, it leaves out sets of two and more with just that count.)
    use_colnames : bool
        Sets of column names instead of column numbers.
    max_len : int or None
        Most items in a set; None for any number.
    columns : sequence, optional
        Names of the items of a csr_matrix; numbers from 0 if left out. Not for a frame, which has its own.

    Returns
    -------
    DataFrame
        ``support`` (float64) and ``itemsets`` (frozenset), one row per set: short sets first, sets of one length by
        their column numbers. That is the order of ``apriori``; the rows are those of ``fpgrowth``.

    Raises
    ------
    InputError
        If the table is empty, a value is none of 0, 1, False, True, a column has nulls, names repeat or do not fit
        the columns, or a limit is out of its range.

    Examples
    --------
    >>> baskets = pd.DataFrame({"bread": [1, 1, 0, 1], "butter": [1, 1, 0, 0], "beer": [0, 0, 1, 1]}, dtype=bool)
    >>> found = frequent_itemsets(baskets, min_support=0.5, use_colnames=True)
    >>> [(row.support, sorted(row.itemsets)) for row in found.itertuples()]
    [(0.75, ['bread']), (0.5, ['butter']), (0.5, ['beer']), (0.5, ['bread', 'butter'])]
    """
    _check_limits(min_support, max_len)
    table = basket_table(df, columns)
    numbers_by_length, counts_by_length = search_itemsets(table, min_support, max_len)
    return _as_frame(numbers_by_length, counts_by_length, table, use_colnames)


def closed_itemsets(
    df: pd.DataFrame | csr_matrix,
    min_support: float = 0.5,
    use_colnames: bool = False,
    *,
    columns: Sequence[object] | None = None,
) -> pd.DataFrame:
    """Find the frequent sets that no larger set equals in support (Pasquier et al. 1999, ICDT, 398-416).

    Parameters
    ----------
    df, min_support, use_colnames, columns
        As in `frequent_itemsets`.

    Returns
    -------
    DataFrame
        ``support, itemsets``: the rows of `frequent_itemsets` that are closed, in its order. With their supports they
        tell the support of every other frequent set: that of the smallest closed set around it.

    Raises
    ------
    InputError
        As `frequent_itemsets`.

    Examples
    --------
    >>> baskets = pd.DataFrame({"bread": [1, 1, 0, 1], "butter": [1, 1, 0, 0]}, dtype=bool)
    >>> [sorted(items) for items in closed_itemsets(baskets, 0.5, use_colnames=True)["itemsets"]]
    [['bread'], ['bread', 'butter']]
    """
    frequent = frequent_itemsets(df, min_support, use_colnames, columns=columns)
    return frequent[classify_itemsets(frequent)["is_closed"]].reset_index(drop=True)


def maximal_itemsets(
    df: pd.DataFrame | csr_matrix,
    min_support: float = 0.5,
    use_colnames: bool = False,
    *,
    columns: Sequence[object] | None = None,
) -> pd.DataFrame:
    """Find the frequent sets with no frequent set around them (Bayardo 1998, SIGMOD, 85-93), as mlxtend's ``fpmax``.

    Parameters
    ----------
    df, min_support, use_colnames, columns
        As in `frequent_itemsets`.

    Returns
    -------
    DataFrame
        ``support, itemsets``: the rows of `frequent_itemsets` that are maximal, in its order.

    Raises
    ------
    InputError
        As `frequent_itemsets`.

    Examples
    --------
    >>> baskets = pd.DataFrame({"bread": [1, 1, 0, 1], "butter": [1, 1, 0, 0]}, dtype=bool)
    >>> [sorted(items) for items in maximal_itemsets(baskets, 0.5, use_colnames=True)["itemsets"]]
    [['bread', 'butter']]
    """
    frequent = frequent_itemsets(df, min_support, use_colnames, columns=columns)
    return frequent[classify_itemsets(frequent)["is_maximal"]].reset_index(drop=True)


def classify_itemsets(frequent: pd.DataFrame) -> pd.DataFrame:
    """Tell which of all frequent sets are closed and which are maximal.

    It is enough to compare each set with its subsets of one item less: support falls along every chain between two
    sets, so a set that some larger set equals in support is equalled by one of one item more.

    Parameters
    ----------
    frequent : DataFrame
        ``support, itemsets`` as from `frequent_itemsets`, complete: each subset of a set has its row, too. With
        `max_len` the longest sets count as maximal, and as closed, since nothing longer is known.

    Returns
    -------
    DataFrame
        ``is_closed, is_maximal`` (bool), with the index of `frequent`.

    Raises
    ------
    InputError
        If columns or subsets are missing, or a set comes twice.

    Examples
    --------
    >>> sets = [frozenset("a"), frozenset("b"), frozenset("ab")]
    >>> classify_itemsets(pd.DataFrame({"support": [0.75, 0.5, 0.5], "itemsets": sets})).to_dict("list")
    {'is_closed': [True, False, True], 'is_maximal': [False, False, True]}
    """
    require_columns(frequent, ["support", "itemsets"], "frequent")
    lengths = frequent["itemsets"].map(len).to_numpy(dtype=np.int64)
    supports = frequent["support"].to_numpy(dtype=np.float64)
    is_closed = np.ones(len(frequent), dtype=bool)
    is_maximal = np.ones(len(frequent), dtype=bool)
    item_numbers, _ = pd.factorize(np.fromiter(chain.from_iterable(frequent["itemsets"]), dtype=object))
    starts = np.concatenate([[0], np.cumsum(lengths)])
    # A set's key is the sum of random keys of its items, so that the key of a subset is one subtraction.
    keys_of_items = np.random.default_rng(ITEM_KEY_SEED).integers(
        0, 1 << 64, size=int(item_numbers.max(initial=-1)) + 1, dtype=np.uint64
    )
    shorter, shorter_keys = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64)
    for length in range(1, int(lengths.max(initial=0)) + 1):
        rows = np.flatnonzero(lengths == length)
        item_keys = keys_of_items[item_numbers[starts[rows][:, None] + np.arange(length)]]
        keys = item_keys.sum(axis=1, dtype=np.uint64)
        if length > 1:
            for position in range(length):
                subsets = shorter[_places(shorter_keys, keys - item_keys[:, position])]
                is_maximal[subsets] = False
                is_closed[subsets[supports[subsets] == supports[rows]]] = False
        order = np.argsort(keys)
        shorter, shorter_keys = rows[order], keys[order]
        if (shorter_keys[1:] == shorter_keys[:-1]).any():
            raise _incomplete("a set more than once")
    return pd.DataFrame({"is_closed": is_closed, "is_maximal": is_maximal}, index=frequent.index)


def _places(sorted_keys: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
    places = np.searchsorted(sorted_keys, wanted)
    is_there = places < len(sorted_keys)
    is_there[is_there] = sorted_keys[places[is_there]] == wanted[is_there]
    if not is_there.all():
        raise _incomplete("a set without one of its subsets")
    return places


def _incomplete(found: str) -> InputError:
    return InputError(
        "the list of frequent itemsets is not complete",
        expected="every subset of every set, once",
        found=found,
        where="itemsets",
        action="pass the whole result of frequent_itemsets",
    )


def _as_frame(
    numbers_by_length: list[NDArray[np.int64]],
    counts_by_length: list[NDArray[np.int64]],
    table: BasketTable,
    use_colnames: bool,
) -> pd.DataFrame:
    names = np.empty(len(table.names), dtype=object)
    names[:] = table.names
    itemsets: list[frozenset[object]] = []
    with _collector_paused():
        for numbers in numbers_by_length:
            for start in range(0, len(numbers), SETS_AT_ONCE):
                some = numbers[start : start + SETS_AT_ONCE]
                itemsets.extend(map(frozenset, (names[some] if use_colnames else some).tolist()))
    supports = np.concatenate([np.empty(0), *counts_by_length]) / table.row_count
    return pd.DataFrame({"support": supports, "itemsets": pd.Series(itemsets, dtype=object)})


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause the search for cycles: a million new sets of plain items have none, but it looks at each several times."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _check_limits(min_support: float, max_len: int | None) -> None:
    require_share("min_support", min_support)
    if max_len is not None:
        require_whole_number("max_len", max_len, 1)
