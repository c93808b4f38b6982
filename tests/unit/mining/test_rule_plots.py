"""Pictures of rules: each is a PNG with something on it, also where there is nothing to show."""

import io
from collections.abc import Callable

import pandas as pd
import pytest
from matplotlib.image import imread

from pipeline.mining.associations import mine_rules
from pipeline.mining.rule_plots import draw_rule_matrix, draw_rules


def _share_of_ink(picture: bytes) -> float:
    pixels = imread(io.BytesIO(picture), format="png")[..., :3]
    return float((pixels < 0.99).any(axis=2).mean())


def _rules(min_lift: float) -> pd.DataFrame:
    """Three bundles of two items among forty customers each, so strong that no random table has the like."""
    pairs = [
        (f"{bundle}{customer}", item) for bundle in ("ab", "cd", "ef") for customer in range(40) for item in bundle
    ]
    items = pd.DataFrame(pairs, columns=["customer_key", "item_code"])
    rules = mine_rules(items, 0.1, 0.1, min_lift, 2, random_tables=2).rules
    return rules.assign(is_significant=~rules["is_chance"])


@pytest.mark.parametrize("draw", [draw_rules, draw_rule_matrix])
def test_rules_are_drawn_and_so_is_their_absence(draw: Callable[[pd.DataFrame], bytes]) -> None:
    """A month without rules still has a picture, with less on it and the reason in its title."""
    some, none = draw(_rules(min_lift=1)), draw(_rules(min_lift=100))
    assert _share_of_ink(some) > _share_of_ink(none) > 0.001


@pytest.mark.parametrize("draw", [draw_rules, draw_rule_matrix])
def test_redundant_rules_are_not_drawn(draw: Callable[[pd.DataFrame], bytes]) -> None:
    """What a shorter rule says already is left out: if all is redundant, the picture is that of no rule."""
    rules = _rules(min_lift=1)
    assert draw(rules.assign(is_redundant=True)) == draw(rules.iloc[:0])


@pytest.mark.parametrize("draw", [draw_rules, draw_rule_matrix])
def test_items_are_shown_by_name(draw: Callable[..., bytes]) -> None:
    """A marketer reads names; a code without one stays, and two codes of one name break nothing."""
    rules = _rules(min_lift=1)
    assert draw(rules, {"a": "travel"}) != draw(rules)
    assert draw(rules, {}) == draw(rules)
    assert _share_of_ink(draw(rules, {"a": "travel", "c": "travel", "b": "hotels", "d": "hotels"})) > 0.001


def test_rules_that_are_not_significant_are_not_in_the_matrix() -> None:
    """The matrix shows what may be told; elsewhere such rules are crosses without a name."""
    rules = _rules(min_lift=1)
    assert draw_rule_matrix(rules.assign(is_significant=False)) == draw_rule_matrix(rules.iloc[:0])
    assert draw_rules(rules.assign(is_significant=False)) != draw_rules(rules)


def test_matrix_of_many_rules_is_cut_to_the_strongest() -> None:
    """A thousand rules fit no screen: the picture grows no larger than its most rows and columns."""
    rules = pd.concat([_rules(min_lift=1)] * 200, ignore_index=True)
    numbers = pd.Series(range(len(rules))).astype(str)
    many = rules.assign(antecedent="a" + numbers, consequent="c" + (rules.index % 90).astype(str))
    height, width = imread(io.BytesIO(draw_rule_matrix(many)), format="png").shape[:2]
    assert height < 1_500
    assert width < 1_700
