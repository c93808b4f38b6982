"""Measures of a score: worked by hand, compared with counting of pairs, with intervals that know about customers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.credit.discrimination import (
    PROBABILITY_MEASURES,
    RANKING_MEASURES,
    area_under_curve,
    kolmogorov_smirnov,
    measure,
    top_decile_lift,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4), st.integers(1, 3)), min_size=2, max_size=15))
def test_area_and_distance_equal_counting(rows: list[tuple[bool, int, int]]) -> None:
    """AUC is the share of pairs ranked right, KS the largest gap; a weight is as good as that many copies of a row."""
    copies = [(is_event, score) for is_event, score, weight in rows for _ in range(weight)]
    events = [score for is_event, score in copies if is_event]
    others = [score for is_event, score in copies if not is_event]
    if not events or not others:
        return
    arrays = (np.array([row[0] for row in rows], float), np.array([row[1] for row in rows], float))
    weights = np.array([row[2] for row in rows], float)
    pairs = [(event > other) + (event == other) / 2 for event in events for other in others]
    assert area_under_curve(*arrays, weights) == pytest.approx(np.mean(pairs))
    gaps = [np.mean([e >= level for e in events]) - np.mean([o >= level for o in others]) for level in range(6)]
    assert kolmogorov_smirnov(*arrays, weights) == pytest.approx(max(gaps))


def test_lift_of_the_top_decile_by_hand() -> None:
    """Twenty rows, four events, both of the top two are events: 100 % over 20 % is a lift of 5."""
    is_event = np.array([1, 1, 0, 0, 1, 1] + [0] * 14, dtype=float)
    scores = np.arange(20, 0, -1, dtype=float)
    assert top_decile_lift(is_event, scores, np.ones(20)) == pytest.approx(5)


def test_lift_of_a_score_that_says_nothing_is_one() -> None:
    """All scores equal: the border is shared, so that the order of the rows cannot make a lift."""
    is_event = np.array([1] * 5 + [0] * 95, dtype=float)
    assert top_decile_lift(is_event, np.zeros(100), np.ones(100)) == pytest.approx(1)


def test_interval_covers_the_truth_and_widens_with_dependence() -> None:
    """Ten copies of each customer bring no knowledge: the interval must not shrink as if they did."""
    random = np.random.default_rng(0)
    is_event = random.random(400) < 0.2
    scores = is_event + random.normal(0, 1, 400)
    once = measure(is_event, scores, np.arange(400), RANKING_MEASURES, 1, 200).set_index("metric_code").loc["auc"]
    copied = (
        measure(np.tile(is_event, 10), np.tile(scores, 10), np.tile(np.arange(400), 10), RANKING_MEASURES, 1, 200)
        .set_index("metric_code")
        .loc["auc"]
    )
    true_area = 0.7602  # of two unit normals one apart: Phi(1 / sqrt 2)
    assert once["lower_bound"] < true_area < once["upper_bound"]
    width = once["upper_bound"] - once["lower_bound"]
    assert copied["upper_bound"] - copied["lower_bound"] == pytest.approx(width, rel=1e-6)
    assert (copied["row_count"], copied["customer_count"]) == (4_000, 400)


@pytest.mark.parametrize("events", [0, 9, 91, 100])
def test_sample_with_few_events_has_counts_and_no_values(events: int) -> None:
    """An AUC without events is not 0.5, and one of nine events is an accident: both are unknown."""
    is_event = np.arange(100) < events
    table = measure(is_event, np.arange(100.0), np.arange(100), PROBABILITY_MEASURES, 0, 10)
    assert set(table["metric_code"]) == set(PROBABILITY_MEASURES)
    assert table["value"].isna().all()
    assert (table["event_count"] == events).all()
