"""Capture, lift and gain curve: worked by hand, and independent of the order of rows that score alike."""

import numpy as np
import pytest

from pipeline.scoring.budget import capture_at_share, gain_curve, lift_at_share, random_gain_curve
from pipeline.scoring.discrimination import score_levels


def test_lift_of_the_top_decile_by_hand() -> None:
    """Twenty rows, four events, both of the top two are events: 100 % over 20 % is a lift of 5."""
    is_event = np.array([1, 1, 0, 0, 1, 1] + [0] * 14)
    levels = score_levels(is_event, np.arange(20, 0, -1), np.ones(20))
    assert lift_at_share(levels, 0.1) == pytest.approx(5)
    assert capture_at_share(levels, 0.1) == pytest.approx(0.5)


def test_lift_of_a_score_that_says_nothing_is_one() -> None:
    """All scores equal: the border is shared, so that the order of the rows cannot make a lift."""
    levels = score_levels(np.array([1] * 5 + [0] * 95), np.zeros(100), np.ones(100))
    for share in (0.01, 0.1, 0.5):
        assert lift_at_share(levels, share) == pytest.approx(1)


def test_gain_curve_by_hand() -> None:
    """Four rows, two events, ranked first and third: half is captured with a quarter, all with three quarters."""
    curve = gain_curve(np.array([False, True, False, True]), np.array([3, 2, 1, 4]), [0, 0.25, 0.5, 0.75, 1])
    assert curve["captured_share"].tolist() == [0, 0.5, 0.5, 1, 1]
    assert curve["lift"].tolist()[1:] == pytest.approx([2, 1, 4 / 3, 1])
    assert np.isnan(curve["lift"].iloc[0])


def test_gain_curve_rises_to_all() -> None:
    """More contacts capture no fewer events, whatever the score, and all capture all; random is the diagonal."""
    random = np.random.default_rng(0)
    curve = gain_curve(random.random(500) < 0.1, random.integers(0, 5, 500))
    assert (curve["captured_share"].diff().iloc[1:] >= 0).all()
    assert curve["captured_share"].iloc[[0, -1]].tolist() == [0, 1]
    at_random = random_gain_curve()
    assert (at_random["captured_share"] == at_random["contact_share"]).all()
    assert (at_random["lift"].iloc[1:] == 1).all()
