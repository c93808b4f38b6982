"""Measures of a score: worked by hand, compared with counting of pairs, with intervals that know about customers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from pipeline.scoring.budget import budget_measures, lift_at_share
from pipeline.scoring.calibration import probability_measures
from pipeline.scoring.discrimination import (
    area_under_curve,
    kolmogorov_smirnov,
    measure,
    measure_random_order,
    score_levels,
)

RANKING = {"auc": area_under_curve, "ks": kolmogorov_smirnov}


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
    levels = score_levels(*arrays, weights)
    assert area_under_curve(levels) == pytest.approx(np.mean(pairs))
    gaps = [np.mean([e >= level for e in events]) - np.mean([o >= level for o in others]) for level in range(6)]
    assert kolmogorov_smirnov(levels) == pytest.approx(max(gaps))


def test_area_equals_scikit_learn() -> None:
    """On many rows with ties and weights the area is that of another library."""
    random = np.random.default_rng(3)
    is_event, scores = random.random(5_000) < 0.1, random.integers(0, 50, 5_000)
    weights = random.integers(0, 4, 5_000).astype(float)
    expected = roc_auc_score(is_event, scores, sample_weight=weights)
    assert area_under_curve(score_levels(is_event, scores, weights)) == pytest.approx(expected, abs=1e-12)


def test_interval_covers_the_truth_and_widens_with_dependence() -> None:
    """Ten copies of each customer bring no knowledge: the interval must not shrink as if they did."""
    random = np.random.default_rng(0)
    is_event = random.random(400) < 0.2
    scores = is_event + random.normal(0, 1, 400)
    once = measure(is_event, scores, np.arange(400), RANKING, {}, 1, 200).set_index("metric_code").loc["auc"]
    copied = (
        measure(np.tile(is_event, 10), np.tile(scores, 10), np.tile(np.arange(400), 10), RANKING, {}, 1, 200)
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
    row_measures = probability_measures(is_event, np.linspace(0.1, 0.9, 100))
    table = measure(is_event, np.arange(100.0), np.arange(100), RANKING, row_measures, 0, 10)
    assert set(table["metric_code"]) == {*RANKING, *row_measures}
    assert table["value"].isna().all()
    assert (table["event_count"] == events).all()
    assert measure_random_order(is_event, np.arange(100), RANKING, 0, 10)["value"].isna().all()


def test_random_order_is_the_control() -> None:
    """Random orders rank like chance and lift nothing on average; their range is what luck alone can bring."""
    is_event = np.arange(1_000) < 50
    table = measure_random_order(is_event, np.arange(1_000), {**RANKING, **budget_measures(0.1)}, 0, 400)
    by_metric = table.set_index("metric_code")
    assert by_metric.loc["auc", "value"] == pytest.approx(0.5, abs=0.01)
    assert by_metric.loc["lift_at_budget", "value"] == pytest.approx(1, abs=0.06)
    # five of fifty events expected among a tenth, hypergeometric: 2.07 around the mean, so 2 to 9 of 50 at 95 %
    assert by_metric.loc["lift_at_budget", "lower_bound"] == pytest.approx(0.2, abs=0.21)
    assert by_metric.loc["lift_at_budget", "upper_bound"] == pytest.approx(1.8, abs=0.21)
    assert table["customer_count"].eq(1_000).all()


def test_lift_of_weighted_rows_is_that_of_their_copies() -> None:
    """The bootstrap weighs rows instead of copying them: the lift at any share must be the same."""
    random = np.random.default_rng(1)
    is_event, scores, weights = random.random(60) < 0.3, random.integers(0, 9, 60), random.integers(0, 4, 60)
    copied = score_levels(np.repeat(is_event, weights), np.repeat(scores, weights), np.ones(weights.sum()))
    weighted = score_levels(is_event, scores, weights.astype(float))
    for share in (0.05, 0.1, 0.37, 1.0):
        assert lift_at_share(weighted, share) == pytest.approx(lift_at_share(copied, share))
