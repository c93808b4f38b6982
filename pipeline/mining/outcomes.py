"""What came of a mining step, in words: found, nothing found, or too little to look at.

Belongs here: the sentences that stand beside the results. Does not belong here: the results.
"""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from pipeline.mining.associations import Associations
from pipeline.mining.sequences import SequencePatterns


@dataclass(frozen=True)
class MiningOutcome:
    """What came of a step and why.

    Attributes
    ----------
    outcome : {'found', 'nothing_found', 'insufficient_data'}
        ``nothing_found`` where nothing is significant, however much there is.
    reason_en, reason_zh : str
        The counts behind it.
    customer_count : int
        Customers that were looked at.
    found_count, significant_count, chance_count : int
        Rules or patterns within the policy's limits, how many of them are significant, and how many random data give
        as well. The rest are neither: too many as strong are to be expected by chance, or they foretell too little.
    random_count_mean : float or None
        How many random data give, on average; None where nothing was looked at.
    """

    outcome: Literal["found", "nothing_found", "insufficient_data"]
    reason_en: str
    reason_zh: str
    customer_count: int
    found_count: int = 0
    significant_count: int = 0
    chance_count: int = 0
    random_count_mean: float | None = None


def too_few_customers(customer_count: int, least_customers: int) -> MiningOutcome:
    """Return the outcome of a month with hardly any customers."""
    return MiningOutcome(
        "insufficient_data",
        f"{customer_count:,} customers with data; the policy demands at least {least_customers:,}",
        f"有数据的客户 {customer_count:,}；政策要求至少 {least_customers:,}",
        customer_count,
    )


def outcome_of_rules(found: Associations) -> MiningOutcome:
    """Return what came of mining rules, whose column ``is_significant`` says which may be told."""
    return _outcome(
        found.customer_count,
        found.rules,
        found.random_rule_count_mean,
        ("rules", "a random table of the same row and column sums gives"),
        ("条规则", "行列合计相同的随机表"),
    )


def outcome_of_patterns(found: SequencePatterns) -> MiningOutcome:
    """Return what came of mining sequences, whose column ``is_significant`` says which may be told."""
    return _outcome(
        found.customer_count,
        found.patterns,
        found.random_pattern_count_mean,
        ("patterns", "the same events in random order give"),
        ("个模式", "随机排序的相同事件"),
    )


def _outcome(
    customers: int, told: pd.DataFrame, random_mean: float, words_en: tuple[str, str], words_zh: tuple[str, str]
) -> MiningOutcome:
    significant, chance = (int(told[column].sum()) for column in ("is_significant", "is_chance"))
    return MiningOutcome(
        "found" if significant else "nothing_found",
        f"{len(told):,} {words_en[0]} among {customers:,} customers, {significant:,} of them significant; "
        f"{words_en[1]} {random_mean:,.1f} on average",
        f"{customers:,} 位客户中有 {len(told):,} {words_zh[0]}，其中 {significant:,} 显著；"
        f"{words_zh[1]}平均给出 {random_mean:,.1f}",
        customers,
        len(told),
        significant,
        chance,
        random_mean,
    )
