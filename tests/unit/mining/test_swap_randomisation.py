"""Swap randomisation: sums stay, every table is as likely as any other, and dependence goes."""

import doctest
from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.stats import chi2

from pipeline.errors import InputError
from pipeline.mining import swap_randomisation
from pipeline.mining.swap_randomisation import SWEEPS, swap_randomise


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 6).flatmap(
        lambda width: st.lists(st.lists(st.booleans(), min_size=width, max_size=width), min_size=1, max_size=12)
    ),
    st.integers(0, 1000),
)
def test_sums_are_kept(rows: list[list[bool]], seed: int) -> None:
    """Row sums, column sums and the number of ones are exactly those of the given table, which is not changed."""
    table = csr_matrix(np.array(rows))
    before = table.toarray()
    shuffled = swap_randomise(table, np.random.default_rng(seed), sweeps=3)
    assert shuffled.has_canonical_format
    assert (shuffled.toarray().sum(axis=0) == before.sum(axis=0)).all()
    assert (shuffled.toarray().sum(axis=1) == before.sum(axis=1)).all()
    assert (table.toarray() == before).all()


def _tables_with_sums(row_sums: tuple[int, ...], column_sums: tuple[int, ...]) -> set[tuple[int, ...]]:
    choices = [
        [tuple(int(column in chosen) for column in range(len(column_sums))) for chosen in map(set, chosen_sets)]
        for chosen_sets in (list(combinations(range(len(column_sums)), row_sum)) for row_sum in row_sums)
    ]
    return {
        sum(rows, start=()) for rows in product(*choices) if tuple(map(sum, zip(*rows, strict=True))) == column_sums
    }


@pytest.mark.parametrize(
    ("row_sums", "column_sums", "table_count"),
    [
        ((2, 1, 1), (2, 1, 1), 5),
        ((1, 1, 1), (1, 1, 1), 6),
        ((3, 2, 1, 1), (2, 2, 2, 1), 27),
        ((2, 2, 2), (2, 2, 1, 1), 15),
    ],
)
def test_every_table_with_these_sums_is_equally_likely(
    row_sums: tuple[int, ...], column_sums: tuple[int, ...], table_count: int
) -> None:
    """Counted over all tables there are; the next is drawn from the last one, so that any preference would add up."""
    tables = _tables_with_sums(row_sums, column_sums)
    assert len(tables) == table_count
    table = csr_matrix(np.array(min(tables), dtype=bool).reshape(len(row_sums), -1))
    generator = np.random.default_rng(11)
    draws = 1_500
    seen: Counter[tuple[int, ...]] = Counter()
    for _ in range(draws):
        table = swap_randomise(table, generator, sweeps=6)
        seen[tuple(table.toarray().astype(int).ravel().tolist())] += 1
    assert set(seen) == tables
    expected = draws / table_count
    statistic = sum((count - expected) ** 2 / expected for count in seen.values())
    assert statistic < chi2.ppf(0.999, table_count - 1)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7])
def test_dependence_goes(share: float) -> None:
    """Items that always come together meet as often afterwards as in a table that was shuffled ten times as long.

    Dense tables are the hard ones: where most cells are taken, few single swaps are possible.
    """
    generator = np.random.default_rng(5)
    popularity = np.linspace(0.3, 1, 20) * share
    cells = generator.random((4_000, 20)) < popularity
    cells[:, 19] = cells[:, 18]
    cells[:, 0] &= cells[:, 18]

    def met(sweeps: int) -> tuple[float, float]:
        tables = [swap_randomise(csr_matrix(cells), generator, sweeps).toarray() for _ in range(8)]
        return tuple(np.mean([(table[:, 18] & table[:, item]).sum() for table in tables]) for item in (19, 0))

    planted = (cells[:, 18] & cells[:, 19]).sum(), (cells[:, 18] & cells[:, 0]).sum()
    for count, after, long_after in zip(planted, met(SWEEPS), met(10 * SWEEPS), strict=True):
        assert after == pytest.approx(long_after, abs=0.02 * count + 3)
        assert after < 0.95 * count


def test_same_seed_same_table() -> None:
    """A stored false-discovery rate can be computed again."""
    table = csr_matrix(np.random.default_rng(6).random((200, 20)) < 0.2)
    first, again = (swap_randomise(table, np.random.default_rng(7)) for _ in range(2))
    other = swap_randomise(table, np.random.default_rng(8))
    assert (first != again).nnz == 0
    assert (first != other).nnz > 0


@pytest.mark.parametrize("cells", [np.zeros((3, 2)), np.ones((3, 2)), np.eye(1)])
def test_tables_with_nothing_to_swap_stay(cells: np.ndarray) -> None:
    """No one, only ones, a single cell: the only table with these sums is the answer."""
    table = csr_matrix(cells.astype(bool))
    assert (swap_randomise(table, np.random.default_rng(1)).toarray() == cells.astype(bool)).all()


def test_bad_arguments_are_refused() -> None:
    """No sweep would return the table itself as random; a huge one would overflow the numbers of its cells."""
    with pytest.raises(InputError, match="sweeps is out of its range"):
        swap_randomise(csr_matrix(np.eye(2, dtype=bool)), np.random.default_rng(1), sweeps=0)
    with pytest.raises(InputError, match="too large"):
        swap_randomise(csr_matrix(([True], ([0], [0])), shape=(2**10, 2**60)), np.random.default_rng(1))


def test_example_in_the_docstring() -> None:
    """The worked example that readers see is true."""
    assert doctest.testmod(swap_randomisation).failed == 0
    assert doctest.testmod(swap_randomisation).attempted == 3
