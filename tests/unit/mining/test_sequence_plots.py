"""Pictures of sequences: each is a PNG with something on it, also where there is nothing to show."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from pipeline.mining.sequence_plots import PATTERNS_SHOWN, draw_sequences
from pipeline.mining.sequences import mine_sequences


def _share_of_ink(picture: bytes) -> float:
    pixels = imread(io.BytesIO(picture), format="png")[..., :3]
    return float((pixels < 0.99).any(axis=2).mean())


@pytest.fixture(scope="module")
def patterns() -> pd.DataFrame:
    """Forty customers do a, b and c in turn; c and a are also done on one date at the end."""
    days = pd.to_datetime(["2025-01-01", "2025-01-11", "2025-01-21", "2025-03-21", "2025-03-21"])
    one = pd.DataFrame({"event_date": days, "event_code": list("abcca")})
    patterns = mine_sequences(pd.concat(one.assign(customer_key=key) for key in range(40)), 0.5, 15, 3).patterns
    return patterns.assign(is_significant=~patterns["is_chance"])


def test_patterns_are_drawn_and_so_is_their_absence(patterns: pd.DataFrame) -> None:
    """A month without a pattern of meaning still has a picture, with less on it and the reason in its title."""
    assert patterns["is_significant"].any()
    some = draw_sequences(patterns)
    nothing_told = draw_sequences(patterns.assign(is_significant=False))
    nothing = draw_sequences(patterns.head(0))
    assert _share_of_ink(some) > _share_of_ink(nothing_told) > 0.001
    assert _share_of_ink(nothing) > 0.001


def test_codes_are_shown_by_name(patterns: pd.DataFrame) -> None:
    """A marketer reads names, not codes; a code without a name stays."""
    assert draw_sequences(patterns, {"a": "airline", "b": "hotel"}) != draw_sequences(patterns)
    assert draw_sequences(patterns, {"x": "unused"}) == draw_sequences(patterns)


def test_patterns_whose_confidence_is_not_known_yet_are_drawn(patterns: pd.DataFrame) -> None:
    """Nobody may have had the time to follow: there is no bar then, and no failure."""
    unknown = draw_sequences(patterns.assign(confidence_share=np.nan))
    assert 0.001 < _share_of_ink(unknown) < _share_of_ink(draw_sequences(patterns))


def test_only_the_strongest_are_drawn(patterns: pd.DataFrame) -> None:
    """The picture stays legible with thousands of patterns."""
    many = pd.concat([patterns.assign(is_significant=True)] * 300, ignore_index=True)
    assert len(many) > PATTERNS_SHOWN
    height = imread(io.BytesIO(draw_sequences(many)), format="png").shape[0]
    assert height == imread(io.BytesIO(draw_sequences(many.head(PATTERNS_SHOWN))), format="png").shape[0]
