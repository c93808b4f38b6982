"""Pictures: each is a PNG with something on it, also where there is nothing to show."""

import io

import numpy as np
import pandas as pd
from matplotlib.image import imread

from pipeline.mining.associations import mine_rules
from pipeline.mining.plots import draw_criterion, draw_profiles, draw_rules
from pipeline.mining.segments import Behaviour, fit_segments

BEHAVIOURS = tuple(
    Behaviour(name, "amount", name, name, f"high {name}", f"low {name}", "多", "少") for name in ("inflow", "outflow")
)


def _share_of_ink(picture: bytes) -> float:
    pixels = imread(io.BytesIO(picture), format="png")[..., :3]
    return float((pixels < 0.99).any(axis=2).mean())


def test_segments_are_drawn() -> None:
    """Profiles and criterion come out as pictures without a display."""
    random = np.random.default_rng(0)
    level = np.repeat([2.0, 8.0], 50)
    customers = pd.DataFrame(
        {
            "customer_key": [f"c{number}" for number in range(100)],
            "inflow": np.exp(level + random.normal(0, 0.2, 100)),
            "outflow": np.exp(level + random.normal(0, 0.2, 100)),
        }
    )
    segmentation = fit_segments(customers, 0, [2, 3], BEHAVIOURS, "inflow")
    assert _share_of_ink(draw_profiles(segmentation)) > 0.1
    assert _share_of_ink(draw_criterion(segmentation)) > 0.01


def test_rules_are_drawn_and_so_is_their_absence() -> None:
    """A month without rules still has a picture, with less on it and the reason in its title."""
    items = pd.DataFrame({"customer_key": [1, 1, 2, 2, 3], "item_code": ["a", "b", "a", "b", "c"]})
    some = draw_rules(mine_rules(items, 0.1, 0.1, 0, 2))
    none = draw_rules(mine_rules(items, 0.1, 0.1, 100, 2))
    assert _share_of_ink(some) > _share_of_ink(none) > 0.001
