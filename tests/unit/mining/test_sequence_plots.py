"""Pictures of sequences: each is a PNG with something on it, also where there is nothing to show."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from pipeline.mining.sequence_plots import PATTERNS_SHOWN, draw_sequences
from pipeline.mining.sequences import SequencePatterns, mine_sequences


def _share_of_ink(picture: bytes) -> float:
    pixels = imread(io.BytesIO(picture), format="png")[..., :3]
    return float((pixels < 0.99).any(axis=2).mean())


@pytest.fixture(scope="module")
def found() -> SequencePatterns:
    """Forty customers do a, b and c in turn; c and a are also done on one date at the end."""
    days = pd.to_datetime(["2025-01-01", "2025-01-11", "2025-01-21", "2025-03-21", "2025-03-21"])
    one = pd.DataFrame({"event_date": days, "event_code": list("abcca")})
    return mine_sequences(pd.concat(one.assign(customer_key=key) for key in range(40)), 0.5, 15, 3)


def test_patterns_are_drawn_and_so_is_their_absence(found: SequencePatterns) -> None:
    """A month without a pattern of meaning still has a picture, with less on it and the reason in its title."""
    assert not found.patterns["is_chance"].all()
    some = draw_sequences(found.patterns)
    only_chance = draw_sequences(found.patterns.assign(is_chance=True))
    nothing = draw_sequences(found.patterns.head(0))
    assert _share_of_ink(some) > _share_of_ink(only_chance) > 0.001
    assert _share_of_ink(nothing) > 0.001


def test_codes_are_shown_by_name(found: SequencePatterns) -> None:
    """A marketer reads names, not codes; a code without a name stays."""
    assert draw_sequences(found.patterns, {"a": "airline", "b": "hotel"}) != draw_sequences(found.patterns)
    assert draw_sequences(found.patterns, {"x": "unused"}) == draw_sequences(found.patterns)


def test_patterns_whose_confidence_is_not_known_yet_are_drawn(found: SequencePatterns) -> None:
    """Nobody may have had the time to follow: there is no bar then, and no failure."""
    unknown = draw_sequences(found.patterns.assign(confidence_share=np.nan))
    assert 0.001 < _share_of_ink(unknown) < _share_of_ink(draw_sequences(found.patterns))


def test_only_the_strongest_are_drawn(found: SequencePatterns) -> None:
    """The picture stays legible with thousands of patterns."""
    many = pd.concat([found.patterns.assign(is_chance=False)] * 300, ignore_index=True)
    assert len(many) > PATTERNS_SHOWN
    height = imread(io.BytesIO(draw_sequences(many)), format="png").shape[0]
    assert height == imread(io.BytesIO(draw_sequences(many.head(PATTERNS_SHOWN))), format="png").shape[0]
