"""Random 0/1 tables with the row and column sums of a given one.

Belongs here: drawing such tables. Does not belong here: what is counted in them (``associations``).

How often customers use an item, and how many items a customer uses, already make items meet. A pattern says more than
that only if tables with the same sums, and nothing else in common, do not show it (Gionis, Mannila, Mielikäinen,
Tsaparas 2007, ACM TKDD 1(3), article 14). They swap single pairs of ones; here rows trade all their differences at
once (Strona et al. 2014, Nature Communications 5, 4114, "curveball"; all rows at a time: Carstens et al. 2018, ESA,
article 11). Nothing is proposed in vain, so that dense tables are shuffled as well as sparse ones: in a table with a
quarter of ones, forty sweeps of as many single swaps as fit did what ten of trades do.
"""

import numpy as np
from scipy.sparse import csr_matrix

from pipeline.errors import InputError

SWEEPS = 12  # halve an excess of two items together as often: one in four thousand is left
KEY_BITS = 63  # of a signed integer
RANDOM_BITS = 31


def swap_randomise(baskets: csr_matrix, generator: np.random.Generator, sweeps: int = SWEEPS) -> csr_matrix:
    """Shuffle the ones of a table without changing any row sum or column sum.

    A sweep puts the rows into random pairs. In each pair the ones that only one of the two rows has are dealt out anew
    at random, to each row as many as it had; ones that both have stay. This is what any number of swaps of ones between
    the two rows may lead to.

    Why tables are drawn uniformly. The pairs are drawn without a look at the ones. Given the pairs, dealing out draws
    uniformly among all tables that differ from the present one in nothing but who of each pair has which of the ones
    they do not share; each of these tables would draw among the same ones. So going from T to T' is as probable as from
    T' to T, and the uniform distribution is stationary. It is the only one, and is reached from any start, because a
    sweep may amount to any single swap or to nothing, and single swaps connect all tables with the same sums (Ryser
    1957, Canadian Journal of Mathematics 9, 371-377).

    Parameters
    ----------
    baskets : csr_matrix, shape (rows, columns)
        A 0/1 table; each cell that is stored is a one.
    generator : numpy.random.Generator
        Draws pairs and deals; the same state gives the same table.
    sweeps : int
        At least 1. Two ones of a row part in a sweep with probability one half, if the other row has neither.

    Returns
    -------
    csr_matrix of bool, shape (rows, columns)
        With sorted indices.

    Raises
    ------
    InputError
        If there are no sweeps, or the table is too large for its cells to be numbered.

    Examples
    --------
    >>> table = csr_matrix([[1, 1, 0], [0, 1, 1], [1, 0, 0]], dtype=bool)
    >>> other = swap_randomise(table, np.random.default_rng(1))
    >>> other.sum(axis=0).tolist(), other.sum(axis=1).ravel().tolist()
    ([[2, 2, 1]], [[2, 2, 1]])
    """
    row_count, column_count = baskets.shape
    _check(row_count, column_count, sweeps)
    rows = np.repeat(np.arange(row_count, dtype=np.int64), np.diff(baskets.indptr))
    columns = baskets.indices.astype(np.int64)
    for _ in range(sweeps):
        # places 2 k and 2 k + 1 of the order make pair k; the last bit of a place is the side
        order = generator.permutation(row_count)
        place = np.empty(row_count, dtype=np.int64)
        place[order] = np.arange(row_count)
        place = place[rows]
        cells = np.sort((((place >> 1) * column_count + columns) << 1) | (place & 1))
        pairs, columns = np.divmod(cells >> 1, column_count)
        sides = cells & 1
        is_own = np.ones(len(cells), dtype=bool)
        is_shared_with_next = (cells[1:] >> 1) == (cells[:-1] >> 1)
        is_own[1:] &= ~is_shared_with_next
        is_own[:-1] &= ~is_shared_with_next
        # a row without partner keeps its ones, because all it deals out are its own
        chance = generator.integers(0, 1 << RANDOM_BITS, size=int(is_own.sum()))
        dealt = np.sort((((pairs[is_own] << RANDOM_BITS) | chance) << 1) | sides[is_own])
        sides[is_own] = dealt & 1
        rows = order[2 * pairs + sides]
    shuffled = csr_matrix((np.ones(len(rows), dtype=bool), (rows, columns)), shape=baskets.shape)
    shuffled.sort_indices()
    return shuffled


def _check(row_count: int, column_count: int, sweeps: int) -> None:
    if sweeps < 1:
        raise InputError(
            "sweeps is out of its range", expected="1 or more", found=str(sweeps), where="sweeps", action="sweep once"
        )
    bits = max((row_count * column_count).bit_length() + 1, row_count.bit_length() + RANDOM_BITS)
    if bits > KEY_BITS:
        raise InputError(
            "the table is too large to be shuffled",
            expected=f"its cells numbered in {KEY_BITS} bits",
            found=f"{row_count:,} rows and {column_count:,} columns need {bits}",
            where="baskets",
            action="take a sample of the rows",
        )
