"""Calibration: intervals against published figures, slope and intercept against another fit, groups by hand."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from pipeline.scoring.calibration import (
    calibration_bins,
    calibration_in_the_large,
    newcombe_interval,
    probability_measures,
    recalibration,
    wilson_interval,
)


def test_wilson_interval_equals_published_figures() -> None:
    """Newcombe 1998, Stat. Med. 17, 857-872, table I, method 3: 81/263, 15/148, 0/20, 1/29."""
    lower, upper = wilson_interval(np.array([81, 15, 0, 1]), np.array([263, 148, 20, 29]))
    assert lower.round(4).tolist() == [0.2553, 0.0624, 0.0000, 0.0061]
    assert upper.round(4).tolist() == [0.3662, 0.1605, 0.1611, 0.1718]


def test_newcombe_interval_equals_published_figures() -> None:
    """Newcombe 1998, Stat. Med. 17, 873-890, table II, method 10: examples a, b, e, f, h."""
    events, rows = np.array([56, 9, 5, 0, 10]), np.array([70, 10, 56, 10, 10])
    other_events, other_rows = np.array([48, 3, 0, 0, 0]), np.array([80, 10, 29, 20, 10])
    lower, upper = newcombe_interval(events, rows, other_events, other_rows)
    assert lower.round(4).tolist() == [0.0524, 0.1705, -0.0381, -0.1611, 0.6075]
    assert upper.round(4).tolist() == [0.3339, 0.8090, 0.1926, 0.2775, 1.0000]


def test_interval_of_nobody_is_unknown() -> None:
    """A share of no rows is no share: unknown, without a warning of a division by zero."""
    with np.errstate(all="raise"):
        assert all(np.isnan(bound[0]) for bound in wilson_interval(np.array([0]), np.array([0])))
        assert all(np.isnan(bound) for bound in newcombe_interval(np.array(1), np.array(9), np.array(0), np.array(0)))


def _outcomes(rows: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    log_odds = random.normal(-2, 1, rows)
    return (random.random(rows) < expit(log_odds)).astype(float), log_odds


def test_slope_and_intercept_equal_scikit_learn() -> None:
    """Newton's method reaches the optimum of an unpenalised logistic regression, with weights as with copies."""
    is_event, log_odds = _outcomes(3_000)
    weights = np.random.default_rng(8).integers(0, 4, 3_000).astype(float)
    distorted = 0.5 + 2 * log_odds
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10)
    model.fit(distorted[:, None], is_event, sample_weight=weights)
    assert recalibration(is_event, distorted, weights) == pytest.approx(
        (model.intercept_[0], model.coef_[0, 0]), abs=1e-6
    )


def test_known_distortion_is_recovered() -> None:
    """Log odds twice too extreme have a slope of one half; log odds one too low need one added."""
    is_event, log_odds = _outcomes()
    ones = np.ones(len(is_event))
    assert recalibration(is_event, 2 * log_odds, ones)[1] == pytest.approx(0.5, abs=0.03)
    assert calibration_in_the_large(is_event, log_odds - 1, ones) == pytest.approx(1, abs=0.07)
    moved = expit(log_odds - 1 + calibration_in_the_large(is_event, log_odds - 1, ones))
    assert moved.sum() == pytest.approx(is_event.sum(), rel=1e-6)


@pytest.mark.parametrize("log_odds", [np.full(40, -1.0), np.repeat([-2.0, 2.0], 20)])
def test_no_slope_where_there_is_none(log_odds: np.ndarray) -> None:
    """One probability for all has no slope, and separated classes an infinite one: unknown, not a large number."""
    is_event = np.repeat([0.0, 1.0], 20)
    assert np.isnan(recalibration(is_event, log_odds, np.ones(40))[1])


def test_expected_error_by_hand() -> None:
    """Two probabilities, each in a group of its own: 0.1 where nothing happens, 0.6 where all do."""
    probabilities = np.repeat([0.1, 0.6], [30, 10])
    is_event = np.repeat([False, True], [30, 10])
    measures = probability_measures(is_event, probabilities)
    assert measures["expected_calibration_error"](np.ones(40)) == pytest.approx((30 * 0.1 + 10 * 0.4) / 40)
    assert measures["brier"](np.ones(40)) == pytest.approx((30 * 0.01 + 10 * 0.16) / 40)


def test_groups_are_equal_and_hold_the_truth() -> None:
    """Right probabilities lie within nearly all of the ten intervals; wrong ones within few."""
    is_event, log_odds = _outcomes()
    bins = calibration_bins(is_event.astype(bool), expit(log_odds))
    assert bins["row_count"].tolist() == [2_000] * 10
    assert bins["predicted_share"].is_monotonic_increasing
    assert bins["predicted_share"].between(bins["lower_bound"], bins["upper_bound"]).sum() >= 8
    wrong = calibration_bins(is_event.astype(bool), expit(log_odds + 1))
    assert wrong["predicted_share"].between(wrong["lower_bound"], wrong["upper_bound"]).sum() <= 2


def test_equal_probabilities_are_one_group_in_any_order() -> None:
    """A border through equal probabilities would depend on the order of the rows."""
    probabilities = np.array([0.2] * 7 + [0.5] * 13)
    is_event = np.arange(20) % 3 == 0
    order = np.random.default_rng(0).permutation(20)
    one, two = calibration_bins(is_event, probabilities), calibration_bins(is_event[order], probabilities[order])
    assert one["row_count"].tolist() == [7, 13]
    assert one.equals(two)
    assert logit(one["predicted_share"]).round(6).tolist() == pytest.approx([logit(0.2), 0], abs=1e-6)
