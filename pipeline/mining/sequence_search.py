"""The search for sequential patterns: which patterns there are, and where each of them occurs.

Belongs here: sequences as arrays, and the walk through all patterns. Does not belong here: what makes a pattern worth
keeping, and what is measured of it (``sequences``).

The walk is depth first, each pattern by its occurrences (the id-lists of SPADE; Zaki 2001, Machine Learning 42, 31-60):
for each date on which the pattern can end, the latest date on which it can start, which dominates the others because
only the span is limited. These starts never fall as the ends rise, so the occurrence that an event extends is the last
one that ends before it. One pass over the events that may follow counts all extensions of a pattern at once and,
ordered by item, is their occurrences.

An event that does not extend a pattern often enough cannot extend a longer one that begins like it: leaving out an
inner item or element of a pattern moves neither its start nor its end, so every supporter of the longer pattern
supports the shorter one, within the same window. Hence only the events that did are handed down, like the projected
database of PrefixSpan (Pei et al. 2004, IEEE TKDE 16, 1424-1440). The last element is built in rising order of items,
so that each pattern is met once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]
Pattern = tuple[tuple[int, ...], ...]
Extension = Literal["later", "same date"]
# pattern, kind of extension, customers by item and order -> which items to extend the pattern by
Choice = Callable[[Pattern, Extension, Ints], Bools]


@dataclass(frozen=True)
class Sequences:
    """The sequences of all customers. A position is a customer's date; positions rise by customer, then date.

    Attributes
    ----------
    customers, days : array of int
        Customer and day number of each position.
    reaches : array of int
        The last position of the same customer within the window of each position.
    is_pinned : array of bool
        Whether the element of each position could stand on no other of the customer's dates.
    positions, items : array of int
        Position and item of each event, in rising order of both.
    item_names : Index
        Codes by item; items are numbered in the order of their codes.
    customers_per_order : int
        Customers in one order. Several orders of the same customers stand behind each other, as more customers.
    order_count : int
        How many orders there are.
    """

    customers: Ints
    days: Ints
    reaches: Ints
    is_pinned: Bools
    positions: Ints
    items: Ints
    item_names: pd.Index
    customers_per_order: int
    order_count: int = 1


@dataclass(frozen=True)
class Occurrences:
    """Where a pattern occurs, in rising order of `ends`, each of which comes once.

    Attributes
    ----------
    ends : array of int
        Position of the last element.
    starts : array of int
        The latest position from which the pattern can end there.
    previous : array of int
        The latest position at which the last but one element can stand between the two.
    completions : array of int
        Where the customer first completed the pattern without its last element.
    is_first : array of bool
        Whether the occurrence is the first of its customer.
    events : array of int
        Number of the last element's last item among the candidates that it was taken from.
    """

    ends: Ints
    starts: Ints
    previous: Ints
    completions: Ints
    is_first: Bools
    events: Ints


@dataclass(frozen=True)
class Found:
    """A pattern, where it occurs, and how many customers of each order support it."""

    pattern: Pattern
    occurrences: Occurrences
    counts: Ints


@dataclass(frozen=True)
class _Candidates:
    """The events that extend a pattern, in order of position, then item.

    Attributes
    ----------
    positions, items : array of int
        Of each event.
    sources : array of int
        Number of the occurrence that each event extends.
    starts, previous, completions : array of int
        What an extended occurrence has of its source, by number of the source.
    """

    positions: Ints
    items: Ints
    sources: Ints
    starts: Ints
    previous: Ints
    completions: Ints


@dataclass(frozen=True)
class _Pool:
    """Those candidates whose items were chosen: the only events that can extend longer patterns.

    Made when it is used, because patterns of the greatest length are not extended.
    """

    candidates: _Candidates
    is_chosen: Bools

    @cached_property
    def is_kept(self) -> Bools:
        """Whether each candidate is in the pool."""
        return np.asarray(self.is_chosen[self.candidates.items])

    @cached_property
    def numbers(self) -> Ints:
        """Number in the pool of each candidate that is in it."""
        return np.cumsum(self.is_kept, dtype=np.int32) - 1

    @cached_property
    def positions(self) -> Ints:
        """Position of each event, rising."""
        return self.candidates.positions[self.is_kept]

    @cached_property
    def items(self) -> Ints:
        """Item of each event, rising within a position."""
        return self.candidates.items[self.is_kept]

    @cached_property
    def date_ends(self) -> Ints:
        """Number of the first event of a later position than each event's."""
        begins = np.flatnonzero(is_new(self.positions)).astype(np.int32)
        ends = np.append(begins[1:], np.int32(len(self.positions)))[: len(begins)]
        return np.repeat(ends, ends - begins)


def walk(sequences: Sequences, max_length: int, choose: Choice) -> Iterator[Found]:
    """Yield every chosen pattern, prefixes first.

    Parameters
    ----------
    sequences : Sequences
        Of one or more orders.
    max_length : int
        Most items in a pattern.
    choose : callable
        From a pattern (empty at first), a kind of extension and the counts of customers by item and order to which
        items extend it. It must be monotone: an item that is not chosen for a pattern is not offered to those that
        begin with it.

    Yields
    ------
    Found
        Depth first. Its arrays are valid as long as the caller keeps them.
    """
    places = sequences.positions
    every_event = _Candidates(places, sequences.items, np.arange(len(places), dtype=np.int32), *[places] * 3)
    pool, extended = _extended(every_event, sequences, (), "later", choose)
    for found in extended:
        yield from _walk_from(found, pool, pool, sequences, max_length, choose)


def _walk_from(
    found: Found, later_pool: _Pool, same_date_pool: _Pool, sequences: Sequences, max_length: int, choose: Choice
) -> Iterator[Found]:
    """Yield a pattern and the chosen ones that begin with it.

    Only events of `later_pool` can extend it by an element, only those of `same_date_pool`, from which its last item
    was taken, its last element.
    """
    yield found
    if sum(map(len, found.pattern)) == max_length:
        return
    later = _later(found.occurrences, later_pool, same_date_pool, sequences)
    next_later_pool, longer = _extended(later, sequences, found.pattern, "later", choose)
    same_date = _same_date(found.occurrences, same_date_pool)
    next_same_date_pool, wider = _extended(same_date, sequences, found.pattern, "same date", choose)
    for one in longer:
        yield from _walk_from(one, next_later_pool, next_later_pool, sequences, max_length, choose)
    for one in wider:
        yield from _walk_from(one, next_later_pool, next_same_date_pool, sequences, max_length, choose)


def _later(occurrences: Occurrences, pool: _Pool, own_pool: _Pool, sequences: Sequences) -> _Candidates:
    """Return the events after each occurrence, up to the next one and within the window of its start."""
    if pool is own_pool:
        begins = pool.date_ends[pool.numbers[occurrences.events]]
    else:
        begins = np.searchsorted(pool.positions, occurrences.ends, side="right").astype(np.int32)
    reaches = sequences.reaches[occurrences.starts]
    ends = np.empty_like(begins)
    ends[:-1] = begins[1:]
    # a reach is within the customer, so the next customer is never reached
    stops_before_next = np.ones(len(ends), dtype=bool)
    np.less(reaches[:-1], occurrences.ends[1:], out=stops_before_next[:-1])
    ends[stops_before_next] = np.searchsorted(pool.positions, reaches[stops_before_next], side="right")
    sources, events = ranges(begins, ends)
    first_ends = occurrences.ends[occurrences.is_first][np.cumsum(occurrences.is_first) - 1]
    return _Candidates(
        pool.positions[events], pool.items[events], sources, occurrences.starts, occurrences.ends, first_ends
    )


def _same_date(occurrences: Occurrences, pool: _Pool) -> _Candidates:
    """Return the events on each occurrence's last date whose items come after its last one."""
    numbers = pool.numbers[occurrences.events]
    sources, events = ranges(numbers + 1, pool.date_ends[numbers])
    return _Candidates(
        pool.positions[events],
        pool.items[events],
        sources,
        occurrences.starts,
        occurrences.previous,
        occurrences.completions,
    )


def ranges(begins: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Return several ranges of numbers behind each other.

    Parameters
    ----------
    begins, ends : array of int
        First number of each range and the one after its last.

    Returns
    -------
    tuple of two arrays of int32
        Which range each number is of, and the numbers.

    Examples
    --------
    >>> of, numbers = ranges(np.array([5, 0]), np.array([7, 3]))
    >>> of.tolist(), numbers.tolist()
    ([0, 0, 1, 1, 1], [5, 6, 0, 1, 2])
    """
    lengths = ends - begins
    offsets = (begins - (np.cumsum(lengths) - lengths)).astype(np.int32)
    of = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    numbers = np.arange(len(of), dtype=np.int32)
    numbers += offsets[of]
    return of, numbers


def _extended(
    candidates: _Candidates, sequences: Sequences, pattern: Pattern, kind: Extension, choose: Choice
) -> tuple[_Pool, Iterator[Found]]:
    """Return the pool of the chosen items and, for each of these items, the extended pattern."""
    by_item = np.argsort(candidates.items, kind="stable")
    items = candidates.items[by_item]
    positions = candidates.positions[by_item]
    customers = sequences.customers[positions]
    is_first = is_new(items)
    is_first[1:] |= customers[1:] != customers[:-1]
    counts = _counts(items[is_first], customers[is_first], sequences)
    is_chosen = choose(pattern, kind, counts) & counts.any(axis=1)
    bounds = np.searchsorted(items, np.arange(len(counts) + 1, dtype=items.dtype))

    def extended() -> Iterator[Found]:
        for item in np.flatnonzero(is_chosen).tolist():
            events = slice(bounds[item], bounds[item + 1])
            chosen = by_item[events]
            sources = candidates.sources[chosen]
            longer = (*pattern, (item,)) if kind == "later" else (*pattern[:-1], (*pattern[-1], item))
            yield Found(
                longer,
                Occurrences(
                    ends=positions[events],
                    starts=candidates.starts[sources],
                    previous=candidates.previous[sources],
                    completions=candidates.completions[sources],
                    is_first=is_first[events],
                    events=chosen,
                ),
                counts[item],
            )

    return _Pool(candidates, is_chosen), extended()


def _counts(items: Ints, customers: Ints, sequences: Sequences) -> Ints:
    """Count pairs of item and customer by item and order."""
    cells = items.astype(np.int64) * sequences.order_count
    if sequences.order_count > 1:
        cells += customers // sequences.customers_per_order
    shape = (len(sequences.item_names), sequences.order_count)
    return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)


def is_new(values: Ints) -> Bools:
    """Tell where a value differs from the one before it.

    Parameters
    ----------
    values : array
        Any, usually sorted.

    Returns
    -------
    array of bool
        True for the first one.

    Examples
    --------
    >>> is_new(np.array([3, 3, 5])).tolist()
    [True, False, True]
    """
    differs = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=differs[1:])
    return differs
