"""Association rules: the same as brute force, planted ones found, none among independent items."""

import doctest
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from pipeline.errors import InputError
from pipeline.mining import associations
from pipeline.mining.associations import Associations, mine_rules
from pipeline.mining.itemsets import closed_itemsets, maximal_itemsets
from pipeline.mining.swap_randomisation import swap_randomise


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
    rules = mine_rules(_items(baskets), min_support, min_confidence, min_lift, max_length, random_tables=1).rules
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
    rules = mine_rules(_items(baskets), 0.1, 0.1, 0, 2, random_tables=1).rules
    row = rules[rules["antecedent"] == "a"].iloc[0]
    assert (row["customer_count"], row["antecedent_customer_count"], row["consequent_customer_count"]) == (4, 5, 6)
    assert row["all_customer_count"] == 10
    assert row["support_share"] == pytest.approx(0.4)
    assert row["confidence_share"] == pytest.approx(0.8)
    assert row["lift"] == pytest.approx(0.8 / 0.6)
    assert row["leverage"] == pytest.approx(0.4 - 0.5 * 0.6)
    assert row["conviction"] == pytest.approx((1 - 0.6) / (1 - 0.8))
    assert row["antecedent_items"] == ["a"]


def test_rule_that_says_less_than_a_shorter_one_is_folded_into_it() -> None:
    """Knowing b beside a makes c less likely than a alone: that rule is marked, and the one on a counts it."""
    baskets = [{"a", "b", "c"}, {"a", "b"}, {"a", "c"}, {"a"}, {"a", "d", "c"}, {"e"}, {"e"}, {"b", "e"}]

    def rules_on_c(min_improvement: float) -> pd.DataFrame:
        rules = mine_rules(_items(baskets), 0.1, 0.1, 0, 3, min_improvement, random_tables=1).rules
        return rules[rules["consequent"] == "c"].set_index("antecedent")

    rules = rules_on_c(0.0)
    assert set(rules.index) == {"a", "b", "d", "a & b", "a & d"}
    assert rules["improvement_share"].to_dict() == pytest.approx(
        {"a": 3 / 5 - 3 / 8, "b": 1 / 3 - 3 / 8, "d": 1 - 3 / 8, "a & b": 1 / 2 - 3 / 5, "a & d": 0}
    )
    assert set(rules.index[rules["is_redundant"]]) == {"b", "a & b"}
    assert rules["explained_by"].to_dict() == {"a": "", "b": "", "d": "", "a & b": "a → c", "a & d": ""}
    assert rules["folded_rule_count"].to_dict() == {"a": 1, "b": 0, "d": 0, "a & b": 0, "a & d": 0}
    stricter = rules_on_c(0.01)
    assert stricter.loc["a & d", "explained_by"] == "d → c"
    # into a → c also a → b & c and a → c & d, because everybody with c has a; into d → c also d → a & c
    assert stricter["folded_rule_count"].to_dict() == {"a": 3, "b": 0, "d": 2, "a & b": 0, "a & d": 0}
    assert not rules_on_c(-1)["is_redundant"].any()


def test_rules_fold_over_others_into_one_that_stays() -> None:
    """A & b & c repeats a & b, which repeats a: both fold into a, though one does so indirectly."""
    baskets = [{"a", "b", "c", "z"}] * 50 + [{"a", "b", "z"}] * 2 + [{"a", "z"}] * 2 + [{"a"}] + [{"q"}] * 45
    rules = mine_rules(_items(baskets), 0.02, 0.1, 1, 4, min_improvement=0.05, random_tables=1).rules
    on_z = rules[rules["consequent"] == "z"].set_index("antecedent")
    kept = on_z[~on_z["is_redundant"]]
    assert set(on_z.index) == {"a", "b", "c", "a & b", "a & c", "b & c", "a & b & c"}
    assert set(kept.index) == {"a", "b", "c"}
    shorter = {f"{antecedent} → z" for antecedent in ("a", "b", "c", "a & b", "a & c", "b & c")}
    assert set(on_z.loc[on_z["is_redundant"], "explained_by"]) <= shorter
    # every redundant rule, of whatever consequent, is counted once, with one that stays
    told = rules[~rules["is_redundant"]]
    assert told["folded_rule_count"].sum() == rules["is_redundant"].sum()
    assert rules.loc[rules["is_redundant"], "folded_rule_count"].sum() == 0


def test_an_item_that_comes_anyway_is_folded_out_of_the_consequent() -> None:
    """Who has a pet sees a vet; that half of all take taxis, too, is no news about pets."""
    taxi = [{"taxi"}, set()]
    baskets = [{"pet", "vet"} | extra for extra in taxi] * 10 + [{"vet"} | extra for extra in taxi] * 2
    baskets += [{"other"} | extra for extra in taxi] * 20
    rules = mine_rules(_items(baskets), 0.05, 0.1, 1.2, 3, min_improvement=0.05, random_tables=1).rules
    on_pet = rules[rules["antecedent"] == "pet"].set_index("consequent")
    assert on_pet["is_redundant"].to_dict() == {"vet": False, "taxi & vet": True}
    assert on_pet.loc["taxi & vet", "explained_by"] == "pet → vet"


def test_a_consequent_whose_items_hold_together_only_with_the_antecedent_stays() -> None:
    """Of those who have media, games make electronics likelier: the longer consequent says more than its parts."""
    baskets = [{"games", "media", "electronics"}] * 10 + [{"media"}] * 10 + [{"electronics"}] * 10 + [{"games"}] * 2
    baskets += [{"other"}] * 30
    rules = mine_rules(_items(baskets), 0.05, 0.1, 1.2, 3, min_improvement=0.05, random_tables=1).rules
    row = rules[(rules["antecedent"] == "games") & (rules["consequent"] == "electronics & media")].iloc[0]
    assert not row["is_redundant"]


def test_rule_without_exception_has_no_conviction() -> None:
    """Infinity would break the tables downstream; a rule that always holds has a null."""
    rules = mine_rules(_items([{"a", "b"}, {"b"}, {"c"}]), 0.1, 0.9, 0, 2, random_tables=1).rules
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
    found = mine_rules(_planted(5_000, is_shuffled=False), 0.01, 0.3, 1.5, 3)
    rules = found.rules
    for left, right in zip(rules["antecedent_items"], rules["consequent_items"], strict=True):
        assert len({"i00", "i01", "i02"} & {*left, *right}) >= 2
    confidence = rules.set_index(["antecedent", "consequent"])["confidence_share"]
    assert confidence["i00", "i01"] == pytest.approx(0.8, abs=0.05)
    assert confidence["i00 & i01", "i02"] == pytest.approx(0.8, abs=0.05)
    assert not rules["is_chance"].any()
    assert rules["false_discovery_rate"].max() < 0.05
    assert found.random_rule_count_mean < 0.05 * len(rules)


def test_expected_count_is_that_of_frequencies() -> None:
    """In the random tables planted items meet as often as their numbers of customers make them."""
    items = _planted(20_000, is_shuffled=False)
    rules = mine_rules(items, 0.01, 0.3, 1.5, 2, random_tables=5).rules.set_index(["antecedent", "consequent"])
    row = rules.loc[("i00", "i01")]
    by_frequency = row["antecedent_customer_count"] * row["consequent_customer_count"] / row["all_customer_count"]
    assert row["expected_customer_count"] == pytest.approx(by_frequency, rel=0.15)
    assert row["customer_count"] > 2 * row["expected_customer_count"]


def test_shuffled_items_have_no_rules() -> None:
    """With the same frequencies but no dependence nothing reaches the lift: lift is not an artefact of frequency."""
    assert mine_rules(_planted(5_000, is_shuffled=True), 0.01, 0.0, 1.5, 3, random_tables=1).rules.empty


def _swapped(items: pd.DataFrame, seed: int) -> pd.DataFrame:
    customers, keys = pd.factorize(items["customer_key"], sort=True)
    codes, names = pd.factorize(items["item_code"], sort=True)
    table = csr_matrix((np.ones(len(items), dtype=bool), (customers, codes)), shape=(len(keys), len(names)))
    customer, item = swap_randomise(table, np.random.default_rng(seed)).nonzero()
    return pd.DataFrame({"customer_key": keys[customer], "item_code": names[item]})


def test_rules_of_a_swap_randomised_table_are_called_chance() -> None:
    """Limits so low that chance passes them: in a table without dependence hardly a rule is told as more than that."""
    random = np.random.default_rng(9)
    # some customers use much, some little: items depend on each other through that alone
    share = random.choice([0.05, 0.4], size=400)[:, None] * np.linspace(0.3, 1, 15)
    customer, item = np.nonzero(random.random((400, 15)) < share)
    items = pd.DataFrame({"customer_key": customer, "item_code": [f"i{number:02d}" for number in item]})
    found = mine_rules(_swapped(items, seed=10), 0.02, 0.1, 1.1, 3)
    assert len(found.rules) > 100
    # of each twenty-one draws of a rule the observed one is the strongest once
    assert found.rules["is_chance"].mean() > 0.8
    assert found.rules["false_discovery_rate"].min() > 0.2
    assert found.random_rule_count_mean == pytest.approx(len(found.rules), rel=0.25)


def test_planted_rules_stand_out_from_chance() -> None:
    """The same low limits: rules on the planted items have low rates, most of those on the others high ones."""
    rules = mine_rules(_planted(1_500, is_shuffled=False), 0.015, 0.1, 1.02, 2).rules
    is_planted = (rules["antecedent"] < "i03") & (rules["consequent"] < "i03")
    assert is_planted.sum() == 6
    # none in twenty tables: one over twenty and over the rules of at least that lift
    assert rules.loc[is_planted, "false_discovery_rate"].max() == pytest.approx(1 / 20 / 6)
    assert not rules.loc[is_planted, "is_chance"].any()
    others = rules[~is_planted]
    assert len(others) > 10
    assert others["is_chance"].mean() > 0.8
    # never rises with lift
    assert rules["false_discovery_rate"].is_monotonic_increasing
    assert rules["false_discovery_rate"].between(0, 1).all()


def test_false_discovery_rate_worked_by_hand() -> None:
    """Four observed lifts, two random tables: quotients 2.5/4, 2/3, 1/2 and 1/1, made monotone from below."""
    rates = associations._false_discovery_rates(
        np.array([5.0, 2.0, 3.0, 4.0]), np.array([2.0, 3.0, 3.0, 9.0]), table_count=2
    )
    assert rates.tolist() == pytest.approx([0.5, 0.625, 0.625, 0.5])
    capped = associations._false_discovery_rates(np.array([2.0]), np.array([2.0, 2.0, 2.0]), table_count=1)
    assert capped.tolist() == [1.0]
    # what no random table has is not impossible: one in two tables might have had it
    assert associations._false_discovery_rates(np.array([2.0]), np.empty(0), table_count=2).tolist() == [0.5]


def test_random_tables_of_a_sample() -> None:
    """Where only a sample of customers is shuffled, expected counts are still those of all customers."""
    items = _planted(20_000, is_shuffled=False)
    found = mine_rules(items, 0.01, 0.3, 1.5, 2, random_tables=8, most_random_customers=4_000)
    full = mine_rules(items, 0.01, 0.3, 1.5, 2, random_tables=2)
    assert (found.random_customer_count, full.random_customer_count) == (4_000, found.customer_count)
    sampled, whole = (each.rules.set_index(["antecedent", "consequent"]) for each in (found, full))
    assert sampled["expected_customer_count"]["i00", "i01"] == pytest.approx(
        whole["expected_customer_count"]["i00", "i01"], rel=0.15
    )
    pd.testing.assert_series_equal(sampled["lift"], whole["lift"])
    assert not sampled["is_chance"].any()


def test_itemsets_are_the_frequent_closed_and_maximal_ones() -> None:
    """The table of itemsets counts what is there; sets longer than a rule decide, too, what is closed and maximal."""
    baskets = [{"a", "b", "c"}] * 3 + [{"a", "b"}] * 2 + [{"a"}, {"c"}, {"d"}]
    itemsets = mine_rules(_items(baskets), 0.25, 0.1, 0, 2, random_tables=1).itemsets
    rows = itemsets.set_index("itemset")
    assert itemsets["itemset"].tolist() == ["a", "b", "c", "a & b", "a & c", "b & c"]
    assert rows["customer_count"].to_dict() == {"a": 6, "b": 5, "c": 4, "a & b": 5, "a & c": 3, "b & c": 3}
    assert rows["support_share"]["a & b"] == pytest.approx(5 / 8)
    assert set(rows.index[rows["is_closed"]]) == {"a", "c", "a & b"}
    assert not rows["is_maximal"].any()
    assert rows["items"]["a & b"] == ["a", "b"]
    table = pd.DataFrame([[item in basket for item in "abcd"] for basket in baskets], columns=list("abcd"))
    longer = mine_rules(_items(baskets), 0.25, 0.1, 0, 4, random_tables=1).itemsets
    for flag, found in (("is_closed", closed_itemsets), ("is_maximal", maximal_itemsets)):
        expected = {" & ".join(sorted(items)) for items in found(table, 0.25, use_colnames=True)["itemsets"]}
        assert set(longer.loc[longer[flag], "itemset"]) == expected


def test_same_result_in_any_order_of_rows() -> None:
    """Nothing depends on the order of the input, nor on doubled pairs; not even the random tables."""
    items = _planted(1_000, is_shuffled=False)
    again = pd.concat([items, items.iloc[:50]]).sample(frac=1, random_state=1)
    first, second = (
        mine_rules(each, 0.01, 0.2, 1.0, 3, random_tables=3, most_random_customers=500) for each in (items, again)
    )
    pd.testing.assert_frame_equal(first.rules, second.rules)
    pd.testing.assert_frame_equal(first.itemsets, second.itemsets)
    assert first.random_rule_count_mean == second.random_rule_count_mean


def test_another_seed_changes_nothing_but_chance() -> None:
    """The seed draws random tables; the rules and their measures are not theirs."""
    items = _planted(1_000, is_shuffled=False)
    first, second = (mine_rules(items, 0.01, 0.2, 1.0, 2, random_tables=2, seed=seed).rules for seed in (1, 2))
    of_chance = ["expected_customer_count", "random_table_share", "is_chance", "false_discovery_rate"]
    pd.testing.assert_frame_equal(first.drop(columns=of_chance), second.drop(columns=of_chance))
    assert (first["expected_customer_count"] != second["expected_customer_count"]).any()


def _nothing_and_something() -> tuple[Associations, Associations]:
    none = mine_rules(_items([{"a"}, {"b"}]), 0.1, 0.1, 1, 3, random_tables=2)
    some = mine_rules(_items([{"a", "b"}, {"c"}]), 0.1, 0.1, 1, 3, random_tables=2)
    return none, some


def test_no_rule_is_an_empty_table_with_all_columns() -> None:
    """One item per customer makes no rule; the asset must still find its columns and their types."""
    none, some = _nothing_and_something()
    assert none.rules.empty
    assert none.rules.dtypes.to_dict() == some.rules.dtypes.to_dict()
    assert none.itemsets["itemset"].tolist() == ["a", "b"]


def test_no_frequent_item_is_an_empty_table_with_all_columns() -> None:
    """A support that nothing reaches: both tables are empty, with the types they always have."""
    _, some = _nothing_and_something()
    none = mine_rules(_items([{"a"}, {"b"}]), 0.9, 0.1, 1, 3, random_tables=2)
    assert none.rules.empty
    assert none.itemsets.empty
    assert none.itemsets.dtypes.to_dict() == some.itemsets.dtypes.to_dict()


def test_items_that_always_come_together() -> None:
    """A table with a single possible shuffle shows its rules in every random table: they say nothing."""
    rules = mine_rules(_items([{"a", "b", "c"}] * 4), 0.5, 0.5, 1, 3, random_tables=3).rules
    assert len(rules) == 12
    assert rules["is_chance"].all()
    assert (rules["false_discovery_rate"] == 1).all()
    assert (rules["expected_customer_count"] == 4).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0.5, 1, 2), "min_support is out of its range"),
        ((0.1, 1.5, 1, 2), "min_confidence is out of its range"),
        ((0.1, 0.5, -1, 2), "min_lift is out of its range"),
        ((0.1, 0.5, 1, 1), "max_length is out of its range"),
        ((0.1, 0.5, 1, 2.5), "max_length is out of its range"),
        (("x", 0.5, 1, 2), "min_support is out of its range"),
        ((0.1, None, 1, 2), "min_confidence is out of its range"),
        ((0.1, 0.5, float("inf"), 2), "min_lift is out of its range"),
        ((0.1, 0.5, 1, 2, float("nan")), "min_improvement is out of its range"),
    ],
)
def test_bad_limits_are_refused(arguments: tuple[Any, ...], message: str) -> None:
    """A limit comes from a policy row that people edit: the message says which and where to mend it."""
    with pytest.raises(InputError, match=message):
        mine_rules(_items([{"a", "b"}]), *arguments)


def test_random_tables_are_needed() -> None:
    """Without one there would be no rate, and 0 customers cannot be shuffled."""
    with pytest.raises(InputError, match="random_tables is out of its range"):
        mine_rules(_items([{"a", "b"}]), 0.1, 0.5, 1, 2, random_tables=0)
    with pytest.raises(InputError, match="most_random_customers is out of its range"):
        mine_rules(_items([{"a", "b"}]), 0.1, 0.5, 1, 2, most_random_customers=0)


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
