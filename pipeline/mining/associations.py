"""Association rules over what customers use: merchant categories and products.

Belongs here: frequent sets of items and the rules between them, with their measures. Does not belong here: what an item
is (dbt, ``features.customer_items``) and which rules are worth a campaign (policy).

Frequent sets come from FP-growth (Han, Pei, Yin 2000, SIGMOD Record 29(2), 1-12) in mlxtend; the measures of a rule
A -> C over n customers follow from four counts:

    support = n(A and C) / n          confidence = n(A and C) / n(A)          lift = confidence / (n(C) / n)
    leverage = support - n(A) n(C) / n^2              conviction = (1 - n(C) / n) / (1 - confidence)

(Agrawal, Imielinski, Swami 1993; Brin et al. 1997 for lift and conviction; Piatetsky-Shapiro 1991 for leverage). The
improvement of a rule is its confidence over the best that a part of A, or nothing at all, says about C (Bayardo,
Agrawal, Gunopulos 1999, ICDE, 188-197): a longer rule is worth telling only if it says more than its shorter ones.
"""

import math
from itertools import combinations

import numpy as np
import pandas as pd
from mlxtend.frequent_patterns import association_rules, fpgrowth
from scipy.sparse import csr_matrix

from pipeline.errors import InputError
from pipeline.frames import require_columns, require_rows, require_values

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
}
ITEM_SEPARATOR = " & "
DECIMALS = 9  # of every measure; they are quotients of counts, so nothing is lost that could be told apart


def mine_rules(
    items: pd.DataFrame,
    min_support: float,
    min_confidence: float,
    min_lift: float,
    max_length: int,
    min_improvement: float = 0.0,
) -> pd.DataFrame:
    """Find the rules "who uses A also uses C" between sets of items.

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
        Smallest improvement; by default no rule says less than a shorter one. -1 keeps all.

    Returns
    -------
    DataFrame
        One row per rule, highest lift first: ``antecedent`` and ``consequent`` (items in alphabetical order, joined
        with ' & '), ``antecedent_items`` and ``consequent_items`` (the same as lists), ``item_count``,
        ``customer_count`` and the other three counts, ``support_share``, ``confidence_share``, ``lift``, ``leverage``,
        ``conviction`` (null where the rule has no exception: it would be infinite) and ``improvement_share``.

    Raises
    ------
    InputError
        If columns are missing, there are no items or nulls, or a limit is out of its range.

    Examples
    --------
    >>> items = pd.DataFrame({"customer_key": [1, 1, 2, 2, 3, 4], "item_code": list("abab") + ["a", "c"]})
    >>> rules = mine_rules(items, min_support=0.5, min_confidence=0.5, min_lift=1, max_length=2)
    >>> rules[["antecedent", "consequent", "customer_count", "confidence_share", "lift"]].round(3).to_dict("records")[0]
    {'antecedent': 'a', 'consequent': 'b', 'customer_count': 2, 'confidence_share': 0.667, 'lift': 1.333}
    """
    _check(items, min_support, min_confidence, min_lift, max_length)
    pairs = items[["customer_key", "item_code"]].drop_duplicates()
    customers, _ = pd.factorize(pairs["customer_key"], sort=True)
    codes, names = pd.factorize(pairs["item_code"], sort=True)
    customer_count = int(customers.max()) + 1
    baskets = csr_matrix((np.ones(len(pairs), dtype=bool), (customers, codes)), shape=(customer_count, len(names)))
    frequent = _frequent_sets(baskets, min_support, max_length)
    if frequent.empty or frequent["itemsets"].map(len).max() < 2:
        return _typed(pd.DataFrame(columns=list(RULE_COLUMNS)))
    # every split, judged below on exact counts: a quotient of rounded supports may miss its own limit
    splits = association_rules(
        frequent,
        metric="support",
        min_threshold=0,
        return_metrics=["antecedent support", "consequent support", "support"],
    )
    rules = _measured(splits, customer_count)
    confidences = dict(
        zip(zip(rules["antecedents"], rules["consequents"], strict=True), rules["confidence_share"], strict=True)
    )
    rules = rules[(rules["confidence_share"] >= min_confidence) & (rules["lift"] >= min_lift)].copy()
    rules["improvement_share"] = _improvements(rules, confidences, customer_count)
    rules = rules[rules["improvement_share"] >= min_improvement].copy()
    for side in ("antecedent", "consequent"):
        # item numbers are in alphabetical order of their codes
        rules[f"{side}_items"] = [[str(names[number]) for number in sorted(numbers)] for numbers in rules[f"{side}s"]]
        rules[side] = [ITEM_SEPARATOR.join(codes) for codes in rules[f"{side}_items"]]
    return _typed(
        rules.sort_values(["lift", "support_share", "antecedent", "consequent"], ascending=[False, False, True, True])
    )


def _frequent_sets(baskets: csr_matrix, min_support: float, max_length: int) -> pd.DataFrame:
    customer_count, item_count = baskets.shape
    table = pd.DataFrame.sparse.from_spmatrix(baskets, columns=range(item_count))  # type: ignore[attr-defined]
    least_customers = math.ceil(min_support * customer_count - 1e-9)
    # half a customer below the count, because mlxtend rounds the product of share and customers up once more
    frequent: pd.DataFrame = fpgrowth(table, min_support=(least_customers - 0.5) / customer_count, max_len=max_length)
    return frequent


def _improvements(
    rules: pd.DataFrame, confidences: dict[tuple[frozenset[int], frozenset[int]], float], customer_count: int
) -> pd.Series:
    """Return the gain in confidence over the best part of the antecedent; parts of frequent sets are frequent, too."""
    improvements = []
    for antecedent, consequent, confidence, consequent_customers in zip(
        rules["antecedents"],
        rules["consequents"],
        rules["confidence_share"],
        rules["consequent_customer_count"],
        strict=True,
    ):
        parts = (frozenset(part) for size in range(1, len(antecedent)) for part in combinations(antecedent, size))
        said_already = [confidences[part, consequent] for part in parts]
        improvements.append(confidence - max([consequent_customers / customer_count, *said_already]))
    return pd.Series(improvements, index=rules.index, dtype="float64").round(DECIMALS)


def _typed(rules: pd.DataFrame) -> pd.DataFrame:
    return rules[list(RULE_COLUMNS)].astype(RULE_COLUMNS).reset_index(drop=True)


def _check(items: pd.DataFrame, min_support: float, min_confidence: float, min_lift: float, max_length: int) -> None:
    require_columns(items, ["customer_key", "item_code"], "items")
    require_rows(items, "items")
    require_values(items, ["customer_key", "item_code"], "items")
    limits = {
        "min_support": (min_support, 0 < min_support <= 1, "above 0, up to 1"),
        "min_confidence": (min_confidence, 0 <= min_confidence <= 1, "from 0 to 1"),
        "min_lift": (min_lift, min_lift >= 0, "0 or more"),
        "max_length": (max_length, max_length >= 2, "2 or more"),
    }
    for name, (value, is_valid, expected) in limits.items():
        if not is_valid:
            raise InputError(
                f"{name} is out of its range",
                expected=expected,
                found=str(value),
                where=name,
                action="correct it in the policy that sets it",
            )


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
