"""Uplift within strata: no effect where there is none, worked by hand, one stratum is Newcombe's.

The tempting clean-up that these tests guard against: pooling campaigns, which turns their different base rates into an
effect of the contact.
"""

from math import sqrt

import numpy as np
import pandas as pd
import pytest

from pipeline.scoring.calibration import newcombe_interval
from pipeline.scoring.uplift import UPLIFT_COLUMNS, uplift_within_strata


def _arm(campaign: str, is_control: bool, count: int, events: int) -> pd.DataFrame:
    return pd.DataFrame(
        {"campaign": campaign, "is_control": is_control, "is_event": np.arange(count) < events, "group": "all"}
    )


def _uplift(*arms: tuple[str, bool, int, int]) -> pd.Series:
    return uplift_within_strata(pd.concat([_arm(*arm) for arm in arms]), "group", "campaign").loc["all"]


def test_two_campaigns_without_effect_have_none() -> None:
    """Base rates 2 % and 20 %, control shares 50 % and 10 %, no effect: pooled it seems to be 8 points, it is none."""
    rows = pd.concat(
        [_arm("a", False, 500, 10), _arm("a", True, 500, 10), _arm("b", False, 900, 180), _arm("b", True, 100, 20)]
    )
    pooled = rows.groupby("is_control")["is_event"].mean()
    assert pooled[False] - pooled[True] == pytest.approx(0.0857, abs=1e-4)
    found = uplift_within_strata(rows, "group", "campaign").loc["all"]
    assert found["uplift_share"] == pytest.approx(0, abs=1e-12)
    assert found["lower_bound"] < 0 < found["upper_bound"]
    assert found["upper_bound"] < 0.03


def test_two_campaigns_by_hand() -> None:
    """Weights 10*10/20 = 5 and 30*10/40 = 7.5, differences 0.2 and 4/30; bounds by the roots of Wilson's equation."""
    found = _uplift(("a", False, 10, 3), ("a", True, 10, 1), ("b", False, 30, 4), ("b", True, 10, 0))
    assert found[["treated_count", "control_count"]].tolist() == [40, 20]
    assert found["treated_event_share"] == pytest.approx((5 * 0.3 + 7.5 * 4 / 30) / 12.5)
    assert found["control_event_share"] == pytest.approx(5 * 0.1 / 12.5)
    assert found["uplift_share"] == pytest.approx(0.16)

    def wilson(events: int, rows: int) -> np.ndarray:
        z_square, share = 1.959963984540054**2, events / rows
        return np.sort(np.roots([1 + z_square / rows, -2 * share - z_square / rows, share**2]))

    below = above = 0.0
    for weight, events, rows, other_events, other_rows in ((5, 3, 10, 1, 10), (7.5, 4, 30, 0, 10)):
        (low, high), (other_low, other_high) = wilson(events, rows), wilson(other_events, other_rows)
        share, other = events / rows, other_events / other_rows
        below += (weight / 12.5) ** 2 * ((share - low) ** 2 + (other_high - other) ** 2)
        above += (weight / 12.5) ** 2 * ((high - share) ** 2 + (other - other_low) ** 2)
    assert found["lower_bound"] == pytest.approx(0.16 - sqrt(below))
    assert found["upper_bound"] == pytest.approx(0.16 + sqrt(above))


def test_one_campaign_is_newcombes_interval() -> None:
    """With a single stratum nothing is weighed: the plain difference, and the published interval of 56/70 - 48/80."""
    found = _uplift(("a", False, 70, 56), ("a", True, 80, 48))
    assert found["uplift_share"] == pytest.approx(0.2)
    assert found[["lower_bound", "upper_bound"]].tolist() == pytest.approx(newcombe_interval(56, 70, 48, 80))
    assert found[["lower_bound", "upper_bound"]].round(4).tolist() == [0.0524, 0.3339]


def test_interval_holds_the_truth_as_often_as_it_says() -> None:
    """600 draws of three small campaigns with unequal rates, control shares and effects: in 93 to 98 % of them."""
    random = np.random.default_rng(0)
    sizes, controls = np.array([300, 200, 400]), np.array([30, 100, 60])
    base, effect = np.array([0.02, 0.2, 0.05]), np.array([0.03, 0.03, 0.03])
    held = 0
    for _ in range(600):
        treated_events, control_events = random.binomial(sizes, base + effect), random.binomial(controls, base)
        arms = [("abc"[i], False, sizes[i], treated_events[i]) for i in range(3)]
        found = _uplift(*arms, *(("abc"[i], True, controls[i], control_events[i]) for i in range(3)))
        held += found["lower_bound"] < 0.03 < found["upper_bound"]
    assert 0.93 < held / 600 < 0.98


def test_campaign_without_control_counts_for_nothing() -> None:
    """It is among the counts, and moves neither shares nor bounds; alone it leaves the uplift unknown."""
    with_control = (("a", False, 70, 56), ("a", True, 80, 48))
    both, alone = _uplift(*with_control), _uplift(*with_control, ("b", False, 50, 1))
    shares = [name for name in UPLIFT_COLUMNS if not name.endswith("_count")]
    assert alone[shares].tolist() == both[shares].tolist()
    assert alone["treated_count"] == 120
    unknown = _uplift(("b", False, 50, 1))
    assert unknown["treated_count"] == 50
    assert unknown[shares].isna().all()


def test_groups_are_apart_and_in_order() -> None:
    """Each group is what it is alone, in ascending order, in any order of the rows."""
    arms = [_arm("a", False, 40, 9), _arm("a", True, 20, 2), _arm("b", False, 30, 3), _arm("b", True, 30, 1)]
    rows = pd.concat([*(arm.assign(group=2) for arm in arms), *(arm.assign(group=1) for arm in arms[:2])])
    found = uplift_within_strata(rows, "group", "campaign")
    assert found.index.tolist() == [1, 2]
    alone = uplift_within_strata(rows[rows["group"] == 2], "group", "campaign")
    pd.testing.assert_frame_equal(found.loc[[2]], alone)
    pd.testing.assert_frame_equal(uplift_within_strata(rows.sample(frac=1, random_state=1), "group", "campaign"), found)
