"""The planted ties between companies are in the files as planted."""

import numpy as np
import pytest
from dropped_bank import DroppedBank

from pipeline.simulator.ownership import STRUCTURES
from pipeline.simulator.parties import resident_id_check


@pytest.mark.parametrize(
    ("kind", "shares"),
    [
        ("chain", {"0.600000", "0.700000", "0.800000"}),
        ("joint_control", {"0.500000"}),
        ("just_below_half", {"0.499900", "0.500100"}),
        ("just_above_half", {"0.500100"}),
        ("cycle", {"0.510000", "0.600000", "0.250000"}),
    ],
)
def test_structures_have_their_shares(kind: str, shares: set[str], larger_bank: DroppedBank) -> None:
    """Guards the cases around one half, chains and cycles: holdings in a structure's companies are as planted."""
    found = larger_bank.rows(
        f"""
        select distinct share_ratio::varchar from shareholdings
        inner join truth_ownership_structures as held using (company_id)
        where structure_kind = '{kind}'
        """
    )
    assert {share for (share,) in found} <= shares
    assert found
    assert set(STRUCTURES) == {
        name for (name,) in larger_bank.rows("select distinct structure_kind from truth_ownership_structures")
    }


def test_cycles_close(larger_bank: DroppedBank) -> None:
    """Guards that a company can own itself through others: each planted cycle comes back to its first member."""
    closed = larger_bank.value(
        """
        with edges as (select distinct holder_id, company_id from shareholdings where holder_type = 'company')
        select count(*) from edges as a
        inner join edges as b on b.holder_id = a.company_id
        inner join edges as c on c.holder_id = b.company_id and c.company_id = a.holder_id
        """
    )
    assert closed >= 3


def test_nobody_holds_more_than_all_of_a_company(larger_bank: DroppedBank) -> None:
    """Guards plausible capital: at any month end, the known holdings of a company add up to at most one."""
    too_much = larger_bank.rows(
        """
        select company_id, position_date, sum(share_ratio) from shareholdings where valid_to is null
        group by all having sum(share_ratio) > 1
        """
    )
    assert too_much == []


def test_ends_are_reported_when_they_have_come(larger_bank: DroppedBank) -> None:
    """Guards point in time: a snapshot shows no start and no end of a holding or seat after its own date."""
    for feed in ("shareholdings", "board_seats"):
        late = f"select count(*) from {feed} where valid_from > position_date or valid_to > position_date"
        assert larger_bank.value(late) == 0


def test_guarantees_are_mutual_and_one_to_many(larger_bank: DroppedBank) -> None:
    """Guards the patterns: pairs that guarantee each other, a guarantor of several, and expired ones."""
    mutual, hubs, expired = larger_bank.rows(
        """
        with latest as (select * from guarantees where position_date = '2025-05-31')
        select
            (select count(*) from latest as a inner join latest as b
                on a.guarantor_customer_id = b.obligor_customer_id and a.obligor_customer_id = b.guarantor_customer_id),
            (select count(*) from (select 1 from latest group by guarantor_customer_id having count(*) > 2)),
            (select count(*) from latest where valid_to < position_date)
        """
    )[0]
    assert min(mutual, hubs, expired) > 0
    assert larger_bank.value("select count(*) from guarantees where guarantor_customer_id = obligor_customer_id") == 0


def test_some_sellers_depend_on_one_buyer(larger_bank: DroppedBank) -> None:
    """Guards economic dependence: sellers with a planted share of 30 percent sell that much to the buyer."""
    planted, found = larger_bank.rows(
        """
        with pairs as (
            select seller_id, buyer_id, sum(total_amount) as amount
            from invoices where status_code = 'valid' and total_amount > 0 group by all
        ),
        sales as (select *, amount / sum(amount) over (partition by seller_id) as share from pairs)
        select count(*), avg(coalesce(sales.share, 0))
        from truth_trade_shares as planted left join sales using (seller_id, buyer_id) where planted.share >= 0.32
        """
    )[0]
    assert planted > 20
    assert found > 0.3
    assert larger_bank.value("select count(*) from invoices where status_code = 'void'") > 0
    assert larger_bank.value("select count(*) from invoices where total_amount < 0") > 0


def test_kin_is_told_from_both_sides(larger_bank: DroppedBank) -> None:
    """Guards kinship: every relation has its inverse, and parents are older."""
    one_sided = larger_bank.value(
        """
        with inverse(relation_code, back) as (
            values ('spouse', 'spouse'), ('parent', 'child'), ('child', 'parent'), ('sibling', 'sibling')
        )
        select count(*) from kinships as a inner join inverse using (relation_code) where not exists (
            select 1 from kinships as b where b.position_date = a.position_date and b.person_id = a.relative_id
                and b.relative_id = a.person_id and b.relation_code = inverse.back
        )
        """
    )
    assert one_sided == 0
    young_parents = larger_bank.value(
        """
        with births as (select customer_id, any_value(birth_date) as birth_date from customers group by 1)
        select count(*) from kinships
        inner join births as person on person.customer_id = person_id
        inner join births as relative on relative.customer_id = relative_id
        where relation_code = 'parent' and relative.birth_date > person.birth_date
        """
    )
    assert young_parents == 0


def test_resident_id_check_digit() -> None:
    """Guards the check digit against the example printed in the standard, 11010519491231002X, and a hand-worked one."""
    bodies = np.array([11010519491231002, 44052418800101001])
    assert resident_id_check(bodies).tolist() == ["X", "4"]
