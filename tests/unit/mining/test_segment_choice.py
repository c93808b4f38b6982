"""The choice of the number of segments: its measures by brute force, and its rule case by case."""

import numpy as np
import pytest
from segment_policy import segment_policy
from threadpoolctl import threadpool_limits

from pipeline.mining.segment_choice import (
    Candidate,
    best_jaccards,
    chance_excess,
    choose,
    fit_candidate,
    shuffled_table,
)

POLICY = segment_policy()


def _candidate(
    count: int,
    silhouette: float,
    stability: float = 0.9,
    jaccard: float = 0.9,
    share: float = 0.1,
    null: tuple[float, ...] = (0.1, 0.1),
) -> Candidate:
    jaccards = np.full(count, jaccard)
    return Candidate(count, np.zeros((count, 1)), silhouette, stability, share, jaccards, np.array(null))


def test_best_jaccards_equal_sets_compared_one_by_one() -> None:
    """The table of counts gives what Python's sets give."""
    random = np.random.default_rng(0)
    labels, others = random.integers(5, size=300), random.integers(5, size=300)
    mine = [set(np.flatnonzero(labels == label)) for label in range(5)]
    theirs = [set(np.flatnonzero(others == label)) for label in range(5)]
    brute = [max(len(own & other) / len(own | other) for other in theirs) for own in mine]
    assert best_jaccards(labels, others, 5) == pytest.approx(brute)


def test_a_segment_that_is_not_there_is_found_out() -> None:
    """Three blobs cut into four: some segment does not come back, though the division as a whole does."""
    random = np.random.default_rng(0)
    blobs = random.normal(size=(300, 2)) + 12 * np.repeat([[0, 0], [1, 0], [0, 1]], 100, axis=0)
    with threadpool_limits(limits=1):
        three, four = (fit_candidate(blobs, np.arange(2), count, 2, 0) for count in (3, 4))
    assert three.jaccards.min() > 0.99
    assert four.jaccards.min() < 0.75
    assert three.silhouette > four.silhouette
    assert three.excess > chance_excess([three, four])


def test_the_finest_eligible_division_is_chosen() -> None:
    """Larger is better only while it is stable, worth a campaign, and nearly as well apart."""
    candidates = [
        _candidate(3, 0.50),
        _candidate(4, 0.48),
        _candidate(5, 0.45),
        _candidate(6, 0.30),  # not apart enough
        _candidate(7, 0.49, stability=0.7),
        _candidate(8, 0.49, jaccard=0.5),
        _candidate(9, 0.49, share=0.005),
    ]
    criterion, chosen = choose(candidates, POLICY)
    assert chosen.segment_count == 5
    assert criterion.loc[criterion["is_eligible"], "segment_count"].tolist() == [3, 4, 5, 6]
    assert criterion.loc[criterion["is_chosen"], "segment_count"].tolist() == [5]


def test_without_an_eligible_one_the_most_stable_is_taken() -> None:
    """The result must not be empty; that it is not eligible stands in the table."""
    criterion, chosen = choose([_candidate(3, 0.5, stability=0.5), _candidate(4, 0.4, stability=0.6)], POLICY)
    assert chosen.segment_count == 4
    assert not criterion["is_eligible"].any()


@pytest.mark.parametrize(
    ("silhouette", "null", "is_beyond"),
    [
        (0.30, (0.10, 0.12, 0.11), True),
        (0.17, (0.10, 0.16, 0.10), False),  # above all of them, but not by three standard deviations
        (0.30, (0.01, 0.01, 0.31), False),  # one shuffled table does as well
        (0.11, (0.10, 0.10, 0.10), False),  # surely more, but by next to nothing
    ],
)
def test_structure_is_what_shuffled_tables_do_not_have(
    silhouette: float, null: tuple[float, ...], is_beyond: bool
) -> None:
    """All conditions count: above all shuffled tables, and clearly above their mean."""
    criterion, _ = choose([_candidate(3, silhouette, null=null)], POLICY)
    assert criterion["is_beyond_chance"].tolist() == [is_beyond]


def test_chance_has_its_choice_of_a_number() -> None:
    """What is clear at one number is not, if a shuffled table is as far above its like at another; worked by hand."""
    three, four = _candidate(3, 0.20, null=(0.10, 0.10, 0.10)), _candidate(4, 0.15, null=(0.04, 0.04, 0.25))
    assert chance_excess([three]) == 0.02
    # the best excesses of the three tables are 0, 0 and 0.14: three standard deviations of 0.066 above their mean
    assert chance_excess([three, four]) == pytest.approx(0.14 / 3 + 3 * 0.14 * np.sqrt(2) / 3)
    assert choose([three], POLICY)[0]["is_beyond_chance"].tolist() == [True]
    assert choose([three, four], POLICY)[0]["is_beyond_chance"].tolist() == [False, False]


def test_shuffling_keeps_what_is_within_a_whole() -> None:
    """Columns of one whole move together; every distribution stays; across wholes nothing does."""
    sample = np.tile(np.arange(2_000.0)[:, None], 4)
    shuffled = shuffled_table(sample, np.array([0, 1, 0, 2]), np.random.default_rng(0))
    assert (shuffled[:, 0] == shuffled[:, 2]).all()
    assert (np.sort(shuffled, axis=0) == sample).all()
    correlations = np.corrcoef(np.column_stack([sample[:, 0], shuffled[:, [0, 1, 3]]]), rowvar=False)
    assert np.abs(correlations[np.triu_indices(4, 1)]).max() < 0.1
