"""The walk through all patterns: in order, each once, with its occurrences, and only where it was chosen."""

import doctest

import numpy as np
import pandas as pd

from pipeline.mining import sequence_search
from pipeline.mining.sequence_search import Extension, Found, Ints, Pattern, Sequences, walk

# customer 0: a on day 0, b and c on day 2, b on day 7; customer 1: a on day 1, c on day 3
TWO_CUSTOMERS = Sequences(
    customers=np.array([0, 0, 0, 1, 1], dtype=np.int32),
    days=np.array([0, 2, 7, 1, 3], dtype=np.int32),
    reaches=np.array([1, 2, 2, 4, 4], dtype=np.int32),  # within 5 days
    is_pinned=np.zeros(5, dtype=bool),
    positions=np.array([0, 1, 1, 2, 3, 4], dtype=np.int32),
    items=np.array([0, 1, 2, 1, 0, 2], dtype=np.uint8),
    item_names=pd.Index(["a", "b", "c"]),
    customers_per_order=2,
)


def _all(pattern: Pattern, kind: Extension, counts: Ints) -> Ints:
    return counts[:, 0] >= 1


def _found(sequences: Sequences = TWO_CUSTOMERS) -> dict[Pattern, Found]:
    return {found.pattern: found for found in walk(sequences, 3, _all)}


def test_every_pattern_comes_once_after_its_prefix() -> None:
    """Callers build on the prefix being known, and count patterns."""
    patterns = [found.pattern for found in walk(TWO_CUSTOMERS, 3, _all)]
    assert patterns == [
        ((0,),),
        ((0,), (1,)),
        ((0,), (1, 2)),
        ((0,), (2,)),
        ((1,),),
        ((1,), (1,)),
        ((1, 2),),
        ((1, 2), (1,)),
        ((2,),),
        ((2,), (1,)),
    ]


def test_occurrences_have_the_latest_start_and_the_first_completion_of_the_prefix() -> None:
    """Customer 0 can end b, b only on day 7, from day 2; a, c of both customers begins with their a."""
    found = _found()
    twice = found[((1,), (1,))].occurrences
    assert (twice.ends.tolist(), twice.starts.tolist(), twice.completions.tolist()) == ([2], [1], [1])
    both = found[((0,), (2,))]
    assert (both.occurrences.ends.tolist(), both.occurrences.starts.tolist()) == ([1, 4], [0, 3])
    assert both.occurrences.is_first.all()
    assert both.counts.tolist() == [2]


def test_the_window_ends_an_occurrence() -> None:
    """Customer 0 does b on day 7, too, but that is more than five days after a."""
    assert _found()[((0,), (1,))].occurrences.ends.tolist() == [1]


def test_what_is_not_chosen_is_not_offered_again() -> None:
    """Leaving out b after a leaves out all that begins so, and b on the date of a later c."""

    def without_b(pattern: Pattern, kind: Extension, counts: Ints) -> Ints:
        chosen = counts[:, 0] >= 1
        chosen[1] &= pattern != ((0,),)
        return chosen

    patterns = [found.pattern for found in walk(TWO_CUSTOMERS, 3, without_b) if found.pattern[0] == (0,)]
    assert patterns == [((0,),), ((0,), (2,))]


def test_orders_are_counted_apart() -> None:
    """The second customer as an order of its own has a and c, and no b."""
    orders = Sequences(**(vars(TWO_CUSTOMERS) | {"customers_per_order": 1, "order_count": 2}))
    counts = {found.pattern: found.counts.tolist() for found in walk(orders, 1, lambda *_: np.ones(3, dtype=bool))}
    assert counts == {((0,),): [1, 1], ((1,),): [1, 0], ((2,),): [1, 1]}


def test_the_examples_in_the_docstrings_hold() -> None:
    """Examples are run, so that they stay true."""
    results = doctest.testmod(sequence_search)
    assert results.attempted > 0
    assert results.failed == 0
