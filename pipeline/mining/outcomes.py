"""What came of a mining step, in words: found, nothing found, or too little to look at.

Belongs here: the sentences that stand beside the results. Does not belong here: the results.
"""

from dataclasses import dataclass
from typing import Literal

from pipeline.mining.associations import Associations
from pipeline.mining.sequences import SequencePatterns


@dataclass(frozen=True)
class MiningOutcome:
    """What came of a step and why.

    Attributes
    ----------
    outcome : {'found', 'nothing_found', 'insufficient_data'}
        ``nothing_found`` where nothing told is beyond chance.
    reason_en, reason_zh : str
        The counts behind it.
    customer_count : int
        Customers that were looked at.
    found_count, chance_count : int
        Rules or patterns told, and how many of them random data give as well.
    random_count_mean : float or None
        How many random data give, on average; None where nothing was looked at.
    """

    outcome: Literal["found", "nothing_found", "insufficient_data"]
    reason_en: str
    reason_zh: str
    customer_count: int
    found_count: int = 0
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
    """Return what came of mining rules."""
    return _outcome(
        found.customer_count,
        len(found.rules),
        int(found.rules["is_chance"].sum()),
        found.random_rule_count_mean,
        ("rules", "a random table of the same row and column sums"),
        ("条规则", "行列合计相同的随机表"),
    )


def outcome_of_patterns(found: SequencePatterns) -> MiningOutcome:
    """Return what came of mining sequences."""
    return _outcome(
        found.customer_count,
        len(found.patterns),
        int(found.patterns["is_chance"].sum()),
        found.random_pattern_count_mean,
        ("patterns", "the same events in random order"),
        ("个模式", "随机排序的相同事件"),
    )


def _outcome(
    customers: int, told: int, chance: int, random_mean: float, words_en: tuple[str, str], words_zh: tuple[str, str]
) -> MiningOutcome:
    return MiningOutcome(
        "found" if told > chance else "nothing_found",
        f"{told:,} {words_en[0]} among {customers:,} customers, {chance:,} of them no rarer in random data; "
        f"{words_en[1]} gives {random_mean:,.1f} on average",
        f"{customers:,} 位客户中有 {told:,} {words_zh[0]}，其中 {chance:,} 在随机数据中同样出现；"
        f"{words_zh[1]}平均给出 {random_mean:,.1f}",
        customers,
        told,
        chance,
        random_mean,
    )
