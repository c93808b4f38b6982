"""Frequent itemsets: the same as brute force and as mlxtend, for every kind of table and at the edges."""

import doctest
from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlxtend.frequent_patterns import apriori, fpgrowth, fpmax
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from pipeline.errors import InputError
from pipeline.mining import basket_tables, itemset_search, itemsets
from pipeline.mining.itemset_search import count_itemsets
from pipeline.mining.itemsets import (
    classify_itemsets,
    closed_itemsets,
    frequent_itemsets,
    maximal_itemsets,
)

TABLES = st.integers(1, 7).flatmap(
    lambda width: st.lists(st.lists(st.booleans(), min_size=width, max_size=width), min_size=1, max_size=14)
)
SUPPORTS = st.sampled_from([0.01, 0.07, 0.1, 0.3, 0.5, 0.55, 0.8, 1.0])
KINDS = ("dense", "sparse", "matrix")


def _frame(cells: NDArray[np.bool_]) -> pd.DataFrame:
    return pd.DataFrame(cells, columns=[f"item {number}" for number in range(cells.shape[1])])


def _mined(cells: NDArray[np.bool_], kind: str, min_support: float, **options: object) -> pd.DataFrame:
    frame = _frame(cells)
    if kind == "matrix":
        names = list(frame.columns)
        return frequent_itemsets(csr_matrix(cells), min_support, columns=names, **options)
    if kind == "sparse":
        frame = frame.astype(pd.SparseDtype(bool, False))
    return frequent_itemsets(frame, min_support, **options)


def _supports(found: pd.DataFrame) -> dict[frozenset[object], float]:
    return dict(zip(found["itemsets"], found["support"], strict=True))


def _by_brute_force(
    cells: NDArray[np.bool_], min_support: float, longest: int | None = None
) -> dict[frozenset[int], float]:
    row_count, width = cells.shape
    found = {}
    for length in range(1, (longest or width) + 1):
        for items in combinations(range(width), length):
            support = sum(all(row[item] for item in items) for row in cells.tolist()) / row_count
            if support >= min_support:
                found[frozenset(items)] = support
    return found


@settings(max_examples=80, deadline=None)
@given(TABLES, SUPPORTS, st.sampled_from([None, 1, 2, 3]), st.sampled_from(KINDS))
def test_equals_brute_force(rows: list[list[bool]], min_support: float, max_len: int | None, kind: str) -> None:
    """The sets, no more and no fewer, and their supports to the last bit are those of plain counting."""
    cells = np.array(rows)
    found = _mined(cells, kind, min_support, max_len=max_len)
    assert _supports(found) == _by_brute_force(cells, min_support, max_len)
    assert len(found) == found["itemsets"].nunique()


@settings(max_examples=60, deadline=None)
@given(TABLES, SUPPORTS, st.sampled_from([None, 1, 2, 3]), st.booleans(), st.sampled_from(KINDS))
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_equals_apriori_frame(
    rows: list[list[bool]], min_support: float, max_len: int | None, use_colnames: bool, kind: str
) -> None:
    """The whole frame is that of mlxtend's apriori: rows, order, index, names and types."""
    cells = np.array(rows)
    found = _mined(cells, kind, min_support, max_len=max_len, use_colnames=use_colnames)
    theirs = apriori(_frame(cells), min_support, max_len=max_len, use_colnames=use_colnames)
    if len(theirs):
        pd.testing.assert_frame_equal(found, theirs)
    else:
        assert found.empty
        assert list(found.columns) == list(theirs.columns)


@settings(max_examples=60, deadline=None)
@given(TABLES, st.sampled_from([0.1, 0.3, 0.5, 1.0]), st.sampled_from(KINDS))
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_equals_fpgrowth_and_fpmax(rows: list[list[bool]], min_support: float, kind: str) -> None:
    """Rows of fpgrowth; maximal ones of fpmax; closed ones by their definition.

    Where share times rows lies a last bit above a whole number, fpgrowth itself is not consistent between single items
    and longer sets; such shares are not drawn here, apriori covers them.
    """
    cells = np.array(rows)
    frequent = _mined(cells, kind, min_support)
    assert _supports(frequent) == _supports(fpgrowth(_frame(cells), min_support))
    maximal = maximal_itemsets(_frame(cells), min_support)
    assert _supports(maximal) == _supports(fpmax(_frame(cells), min_support))
    closed = {
        items: support
        for items, support in _supports(frequent).items()
        if not any(items < larger and support == other for larger, other in _supports(frequent).items())
    }
    assert _supports(closed_itemsets(_frame(cells), min_support)) == closed


def _random_cells(row_count: int, shares: Iterable[float], seed: int) -> NDArray[np.bool_]:
    generator = np.random.default_rng(seed)
    return generator.random((row_count, len(list(shares)))) < np.array(list(shares))


@pytest.mark.parametrize(("share", "width"), [(0.01, 30), (0.03, 30), (0.06, 20), (0.3, 8)])
def test_both_ways_of_counting_agree_with_mlxtend(share: float, width: int) -> None:
    """Sparse baskets are counted by delivery, full ones by bits; more rows than fit one slice of either."""
    cells = _random_cells(40_000, [share] * width, seed=1)
    cells[:, 1] |= cells[:, 0]
    cells[:, 2] |= cells[:, 0] & (np.arange(40_000) % 3 > 0)
    theirs = _supports(fpgrowth(_frame(cells), 0.002, max_len=3))
    for kind in KINDS:
        assert _supports(_mined(cells, kind, 0.002, max_len=3)) == theirs
    assert max(map(len, theirs)) == 3


@pytest.mark.parametrize("row_count", [1, 63, 64, 65, 127, 128, 129])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_around_a_word(row_count: int, kind: str) -> None:
    """The last word of bits is filled with zeros that count for nobody."""
    cells = np.ones((row_count, 4), dtype=bool)
    found = _supports(_mined(cells, kind, 1.0))
    assert len(found) == 15
    assert set(found.values()) == {1.0}


def test_slices_that_do_not_fit_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the slices of cells, rows and words, the result is the same: none is lost at a border."""
    cells = _random_cells(700, [0.02, 0.05, 0.1, 0.3, 0.4, 0.5, 0.5, 0.6], seed=2)
    expected = _supports(_mined(cells, "dense", 0.005))
    assert expected == _by_brute_force(cells, 0.005)
    monkeypatch.setattr(basket_tables, "CELLS_AT_ONCE", 100)
    monkeypatch.setattr(itemset_search, "ROWS_AT_ONCE", 64)
    monkeypatch.setattr(itemset_search, "LONG_BASKETS_AT_ONCE", 64)
    monkeypatch.setattr(itemset_search, "WORDS_AT_ONCE", 3)
    for dense_share in (0.0, 1.0):
        monkeypatch.setattr(itemset_search, "DENSE_SHARE", dense_share)
        for kind in KINDS:
            assert _supports(_mined(cells, kind, 0.005)) == expected


def test_a_few_giant_baskets() -> None:
    """Ten baskets with all of 3,000 items among small ones; FP-growth's tree has a long branch for each of them."""
    generator = np.random.default_rng(3)
    popularity = 1 / np.arange(1, 3_001) ** 0.8
    bought = generator.choice(3_000, size=(20_000, 5), p=popularity / popularity.sum())
    rows = np.concatenate([np.repeat(np.arange(20_000), 5), np.repeat(np.arange(20_000, 20_010), 3_000)])
    items = np.concatenate([bought.ravel(), np.tile(np.arange(3_000), 10)])
    cells = csr_matrix((np.ones(len(rows), dtype=bool), (rows, items)), shape=(20_010, 3_000))
    found = frequent_itemsets(cells, 60 / 20_010)
    baskets = [set(basket) for basket in bought.tolist()]
    singles = Counter(item for basket in baskets for item in basket)
    common = [item for item, count in singles.items() if count + 10 >= 60]
    assert {next(iter(items)) for items in found["itemsets"] if len(items) == 1} == set(common)
    pairs = Counter(pair for basket in baskets for pair in combinations(sorted(basket), 2))
    expected = {frozenset(pair): count + 10 for pair, count in pairs.items() if count + 10 >= 60}
    counts = {items: round(support * 20_010) for items, support in _supports(found).items() if len(items) == 2}
    assert counts == expected
    assert len(expected) > 20


@pytest.mark.parametrize(("min_support", "longest"), [(0.1, 3), (0.02, 3), (0.005, 3), (0.002, 2)])
def test_groceries_equal_counting_and_fpgrowth(shared_data: Path, min_support: float, longest: int) -> None:
    """Real baskets: every set up to the length, counted in plain Python; and all lengths against mlxtend."""
    lines = (shared_data / "groceries" / "groceries.csv").read_text().splitlines()
    baskets = [sorted(set(line.split(","))) for line in lines if line]
    counted = Counter(
        items for basket in baskets for length in range(1, longest + 1) for items in combinations(basket, length)
    )
    expected = {
        frozenset(items): count / len(baskets)
        for items, count in counted.items()
        if count / len(baskets) >= min_support
    }
    names = sorted({item for basket in baskets for item in basket})
    frame = pd.DataFrame([[name in basket for name in names] for basket in map(set, baskets)], columns=names)
    found = frequent_itemsets(frame, min_support, use_colnames=True)
    assert {items: support for items, support in _supports(found).items() if len(items) <= longest} == expected
    assert _supports(found) == _supports(fpgrowth(frame, min_support, use_colnames=True))
    # by number, because fpmax names nothing where all sets are single items
    assert _supports(maximal_itemsets(frame, min_support)) == _supports(fpmax(frame, min_support))


def test_every_set_of_a_full_table() -> None:
    """All 2^16 - 1 sets of sixteen columns that are always together, in the order of the documentation."""
    found = frequent_itemsets(pd.DataFrame(np.ones((3, 16), dtype=bool)), 1.0)
    expected = [frozenset(items) for length in range(1, 17) for items in combinations(range(16), length)]
    assert found["itemsets"].tolist() == expected
    flags = classify_itemsets(found)
    assert flags["is_closed"].tolist() == flags["is_maximal"].tolist() == [False] * (2**16 - 2) + [True]


def test_same_result_in_any_order_of_rows_and_for_any_index() -> None:
    """Rows may come in any order and under any index."""
    cells = _random_cells(500, [0.1, 0.2, 0.3, 0.4], seed=4)
    shuffled = _frame(cells).sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(frequent_itemsets(_frame(cells), 0.02), frequent_itemsets(shuffled, 0.02))


@pytest.mark.parametrize("dtype", ["int64", "uint8", "float64", "boolean", "Int64", "object"])
def test_zeros_and_ones_of_any_type(dtype: str) -> None:
    """1/0 as numbers, nullable booleans and plain objects mean what True/False mean."""
    cells = _random_cells(50, [0.2, 0.5, 0.7], seed=5)
    expected = frequent_itemsets(_frame(cells), 0.1)
    pd.testing.assert_frame_equal(frequent_itemsets(_frame(cells).astype(dtype), 0.1), expected)


def test_sparse_frames_and_matrices_of_any_filling() -> None:
    """Columns filled with True, stored zeros, unsorted and doubled cells: what is stored is not what is meant."""
    cells = _random_cells(50, [0.2, 0.5, 0.9], seed=6)
    expected = frequent_itemsets(_frame(cells), 0.1)
    filled = _frame(cells).astype({"item 0": pd.SparseDtype(int, 0), "item 1": pd.SparseDtype(bool, False)})
    filled["item 2"] = pd.arrays.SparseArray(cells[:, 2], fill_value=True)
    pd.testing.assert_frame_equal(frequent_itemsets(filled, 0.1), expected)
    stored_zero = csr_matrix(cells.astype(np.int8))
    stored_zero.data[0] = 0
    without = cells.copy()
    without[0, stored_zero.indices[0]] = False
    before = stored_zero.copy()
    pd.testing.assert_frame_equal(frequent_itemsets(stored_zero, 0.1), frequent_itemsets(_frame(without), 0.1))
    assert stored_zero.nnz == before.nnz
    rows, items = np.nonzero(cells)
    starts = np.concatenate([[0], np.cumsum(cells.sum(axis=1) * 2)])
    doubled = csr_matrix(
        (
            np.ones(2 * len(rows), dtype=bool),
            np.concatenate([np.repeat(items[rows == row][::-1], 2) for row in range(50)]),
            starts,
        ),
        shape=cells.shape,
    )
    pd.testing.assert_frame_equal(frequent_itemsets(doubled, 0.1), expected)


def test_counting_given_sets_equals_plain_counting() -> None:
    """Sets that are not frequent, and one that no basket holds, are counted, too; more baskets than one slice."""
    cells = _random_cells(1_300, [0.01, 0.2, 0.5, 0.7, 0.0], seed=8)
    sets = [set(items) for length in range(1, 6) for items in combinations(range(5), length)]
    expected = [int(cells[:, sorted(items)].all(axis=1).sum()) for items in sets]
    assert count_itemsets(csr_matrix(cells), sets).tolist() == expected
    assert count_itemsets(csr_matrix(cells), []).tolist() == []


def test_classification_does_not_depend_on_the_order_of_rows() -> None:
    """The flags go with the sets, whatever index and order these have."""
    frequent = frequent_itemsets(_frame(_random_cells(12, [0.5] * 6, seed=7)), 0.05)
    flags = classify_itemsets(frequent)
    shuffled = frequent.sample(frac=1, random_state=2)
    pd.testing.assert_frame_equal(classify_itemsets(shuffled), flags.loc[shuffled.index])
    assert flags["is_maximal"].sum() < flags["is_closed"].sum() < len(flags)


def test_classification_of_nothing_and_of_an_incomplete_list() -> None:
    """An empty list has no flags; a list with a gap would make sets look maximal that are not."""
    empty = frequent_itemsets(_frame(np.zeros((3, 2), dtype=bool)), 0.5)
    assert classify_itemsets(empty).empty
    sets = pd.DataFrame({"support": [0.5, 0.5], "itemsets": [frozenset("a"), frozenset("ab")]})
    with pytest.raises(InputError, match="not complete"):
        classify_itemsets(sets)
    with pytest.raises(InputError, match="more than once"):
        classify_itemsets(sets.iloc[[0, 0]])


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (pd.DataFrame({"a": []}, dtype=bool), {}, "is empty"),
        (pd.DataFrame(index=[1, 2]), {}, "is empty"),
        (csr_matrix((0, 3), dtype=bool), {}, "is empty"),
        (pd.DataFrame({"a": [True]}), {"min_support": 0.0}, "min_support is out of its range"),
        (pd.DataFrame({"a": [True]}), {"min_support": -0.1}, "min_support is out of its range"),
        (pd.DataFrame({"a": [True]}), {"min_support": 1.1}, "min_support is out of its range"),
        (pd.DataFrame({"a": [True]}), {"min_support": float("nan")}, "min_support is out of its range"),
        (pd.DataFrame({"a": [True]}), {"max_len": 0}, "max_len is out of its range"),
        (pd.DataFrame({"a": [True]}), {"max_len": 1.5}, "max_len is out of its range"),
        (pd.DataFrame({"a": [True]}), {"max_len": True}, "max_len is out of its range"),
        (pd.DataFrame({"a": [True]}), {"min_support": "x"}, "min_support is out of its range"),
        (pd.DataFrame({"a": [True]}), {"min_support": None}, "min_support is out of its range"),
        (pd.DataFrame({"a": [1, 2]}), {}, "column a"),
        (pd.DataFrame({"a": [1, 0.5]}), {}, "0.5"),
        (pd.DataFrame({"a": ["1", "0"]}), {}, "column a"),
        (pd.DataFrame({"a": ["1", True]}, dtype=object), {}, "'1'"),
        (pd.DataFrame({"a": [True, False], "b": [None, None]}), {}, "2 nulls"),
        (pd.DataFrame({"a": [1.0, np.nan]}), {}, "1 nulls"),
        (pd.DataFrame({"a": pd.arrays.SparseArray([1.0, np.nan])}), {}, "1 nulls"),
        (pd.DataFrame({"a": pd.arrays.SparseArray([0, 3])}), {}, "3"),
        (csr_matrix([[0, 3]]), {}, "3"),
        (csr_matrix([[0.0, np.nan]]), {}, "nan"),
        (pd.DataFrame([[True, False]], columns=["a", "a"]), {}, "more than once"),
        (csr_matrix([[1, 0]]), {"columns": ["a", "a"]}, "more than once"),
        (csr_matrix([[1, 0]]), {"columns": ["a"]}, "1 names"),
        (pd.DataFrame({"a": [True]}), {"columns": ["b"]}, "none for a frame"),
        (np.ones((2, 2)), {}, "is no table"),
    ],
)
def test_bad_input_is_refused(table: object, options: dict[str, object], message: str) -> None:
    """Every misuse has its message, which says what was found and where."""
    with pytest.raises(InputError) as caught:
        frequent_itemsets(table, **options)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_examples_in_the_docstrings() -> None:
    """The worked examples that readers see are true."""
    for module, examples in ((itemsets, 9), (itemset_search, 1)):
        assert doctest.testmod(module).failed == 0
        assert doctest.testmod(module).attempted == examples
