"""Search for the frequent sets of a 0/1 table, on column numbers and counts.

Belongs here: counting and searching on baskets as numbers and bits. Does not belong here: reading what callers have
(``basket_tables``), names and frames (``itemsets``).

How it works. Items are ranked by rising count. For one item after the other the baskets that hold it deliver their
higher-ranked items, and one count over these gives the support of every pair with the item (occurrence deliver, LCM:
Uno, Asai, Uchida, Arimura 2004, FIMI). Baskets that hold a large share of all items would deliver too much: they are
kept as bits, 64 baskets to a word, and add the number of bits that two items share. So a giant basket does little
harm, and a dense table, where every basket is such a one, goes to bits as a whole. An item with two or more frequent
partners is followed further: its baskets and partners become a table of bits, whose rows are intersected depth first
(Eclat: Zaki 2000, IEEE TKDE 12(3), 372-390). All sets of a batch are intersected with all their right neighbours in one
call, so that a set costs no Python call of its own. Ranking by rising count keeps these tables small: rare items have
many partners but few baskets, common ones the reverse.
"""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, vstack

from pipeline.mining.basket_tables import BasketTable, places_of, slices_of

WORD_BITS = 64
# A basket with more than this share of the frequent items is kept as bits. Of f items it would deliver (share f)^2 / 2
# at about 7 ns each; as bits it costs f^2 / 2 pairs a sixty-fourth of a word, which takes about 1 ns.
DENSE_SHARE = 0.05
ROWS_AT_ONCE = 1 << 15  # baskets that deliver at once, a multiple of 64: what they deliver fits the cache
LONG_BASKETS_AT_ONCE = 512  # on their way from rows to bits, a multiple of 64
WORDS_AT_ONCE = 1 << 17  # of intersections: a megabyte fits the cache


def search_itemsets(
    table: BasketTable, min_support: float, max_len: int | None
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
    """Find all frequent sets of a table's columns.

    Parameters
    ----------
    table : BasketTable
        The baskets.
    min_support : float
        A set is frequent if its count over the number of baskets is at least this, in double precision.
    max_len : int or None
        Most items in a set.

    Returns
    -------
    list of array of int64, shape (sets, length)
        Per length, ascending: the sets as rows of ascending column numbers, in ascending order.
    list of array of int64, shape (sets,)
        Per length: their counts.

    Raises
    ------
    InputError
        If a cell is neither 0 nor 1.
    """
    counts = table.item_counts()
    least = _least_count(min_support, table.row_count)
    frequent = np.flatnonzero(counts >= least)
    items = frequent[np.argsort(counts[frequent], kind="stable")]
    found = _Found()
    found.add(np.arange(len(items), dtype=np.int32)[:, None], counts[items])
    longest = len(items) if max_len is None else max_len
    if longest > 1 and len(items) > 1:
        _deliver(*_split(table.baskets(items), len(items)), least, longest, found)
    sets_by_length, counts_by_length = [], []
    for sets, set_counts in found.by_length():
        numbers = np.sort(items[sets], axis=1)
        order = np.lexsort(numbers.T[::-1])
        sets_by_length.append(numbers[order])
        counts_by_length.append(set_counts[order])
    return sets_by_length, counts_by_length


def count_itemsets(baskets: csr_matrix, itemsets: Sequence[Collection[int]]) -> NDArray[np.int64]:
    """Count the baskets that hold each of the given sets, frequent or not.

    Parameters
    ----------
    baskets : csr_matrix, shape (baskets, items)
        A 0/1 table; each cell that is stored is a one.
    itemsets : sequence of collections of int
        Sets of one or more column numbers.

    Returns
    -------
    array of int64, shape (itemsets,)
        Number of baskets with all items of the set.

    Examples
    --------
    >>> count_itemsets(csr_matrix([[1, 1, 0], [1, 1, 1], [0, 1, 0]]), [{0}, {0, 1}, {0, 1, 2}]).tolist()
    [2, 2, 1]
    """
    bits = _bits_by_item(_octets(baskets), baskets.shape[1])
    counts = np.zeros(len(itemsets), dtype=np.int64)
    lengths = np.fromiter(map(len, itemsets), dtype=np.int64, count=len(itemsets))
    sets_at_once = max(1, WORDS_AT_ONCE // max(1, bits.shape[1]))
    for length in np.unique(lengths):
        places = np.flatnonzero(lengths == length)
        for start in range(0, len(places), sets_at_once):
            some = places[start : start + sets_at_once]
            sets = np.array([list(itemsets[place]) for place in some], dtype=np.int64)
            together = bits[sets[:, 0]]
            for position in range(1, length):
                together &= bits[sets[:, position]]
            counts[some] = np.bitwise_count(together).sum(axis=1, dtype=np.int64)
    return counts


class _Found:
    """The sets found so far: one matrix of items and one vector of counts per batch."""

    def __init__(self) -> None:
        self.batches: dict[int, list[tuple[NDArray[np.int32], NDArray[np.int64]]]] = {}

    def add(self, sets: NDArray[np.int32], counts: NDArray[np.int64]) -> None:
        if len(sets):
            self.batches.setdefault(sets.shape[1], []).append((sets, counts))

    def by_length(self) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64]]]:
        for length in sorted(self.batches):
            sets, counts = zip(*self.batches[length], strict=True)
            yield np.concatenate(sets), np.concatenate(counts)


def _least_count(min_support: float, row_count: int) -> int:
    """Return the smallest count, at least 1, with ``count / row_count >= min_support`` as doubles."""
    near = int(min_support * row_count)
    candidates = range(max(1, near - 1), near + 3)
    return next(count for count in candidates if count / row_count >= min_support)


def _split(slices: Iterator[csr_matrix], item_count: int) -> tuple[csc_matrix, NDArray[np.uint64]]:
    """Part the baskets: those that hold few of the items, by item; those that hold many, as bits, a row per item."""
    short, octets = [], []
    for baskets in slices:
        is_long = np.diff(baskets.indptr) > DENSE_SHARE * item_count
        short.append(baskets if not is_long.any() else baskets[~is_long])
        octets.append(_octets(baskets[is_long]))
    delivering = vstack(short, format="csr", dtype=bool)
    # the slices would be a third copy beside the two orders
    short.clear()
    return delivering.tocsc(), _bits_by_item(np.concatenate(octets), item_count)


def _octets(baskets: csr_matrix) -> NDArray[np.uint8]:
    """Return one row of bits per basket, eight items to an octet."""
    octets = np.empty((baskets.shape[0], -(-baskets.shape[1] // 8)), dtype=np.uint8)
    for start in range(0, len(octets), LONG_BASKETS_AT_ONCE):
        some = slice(start, start + LONG_BASKETS_AT_ONCE)
        octets[some] = np.packbits(baskets[some].toarray().astype(bool, copy=False), axis=1)
    return octets


def _bits_by_item(octets: NDArray[np.uint8], item_count: int) -> NDArray[np.uint64]:
    """Turn one row of bits per basket into one row of bits per item."""
    bits = np.empty((item_count, _words(len(octets))), dtype=np.uint64)
    for start in range(0, len(octets), LONG_BASKETS_AT_ONCE):
        cells = np.unpackbits(octets[start : start + LONG_BASKETS_AT_ONCE], axis=1, count=item_count).astype(bool)
        packed = _packed(cells.T)
        first = start // WORD_BITS
        bits[:, first : first + packed.shape[1]] = packed
    return bits


def _deliver(short: csc_matrix, long_bits: NDArray[np.uint64], least: int, longest: int, found: _Found) -> None:
    """Count, for each item, the later items of its baskets; mine the baskets of those with two frequent ones."""
    by_row = short.tocsr()
    item_count = short.shape[1]
    later_items = by_row.indices.astype(np.uint16 if item_count <= 1 << 16 else np.int32)
    ends = by_row.indptr[1:]
    # within a basket items ascend, as does the loop: a basket's cursor stands on the item at hand
    cursor = by_row.indptr[:-1].copy()
    del by_row
    for item in range(item_count - 1):
        baskets = short.indices[short.indptr[item] : short.indptr[item + 1]]
        counts = _shared_bits(long_bits, item)
        deliveries = []
        for start in range(0, len(baskets), ROWS_AT_ONCE):
            some = baskets[start : start + ROWS_AT_ONCE]
            first = cursor[some] + 1
            cursor[some] = first
            lengths = ends[some] - first
            # counted from the next item on
            delivered = later_items[_ranges(first, lengths)] - (item + 1)
            counts += np.bincount(delivered, minlength=len(counts))
            deliveries.append((delivered, lengths))
        later_partners = np.flatnonzero(counts >= least)
        partners = later_partners + item + 1
        pairs = np.column_stack([np.full(len(partners), item), partners]).astype(np.int32)
        found.add(pairs, counts[later_partners])
        if len(partners) > 1 and longest > 2:
            place = places_of(later_partners, len(counts))
            parts = [_delivered_bits(*delivery, place, len(partners)) for delivery in deliveries]
            bits = np.concatenate([*parts, long_bits[partners] & long_bits[item]], axis=1)
            _intersect(bits, pairs, np.array([len(partners)]), least, longest, found)


def _shared_bits(bits: NDArray[np.uint64], item: int) -> NDArray[np.int64]:
    """Count the bits that the row of an item shares with each later row."""
    counts = np.zeros(len(bits) - item - 1, dtype=np.int64)
    if bits.shape[1]:
        rows_at_once = max(1, WORDS_AT_ONCE // bits.shape[1])
        for start in range(0, len(counts), rows_at_once):
            later = bits[item + 1 + start : item + 1 + start + rows_at_once]
            counts[start : start + rows_at_once] = np.bitwise_count(later & bits[item]).sum(axis=1, dtype=np.int64)
    return counts


def _ranges(first: NDArray[np.signedinteger], lengths: NDArray[np.signedinteger]) -> NDArray[np.signedinteger]:
    """Return first, first + 1, ... of each length, one range after the other."""
    ends = np.cumsum(lengths, dtype=first.dtype)
    ranges = np.repeat(first - (ends - lengths), lengths)
    ranges += np.arange(len(ranges), dtype=first.dtype)
    return ranges


def _delivered_bits(
    delivered: NDArray[np.integer],
    lengths: NDArray[np.signedinteger],
    place: NDArray[np.int32],
    partner_count: int,
) -> NDArray[np.uint64]:
    """Pack what baskets delivered into one row of bits per partner."""
    places = place[delivered]
    cells = np.zeros((partner_count, len(lengths)), dtype=bool)
    baskets = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    is_wanted = places >= 0
    cells[places[is_wanted], baskets[is_wanted]] = True
    return _packed(cells)


def _intersect(
    bits: NDArray[np.uint64],
    sets: NDArray[np.int32],
    class_ends: NDArray[np.int64],
    least: int,
    longest: int,
    found: _Found,
) -> None:
    """Join each set with the later sets of its class, which differ from it in the last item only; then go deeper.

    Parameters
    ----------
    bits : array, shape (sets, words)
        The baskets of each set.
    sets : array, shape (sets, length)
        The items of each set; the sets of a class stand together, by ascending last item.
    class_ends : array, shape (sets,) or (1,)
        One past the last set of each set's class.
    least, longest, found
        Least count, most items, and where results go.
    """
    partner_counts = class_ends - 1 - np.arange(len(sets))
    is_last_length = sets.shape[1] + 1 >= longest
    # depth first over slices of sets: what is kept at any depth stays small
    candidates_at_once = max(1, WORDS_AT_ONCE // bits.shape[1])
    for start, stop in slices_of(partner_counts, candidates_at_once):
        partners_of = partner_counts[start:stop]
        left = np.repeat(np.arange(start, stop), partners_of)
        right = _ranges(np.arange(start, stop) + 1, partners_of)
        counts = np.empty(len(left), dtype=np.int64)
        kept = []
        for first in range(0, len(left), candidates_at_once):
            part = slice(first, first + candidates_at_once)
            together = bits[left[part]]
            together &= bits[right[part]]
            counts[part] = np.bitwise_count(together).sum(axis=1, dtype=np.int64)
            if not is_last_length:
                kept.append(together[counts[part] >= least])
        is_frequent = counts >= least
        left, right = left[is_frequent], right[is_frequent]
        joined = np.column_stack([sets[left], sets[right, -1]])
        found.add(joined, counts[is_frequent])
        if is_last_length or not len(left):
            continue
        deeper_ends = np.searchsorted(left, left, side="right")
        has_partner = deeper_ends - np.searchsorted(left, left, side="left") > 1
        if has_partner.any():
            ends = np.cumsum(has_partner, dtype=np.int64)[deeper_ends[has_partner] - 1]
            _intersect(np.concatenate(kept)[has_partner], joined[has_partner], ends, least, longest, found)


def _words(row_count: int) -> int:
    return -(-row_count // WORD_BITS)


def _packed(cells: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Pack each row of cells into words, the last one filled up with zeros."""
    octets = np.packbits(cells, axis=1)
    words = np.zeros((len(cells), _words(cells.shape[1]) * 8), dtype=np.uint8)
    words[:, : octets.shape[1]] = octets
    return words.view(np.uint64)
