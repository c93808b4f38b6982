"""Association rules: the same as brute force, planted ones found, none among independent items."""

import doctest
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.mining import associations
from pipeline.mining.associations import mine_rules


def _items(baskets: list[set[str]]) -> pd.DataFrame:
    pairs = [(f"c{number}", item) for number, basket in enumerate(baskets) for item in sorted(basket)]
    return pd.DataFrame(pairs, columns=["customer_key", "item_code"])


def _by_brute_force(
    baskets: list[set[str]], min_support: float, min_confidence: float, min_lift: float, max_length: int
) -> dict[tuple[str, str], tuple[int, float, float]]:
    """Count every split of every set of items in every basket."""
    n = len(baskets)
    items = sorted(set().union(*baskets))

    def count(wanted: tuple[str, ...]) -> int:
        return sum(set(wanted) <= basket for basket in baskets)

    rules = {}
    for length in range(2, min(max_length, len(items)) + 1):
        for whole in combinations(items, length):
            together = count(whole)
            if together == 0 or together / n < min_support:
                continue
            for size in range(1, length):
                for left in combinations(whole, size):
                    right = tuple(item for item in whole if item not in left)
                    confidence = together / count(left)
                    lift = together * n / (count(left) * count(right))
                    if confidence >= min_confidence and round(lift, 9) >= min_lift:
                        rules[" & ".join(left), " & ".join(right)] = (together, confidence, lift)
    return rules


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sets(st.sampled_from("abcde"), min_size=1), min_size=1, max_size=12),
    st.sampled_from([0.05, 0.3, 0.5]),
    st.sampled_from([0.0, 0.5, 0.9]),
    st.sampled_from([0.0, 1.0, 1.3]),
    st.sampled_from([2, 3, 5]),
)
def test_equals_brute_force(
    baskets: list[set[str]], min_support: float, min_confidence: float, min_lift: float, max_length: int
) -> None:
    """The rules, no more and no fewer, and their counts are those of plain counting."""
    rules = mine_rules(_items(baskets), min_support, min_confidence, min_lift, max_length, min_improvement=-1)
    found = {
        (row.antecedent, row.consequent): (row.customer_count, row.confidence_share, row.lift)
        for row in rules.itertuples()
    }
    expected = _by_brute_force(baskets, min_support, min_confidence, min_lift, max_length)
    assert found.keys() == expected.keys()
    for rule, measures in expected.items():
        assert found[rule] == pytest.approx(measures, abs=1e-8)


def test_measures_worked_by_hand() -> None:
    """Ten customers, four use both, five a, six b: every measure as computed on paper."""
    baskets = [{"a", "b"}] * 4 + [{"a"}] + [{"b"}] * 2 + [{"z"}] * 3
    rules = mine_rules(_items(baskets), 0.1, 0.1, 0, 2)
    row = rules[rules["antecedent"] == "a"].iloc[0]
    assert (row["customer_count"], row["antecedent_customer_count"], row["consequent_customer_count"]) == (4, 5, 6)
    assert row["all_customer_count"] == 10
    assert row["support_share"] == pytest.approx(0.4)
    assert row["confidence_share"] == pytest.approx(0.8)
    assert row["lift"] == pytest.approx(0.8 / 0.6)
    assert row["leverage"] == pytest.approx(0.4 - 0.5 * 0.6)
    assert row["conviction"] == pytest.approx((1 - 0.6) / (1 - 0.8))
    assert row["antecedent_items"] == ["a"]


def test_rule_that_says_less_than_a_shorter_one_is_left_out() -> None:
    """Knowing b beside a makes c less likely than a alone: that rule is told only where all are asked for."""
    baskets = [{"a", "b", "c"}, {"a", "b"}, {"a", "c"}, {"a"}, {"a", "d", "c"}, {"e"}, {"e"}, {"b", "e"}]
    rules = mine_rules(_items(baskets), 0.1, 0.1, 0, 3)
    of_c = rules[rules["consequent"] == "c"].set_index("antecedent")["improvement_share"]
    assert set(of_c.index) == {"a", "d", "a & d"}
    assert of_c["a"] == pytest.approx(3 / 5 - 3 / 8)
    everything = mine_rules(_items(baskets), 0.1, 0.1, 0, 3, min_improvement=-1)
    all_of_c = everything[everything["consequent"] == "c"].set_index("antecedent")["improvement_share"]
    assert all_of_c["a & b"] == pytest.approx(1 / 2 - 3 / 5)
    assert all_of_c["a & d"] == pytest.approx(0)
    assert mine_rules(_items(baskets), 0.1, 0.1, 0, 3, min_improvement=0.01)["consequent"].eq("c").sum() == 2


def test_rule_without_exception_has_no_conviction() -> None:
    """Infinity would break the tables downstream; a rule that always holds has a null."""
    rules = mine_rules(_items([{"a", "b"}, {"b"}, {"c"}]), 0.1, 0.9, 0, 2)
    assert rules.loc[rules["antecedent"] == "a", "conviction"].isna().all()


def _planted(customers: int, is_shuffled: bool) -> pd.DataFrame:
    random = np.random.default_rng(4)
    use = random.random((customers, 12)) < 0.15
    use[:, 1] = np.where(use[:, 0], random.random(customers) < 0.8, use[:, 1])
    use[:, 2] = np.where(use[:, 0] & use[:, 1], random.random(customers) < 0.8, use[:, 2])
    if is_shuffled:
        use = random.permuted(use, axis=0)
    customer, item = np.nonzero(use)
    return pd.DataFrame({"customer_key": customer, "item_code": [f"i{number:02d}" for number in item]})


def test_planted_rules_are_found_and_no_others() -> None:
    """i00 -> i01 and {i00, i01} -> i02 were planted: every rule stands on two of them, and they are all there."""
    rules = mine_rules(_planted(5_000, is_shuffled=False), 0.01, 0.3, 1.5, 3)
    for left, right in zip(rules["antecedent_items"], rules["consequent_items"], strict=True):
        assert len({"i00", "i01", "i02"} & {*left, *right}) >= 2
    confidence = rules.set_index(["antecedent", "consequent"])["confidence_share"]
    assert confidence["i00", "i01"] == pytest.approx(0.8, abs=0.05)
    assert confidence["i00 & i01", "i02"] == pytest.approx(0.8, abs=0.05)


def test_shuffled_items_have_no_rules() -> None:
    """With the same frequencies but no dependence nothing reaches the lift: lift is not an artefact of frequency."""
    assert mine_rules(_planted(5_000, is_shuffled=True), 0.01, 0.0, 1.5, 3).empty


def test_same_result_in_any_order_of_rows() -> None:
    """Rules, measures and their order do not depend on the order of the input, nor on doubled pairs."""
    items = _planted(1_000, is_shuffled=False)
    again = pd.concat([items, items.iloc[:50]]).sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(mine_rules(items, 0.01, 0.2, 1.0, 3), mine_rules(again, 0.01, 0.2, 1.0, 3))


def test_no_rule_is_an_empty_table_with_all_columns() -> None:
    """One item per customer makes no rule; the asset must still find its columns and their types."""
    none = mine_rules(_items([{"a"}, {"b"}]), 0.1, 0.1, 1, 3)
    some = mine_rules(_items([{"a", "b"}, {"c"}]), 0.1, 0.1, 1, 3)
    assert none.empty
    assert none.dtypes.to_dict() == some.dtypes.to_dict()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0.5, 1, 2), "min_support is out of its range"),
        ((0.1, 1.5, 1, 2), "min_confidence is out of its range"),
        ((0.1, 0.5, -1, 2), "min_lift is out of its range"),
        ((0.1, 0.5, 1, 1), "max_length is out of its range"),
    ],
)
def test_bad_limits_are_refused(arguments: tuple[float, float, float, int], message: str) -> None:
    """A limit comes from a policy row that people edit: the message says which and where to mend it."""
    with pytest.raises(InputError, match=message):
        mine_rules(_items([{"a", "b"}]), *arguments)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (pd.DataFrame({"customer_key": [], "item_code": []}), "items is empty"),
        (pd.DataFrame({"customer_key": [1]}), "no item_code"),
        (pd.DataFrame({"customer_key": [1], "item_code": [None]}), "1 in item_code"),
    ],
)
def test_bad_items_are_refused(items: pd.DataFrame, message: str) -> None:
    """Missing columns, no rows and nulls are told, not mined."""
    with pytest.raises(InputError, match=message):
        mine_rules(items, 0.1, 0.1, 1, 2)


def test_example_in_the_docstring() -> None:
    """The worked example that readers see is true."""
    assert doctest.testmod(associations).failed == 0
    assert doctest.testmod(associations).attempted == 3
