"""Pictures of segments: each is a PNG with something on it, whatever was found."""

import io
from datetime import date

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from segment_policy import segment_policy

from pipeline.mining.segment_behaviours import Behaviour
from pipeline.mining.segment_drift import segment_drift
from pipeline.mining.segment_plots import draw_criterion, draw_drift, draw_profiles, draw_segment_map
from pipeline.mining.segments import fit_segments

BEHAVIOURS = tuple(
    Behaviour(name, "value", "amount", (name,), name, name, name, f"high {name}", f"low {name}", "多", "少")
    for name in ("inflow", "outflow", "balance")
)


def _customers(levels: list[float], behaviours: int, seed: int = 0) -> pd.DataFrame:
    """Return customers whose amounts all lie on one of the levels."""
    random = np.random.default_rng(seed)
    level = np.repeat(levels, 60)[:, None]
    amounts = np.exp(level + random.normal(0, 0.2, (len(level), behaviours)))
    keys = pd.Series([f"c{number}" for number in range(len(level))], name="customer_key")
    return pd.concat([keys, pd.DataFrame(amounts, columns=["inflow", "outflow", "balance"][:behaviours])], axis=1)


def _share_of_ink(picture: bytes) -> float:
    pixels = imread(io.BytesIO(picture), format="png")[..., :3]
    return float((pixels < 0.99).any(axis=2).mean())


@pytest.mark.parametrize(
    ("levels", "behaviours", "outcome"),
    [
        ([2.0, 6.0, 10.0], 3, "segmented"),
        ([2.0, 10.0], 2, "segmented"),
        ([5.0], 3, "no_structure"),
        ([2.0, 10.0], 1, "no_structure"),
    ],
)
def test_segments_are_drawn(levels: list[float], behaviours: int, outcome: str) -> None:
    """Three segments, two, and none, on a plane or a line, come out as pictures without a display."""
    customers = _customers(levels, behaviours)
    policy = segment_policy(2, 3, random_tables=5)
    segmentation = fit_segments(customers, 0, policy, BEHAVIOURS[:behaviours], "inflow")
    assert segmentation.outcome == outcome
    assert _share_of_ink(draw_profiles(segmentation)) > 0.05
    assert _share_of_ink(draw_criterion(segmentation)) > 0.01
    assert _share_of_ink(draw_segment_map(segmentation, customers, 0)) > 0.01


def test_drift_is_drawn() -> None:
    """Shares of two months come out as a picture, also where a segment has nobody."""
    customers = _customers([2.0, 6.0, 10.0], 3)
    segmentation = fit_segments(customers, 0, segment_policy(3, 3, random_tables=2), BEHAVIOURS, "inflow")
    now = segmentation.assignments.assign(month_end_date=date(2025, 2, 28))
    before = now[now["segment_code"] != "S2"].assign(month_end_date=date(2025, 1, 31))
    drift = segment_drift(pd.concat([before, now]), date(2025, 2, 28))
    assert _share_of_ink(draw_drift(drift, segmentation.profiles)) > 0.2


def test_pictures_are_the_same_every_time() -> None:
    """The sample on the map and the direction of its axes do not depend on the order of the rows."""
    customers = _customers([2.0, 6.0, 10.0], 3)
    segmentation = fit_segments(customers, 0, segment_policy(3, 3, random_tables=2), BEHAVIOURS, "inflow")
    shuffled = customers.sample(frac=1, random_state=1)
    assert draw_segment_map(segmentation, customers, 3) == draw_segment_map(segmentation, shuffled, 3)
