"""Association rules over what customers use: merchant categories and products.

Belongs here: the rules between frequent sets of items, their measures, which of them repeat a shorter one and which are
no more than chance. Does not belong here: finding the sets (``itemsets``), what an item is (dbt,
``features.customer_items``) and which rules are worth a campaign (policy).

The measures of a rule A -> C over n customers follow from four counts:

    support = n(A and C) / n          confidence = n(A and C) / n(A)          lift = confidence / (n(C) / n)
    leverage = support - n(A) n(C) / n^2              conviction = (1 - n(C) / n) / (1 - confidence)

(Agrawal, Imielinski, Swami 1993; Brin et al. 1997 for lift and conviction; Piatetsky-Shapiro 1991 for leverage). The
improvement of a rule is its confidence over the best that a part of A, or nothing at all, says about C (Bayardo,
Agrawal, Gunopulos 1999, ICDE, 188-197): a longer rule is worth telling only if it says more than its shorter ones. The
same is asked of C: A -> B and D repeats A -> B if, of those with B, A makes D hardly likelier.

Whether a rule is more than chance is asked of random tables in which every customer uses as many items, and every item
has as many customers, as in truth (``swap_randomisation``).
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from mlxtend.frequent_patterns import association_rules
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from pipeline.frames import (
    require_columns,
    require_number,
    require_rows,
    require_share,
    require_values,
    require_whole_number,
)
from pipeline.mining.itemset_search import count_itemsets
from pipeline.mining.itemsets import classify_itemsets, frequent_itemsets
from pipeline.mining.swap_randomisation import swap_randomise

RULE_COLUMNS = {
    "antecedent": "str",
    "consequent": "str",
    "antecedent_items": "object",
    "consequent_items": "object",
    "item_count": "int64",
    "customer_count": "int64",
    "antecedent_customer_count": "int64",
    "consequent_customer_count": "int64",
    "all_customer_count": "int64",
    "support_share": "float64",
    "confidence_share": "float64",
    "lift": "float64",
    "leverage": "float64",
    "conviction": "float64",
    "improvement_share": "float64",
    "is_redundant": "bool",
    "explained_by": "str",
    "folded_rule_count": "int64",
    "expected_customer_count": "float64",
    "random_table_share": "float64",
    "is_chance": "bool",
    "false_discovery_rate": "float64",
}
ITEMSET_COLUMNS = {
    "items": "object",
    "itemset": "str",
    "item_count": "int64",
    "customer_count": "int64",
    "support_share": "float64",
    "is_closed": "bool",
    "is_maximal": "bool",
}
ITEM_SEPARATOR = " & "
RULE_SEPARATOR = " → "
DECIMALS = 9  # of every measure; they are quotients of counts, so nothing is lost that could be told apart
MOST_RANDOM_CUSTOMERS = 50_000  # in a random table; twenty tables of so many customers with ten items take 15 s


# antecedent and consequent, as numbers of items
Side = tuple[frozenset[int], frozenset[int]]


@dataclass(frozen=True)
class Associations:
    """What `mine_rules` found.

    Parameters
    ----------
    rules : DataFrame
        One row per rule, as `mine_rules` describes.
    itemsets : DataFrame
        One row per frequent set of up to the most items, short ones first, then by text: ``items`` (list, in
        alphabetical order), ``itemset`` (the same as text, joined with ' & '), ``item_count``, ``customer_count``,
        ``support_share``, ``is_closed`` (no larger set has as many customers) and ``is_maximal`` (no larger set is
        frequent); larger sets count even if they exceed the most items.
    customer_count : int
        Customers with at least one item.
    random_table_count, random_customer_count : int
        Random tables drawn, and customers in each of them.
    random_rule_count_mean : float
        Rules within the limits in a random table, on average.
    """

    rules: pd.DataFrame
    itemsets: pd.DataFrame
    customer_count: int
    random_table_count: int
    random_customer_count: int
    random_rule_count_mean: float


@dataclass(frozen=True)
class _Limits:
    min_support: float
    min_confidence: float
    min_lift: float
    max_length: int

    def least_customers(self, customer_count: int) -> int:
        return max(1, math.ceil(self.min_support * customer_count - 1e-9))


def mine_rules(
    items: pd.DataFrame,
    min_support: float,
    min_confidence: float,
    min_lift: float,
    max_length: int,
    min_improvement: float = 0.0,
    random_tables: int = 20,
    seed: int = 1,
    most_random_customers: int = MOST_RANDOM_CUSTOMERS,
) -> Associations:
    """Find the rules "who uses A also uses C" between sets of items, and say which are worth nothing.

    Significance. In each random table rules are mined within the same limits. The false-discovery rate of a rule of
    lift l is the mean number of rules with at least that lift in a random table over the number of them observed:

        FDR(l) = (1 + #{rules of any random table with lift >= l}) / random_tables / #{rules with lift >= l}

    The one more keeps what no random table has from passing for impossible (Phipson and Smyth 2010, Stat. Appl. Genet.
    Mol. Biol. 9, 39): a lone rule cannot have a rate below 1 / random_tables. The numerator is how many there would be
    if nothing but frequencies were at work, so the quotient estimates the share of false ones among all that are told
    down to lift l; rather too high than too low, because where some rules are real fewer are left to chance. A rule may
    be told along with weaker ones: its rate is the smallest over all lifts up to its own, and at most 1, so that it
    never rises with lift (Gionis et al. 2007 for the tables; Storey, Tibshirani 2003, PNAS 100, 9440-9445, for the
    monotone rate).

    Parameters
    ----------
    items : DataFrame
        ``customer_key, item_code``: one row per customer and item; a pair that comes twice counts once. Customers
        without an item are not known here: supports are shares of the customers with at least one.
    min_support : float
        Smallest share of customers that use all items of a rule, above 0.
    min_confidence : float
        Smallest share of those who use A that use C, too.
    min_lift : float
        Smallest lift; 1 is what independent items have.
    max_length : int
        Most items in a rule, A and C together; at least 2.
    min_improvement : float
        Smallest improvement of a rule that is not redundant; by default one that says no less than a shorter one.
    random_tables : int
        Random tables, at least 1.
    seed : int
        Of the random tables.
    most_random_customers : int
        If there are more customers, random tables are made of a random sample of so many; expected counts are
        projected to all. Chance makes more rules among fewer customers, so the rate errs on the side of doubt.

    Returns
    -------
    Associations
        Its ``rules`` have one row per rule, highest lift first:

        - ``antecedent`` and ``consequent`` (items in alphabetical order, joined with ' & '), ``antecedent_items`` and
          ``consequent_items`` (the same as lists), ``item_count``;
        - ``customer_count``, ``antecedent_customer_count``, ``consequent_customer_count``, ``all_customer_count``,
          ``support_share``, ``confidence_share``, ``lift``, ``leverage``, ``conviction`` (null where the rule has no
          exception: it would be infinite), ``improvement_share``;
        - ``is_redundant`` (improves by less than the limit, or a part of C leaves A nothing to say about the rest),
          ``explained_by`` (for a redundant rule the shorter one that says as much, as 'a → c', '' if the frequency of C
          does; '' for the others), ``folded_rule_count`` (redundant rules that lead to this one, also over others);
        - ``expected_customer_count`` (mean number of customers with all items in a random table),
          ``random_table_share`` (share of random tables in which the same rule is within the limits and has at least
          the same lift), ``is_chance`` (it is and has in at least one) and ``false_discovery_rate`` (above 0, up to 1).

    Raises
    ------
    InputError
        If columns are missing, there are no items or nulls, or a limit is out of its range.

    Examples
    --------
    >>> items = pd.DataFrame({"customer_key": [1, 1, 2, 2, 3, 4], "item_code": list("abab") + ["a", "c"]})
    >>> rules = mine_rules(items, min_support=0.5, min_confidence=0.5, min_lift=1, max_length=2).rules
    >>> rules[["antecedent", "consequent", "customer_count", "confidence_share", "lift"]].round(3).to_dict("records")[0]
    {'antecedent': 'a', 'consequent': 'b', 'customer_count': 2, 'confidence_share': 0.667, 'lift': 1.333}
    """
    limits = _Limits(min_support, min_confidence, min_lift, max_length)
    _check(items, limits, min_improvement, random_tables, most_random_customers)
    baskets, names = _baskets(items)
    customer_count = baskets.shape[0]
    # one item more than a rule has: only longer sets tell which are closed and maximal
    frequent = frequent_itemsets(
        baskets, limits.least_customers(customer_count) / customer_count, False, max_length + 1
    )
    is_short = frequent["itemsets"].map(len) <= max_length
    itemsets = _named_itemsets(frequent[is_short], classify_itemsets(frequent)[is_short], names, customer_count)
    splits = _splits(frequent[is_short], customer_count)
    rules = _within(splits, limits)
    rules = _explained(rules, _confidences(splits), customer_count, min_improvement, names)
    generator = np.random.default_rng(seed)
    sample = _sample(baskets, most_random_customers, generator)
    chances = [_chance(swap_randomise(sample, generator), limits, rules) for _ in range(random_tables)]
    rules = _compared(rules, chances, customer_count / sample.shape[0])
    for side in ("antecedent", "consequent"):
        rules[f"{side}_items"] = [_names_of(numbers, names) for numbers in rules[f"{side}s"]]
        rules[side] = [ITEM_SEPARATOR.join(codes) for codes in rules[f"{side}_items"]]
    rules = rules.sort_values(
        ["lift", "support_share", "antecedent", "consequent"], ascending=[False, False, True, True]
    )
    return Associations(
        rules=rules[list(RULE_COLUMNS)].astype(RULE_COLUMNS).reset_index(drop=True),
        itemsets=itemsets,
        customer_count=customer_count,
        random_table_count=random_tables,
        random_customer_count=sample.shape[0],
        random_rule_count_mean=round(sum(len(chance.lifts) for chance in chances) / random_tables, DECIMALS),
    )


def _baskets(items: pd.DataFrame) -> tuple[csr_matrix, list[str]]:
    """Return one row per customer, in the order of their keys, and the items' codes in alphabetical order."""
    pairs = items[["customer_key", "item_code"]].drop_duplicates()
    customers, keys = pd.factorize(pairs["customer_key"], sort=True)
    codes, names = pd.factorize(pairs["item_code"], sort=True)
    baskets = csr_matrix((np.ones(len(pairs), dtype=bool), (customers, codes)), shape=(len(keys), len(names)))
    return baskets, [str(name) for name in names]


def _names_of(numbers: frozenset[int], names: Sequence[str]) -> list[str]:
    # item numbers are in alphabetical order of their codes
    return [names[number] for number in sorted(numbers)]


def _named_itemsets(
    frequent: pd.DataFrame, flags: pd.DataFrame, names: Sequence[str], customer_count: int
) -> pd.DataFrame:
    items = [_names_of(numbers, names) for numbers in frequent["itemsets"]]
    counts = (frequent["support"] * customer_count).round()
    named = pd.DataFrame(
        {
            "items": pd.Series(items, index=frequent.index, dtype=object),
            "itemset": [ITEM_SEPARATOR.join(codes) for codes in items],
            "item_count": [len(codes) for codes in items],
            "customer_count": counts,
            "support_share": (counts / customer_count).round(DECIMALS),
            "is_closed": flags["is_closed"],
            "is_maximal": flags["is_maximal"],
        }
    )
    return named.astype(ITEMSET_COLUMNS).sort_values(["item_count", "itemset"]).reset_index(drop=True)


def _splits(frequent: pd.DataFrame, customer_count: int) -> pd.DataFrame:
    """Return every split of every frequent set in two, with all measures."""
    metrics = ["antecedent support", "consequent support", "support"]
    if frequent.empty or frequent["itemsets"].map(len).max() < 2:
        return _measured(pd.DataFrame(columns=["antecedents", "consequents", *metrics]), customer_count)
    # every split, judged later on exact counts: a quotient of rounded supports may miss its own limit
    splits = association_rules(frequent, metric="support", min_threshold=0, return_metrics=metrics)
    return _measured(splits, customer_count)


def _within(splits: pd.DataFrame, limits: _Limits) -> pd.DataFrame:
    is_within = (splits["confidence_share"] >= limits.min_confidence) & (splits["lift"] >= limits.min_lift)
    return splits[is_within].reset_index(drop=True)


def _confidences(splits: pd.DataFrame) -> dict[Side, float]:
    sides = zip(splits["antecedents"], splits["consequents"], strict=True)
    return dict(zip(sides, splits["confidence_share"], strict=True))


def _explained(
    rules: pd.DataFrame,
    confidences: dict[Side, float],
    customer_count: int,
    min_improvement: float,
    names: Sequence[str],
) -> pd.DataFrame:
    """Add the improvement of each rule, and what explains the redundant ones; parts of frequent sets are frequent."""
    sides = list(zip(rules["antecedents"], rules["consequents"], strict=True))
    bases = (rules["consequent_customer_count"] / customer_count).round(DECIMALS)
    improvements = []
    explanations: dict[Side, Side] = {}
    for (antecedent, consequent), confidence, base in zip(sides, rules["confidence_share"], bases, strict=True):
        parts = _parts(antecedent)
        said = [base, *(confidences[part, consequent] for part in parts)]
        improvement = round(confidence - max(said), DECIMALS)
        improvements.append(improvement)
        if improvement < min_improvement:
            explanations[antecedent, consequent] = ([frozenset[int](), *parts][said.index(max(said))], consequent)
            continue
        # once one part of C is known, does A still say something about the rest?
        gains = [
            (confidences[antecedent | part, consequent - part] - confidences[part, consequent - part], place)
            for place, part in enumerate(_parts(consequent))
        ]
        if gains and round(min(gains)[0], DECIMALS) < min_improvement:
            explanations[antecedent, consequent] = (antecedent, _parts(consequent)[min(gains)[1]])
    folded = Counter(_root(side, explanations) for side in explanations)
    return rules.assign(
        improvement_share=pd.Series(improvements, index=rules.index, dtype="float64"),
        is_redundant=[side in explanations for side in sides],
        explained_by=[_rule_text(explanations[side], names) if side in explanations else "" for side in sides],
        folded_rule_count=[folded[side] for side in sides],
    )


def _parts(items: frozenset[int]) -> list[frozenset[int]]:
    """Return the parts that are neither empty nor the whole, short ones first, in the order of their items."""
    return [frozenset(part) for size in range(1, len(items)) for part in combinations(sorted(items), size)]


def _rule_text(side: Side, names: Sequence[str]) -> str:
    """Write a rule; that C is frequent anyway is no rule, and has no text."""
    antecedent, consequent = (ITEM_SEPARATOR.join(_names_of(items, names)) for items in side)
    return f"{antecedent}{RULE_SEPARATOR}{consequent}" if antecedent else ""


def _root(side: Side, explanations: dict[Side, Side]) -> Side:
    """Follow the explanations of a rule to one that needs none; rules get shorter on the way."""
    while side in explanations:
        side = explanations[side]
    return side


@dataclass(frozen=True)
class _Chance:
    """What one random table shows: the lifts of all its rules, which of ours it has as strong, and our sets' counts."""

    lifts: NDArray[np.float64]
    is_as_strong: NDArray[np.bool_]
    set_counts: NDArray[np.int64]


def _sample(baskets: csr_matrix, most_customers: int, generator: np.random.Generator) -> csr_matrix:
    if baskets.shape[0] <= most_customers:
        return baskets
    return baskets[np.sort(generator.choice(baskets.shape[0], size=most_customers, replace=False))]


def _chance(random_table: csr_matrix, limits: _Limits, rules: pd.DataFrame) -> _Chance:
    customer_count = random_table.shape[0]
    least_share = limits.least_customers(customer_count) / customer_count
    frequent = frequent_itemsets(random_table, least_share, max_len=limits.max_length)
    found = _within(_splits(frequent, customer_count), limits)
    lifts = dict(zip(zip(found["antecedents"], found["consequents"], strict=True), found["lift"], strict=True))
    ours = list(zip(rules["antecedents"], rules["consequents"], strict=True))
    lifts_of_ours = np.fromiter((lifts.get(sides, -1) for sides in ours), dtype=np.float64, count=len(ours))
    return _Chance(
        lifts=found["lift"].to_numpy(dtype=np.float64),
        is_as_strong=lifts_of_ours >= rules["lift"].to_numpy(dtype=np.float64),
        set_counts=count_itemsets(random_table, [antecedent | consequent for antecedent, consequent in ours]),
    )


def _compared(rules: pd.DataFrame, chances: list[_Chance], scale: float) -> pd.DataFrame:
    """Add what the random tables say about each rule."""
    found_share = np.mean([chance.is_as_strong for chance in chances], axis=0)
    expected = np.mean([chance.set_counts for chance in chances], axis=0) * scale
    random_lifts = np.concatenate([chance.lifts for chance in chances])
    lifts = rules["lift"].to_numpy(dtype=np.float64)
    return rules.assign(
        expected_customer_count=expected.round(DECIMALS),
        random_table_share=found_share.round(DECIMALS),
        is_chance=found_share > 0,
        false_discovery_rate=_false_discovery_rates(lifts, random_lifts, len(chances)).round(DECIMALS),
    )


def _false_discovery_rates(
    lifts: NDArray[np.float64], random_lifts: NDArray[np.float64], table_count: int
) -> NDArray[np.float64]:
    thresholds = np.unique(lifts)
    random_count = len(random_lifts) - np.searchsorted(np.sort(random_lifts), thresholds, side="left")
    observed_count = len(lifts) - np.searchsorted(np.sort(lifts), thresholds, side="left")
    rates = np.minimum.accumulate((1 + random_count) / table_count / observed_count)
    return np.minimum(rates, 1.0)[np.searchsorted(thresholds, lifts)]


def _check(
    items: pd.DataFrame, given: _Limits, min_improvement: float, random_tables: int, most_random_customers: int
) -> None:
    require_columns(items, ["customer_key", "item_code"], "items")
    require_rows(items, "items")
    require_values(items, ["customer_key", "item_code"], "items")
    require_share("min_support", given.min_support)
    require_number("min_confidence", given.min_confidence, 0, 1)
    require_number("min_lift", given.min_lift, 0)
    require_whole_number("max_length", given.max_length, 2)
    require_number("min_improvement", min_improvement, -1, 1)
    require_whole_number("random_tables", random_tables, 1)
    require_whole_number("most_random_customers", most_random_customers, 1)


def _measured(found: pd.DataFrame, n: int) -> pd.DataFrame:
    """Recompute the measures from whole counts, so that they are the same however mlxtend sums them."""
    together = (found["support"] * n).round()
    antecedent = (found["antecedent support"] * n).round()
    consequent = (found["consequent support"] * n).round()
    exceptions = antecedent - together
    measured = pd.DataFrame(
        {
            "antecedents": found["antecedents"],
            "consequents": found["consequents"],
            "item_count": found["antecedents"].map(len) + found["consequents"].map(len),
            "customer_count": together,
            "antecedent_customer_count": antecedent,
            "consequent_customer_count": consequent,
            "all_customer_count": n,
            "support_share": together / n,
            "confidence_share": together / antecedent,
            "lift": together * n / (antecedent * consequent),
            "leverage": together / n - antecedent * consequent / n**2,
            "conviction": (antecedent * (n - consequent) / n).div(exceptions.where(exceptions > 0)),
        }
    )
    return measured.round(
        dict.fromkeys(["support_share", "confidence_share", "lift", "leverage", "conviction"], DECIMALS)
    )
