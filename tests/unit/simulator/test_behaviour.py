"""What is planted can be found again in the files, and what shall come first comes first."""

import pytest
from dropped_bank import DroppedBank

PURCHASES = """
    select customer_id, merchant_category_code as category, transaction_date
    from transactions inner join owners using (account_id) where transaction_type = 'purchase'
"""


def test_bundled_categories_are_bought_together(larger_bank: DroppedBank) -> None:
    """Guards the planted associations: within three months, every pair of a bundle has lift above 1.5."""
    pairs = larger_bank.rows(
        f"""
        with items as (select distinct customer_id, category from ({PURCHASES}) where transaction_date < '2025-04-01'),
        buyers as (select count(distinct customer_id) as n from items),
        single as (select category, count(*) as n from items group by 1),
        bundled as (
            select one.merchant_category_code as one, other.merchant_category_code as other
            from truth_category_bundles as one inner join truth_category_bundles as other
                on one.trait = other.trait and one.merchant_category_code < other.merchant_category_code
        ),
        together as (
            select one, other, count(*) as n from bundled
            inner join items as a on a.category = one
            inner join items as b on b.category = other and b.customer_id = a.customer_id group by all
        )
        select one, other, together.n * buyers.n / (a.n * b.n) as lift
        from together inner join single as a on a.category = one inner join single as b on b.category = other, buyers
        """
    )
    assert len(pairs) == 18
    assert [pair for pair in pairs if pair[2] <= 1.5] == []


def test_categories_of_different_bundles_are_not(larger_bank: DroppedBank) -> None:
    """Guards the contrast: pets and games have no common bundle, and their lift is near one."""
    lift = larger_bank.value(
        f"""
        with flags as (
            select customer_id, max(category = '5995') as one, max(category = '5941') as other
            from ({PURCHASES}) group by 1
        )
        select avg(cast(one and other as integer)) / avg(cast(one as integer)) / avg(cast(other as integer)) from flags
        """
    )
    assert 0.6 < lift < 1.4


def test_segments_differ_in_money_and_channels(larger_bank: DroppedBank) -> None:
    """Guards the planted segments: income of the affluent far above students', cash more used by the retired."""
    figures = {
        segment: (income, cash)
        for segment, income, cash in larger_bank.rows(
            """
            select segment, avg(annual_income_amount),
                count(*) filter (feed = 'atm_transactions')
                    / count(*) filter (feed in ('pos_transactions', 'atm_transactions'))
            from transactions inner join owners using (account_id)
            inner join truth_customers using (customer_id)
            inner join (
                select customer_id, any_value(annual_income_amount) as annual_income_amount from customers group by 1
            ) using (customer_id)
            group by 1
            """
        )
    }
    assert len(figures) == 7
    assert figures["affluent"][0] > 10 * figures["student"][0]
    assert figures["retired"][1] > 1.5 * figures["young_professional"][1]


def test_salaries_and_pensions_come_on_the_same_day_each_month(larger_bank: DroppedBank) -> None:
    """Guards the monthly cycle: one salary or pension per account and month, always on the account's own day."""
    cycles = larger_bank.rows(
        """
        select count(*), count(distinct day(transaction_date)) from transactions
        where purpose_code in ('salary', 'pension') and direction = 'credit' group by account_id
        """
    )
    assert max(times for times, _ in cycles) == 5
    assert {days for _, days in cycles} == {1}


def test_instalments_are_paid_on_or_after_the_due_date(larger_bank: DroppedBank) -> None:
    """Guards the order of due and paid: up to any event, payments never exceed what fell due."""
    early = larger_bank.value(
        """
        with running as (
            select event_date, sum(
                case event_type when 'instalment_due' then amount when 'payment' then -amount else 0 end
            ) over (partition by loan_id order by event_date, repayment_id) as unpaid
            from loan_repayments
        )
        select count(*) from running where unpaid < 0
        """
    )
    assert early == 0


def test_some_borrowers_fall_behind_and_some_recover(larger_bank: DroppedBank) -> None:
    """Guards the share of arrears: within five months 1 to 5 percent of borrowers reach 30 days, and some are cured."""
    share = larger_bank.value(
        """
        with dues as (
            select loan_id, event_date, sum(amount) over (partition by loan_id order by event_date) as due_so_far
            from loan_repayments where event_type = 'instalment_due'
        ),
        late as (
            select distinct loan_id from dues
            where event_date <= date '2025-05-31' - 30 and due_so_far > (
                select coalesce(sum(amount), 0) from loan_repayments as paid
                where paid.loan_id = dues.loan_id and event_type = 'payment' and paid.event_date <= dues.event_date + 30
            )
        )
        select count(late.loan_id) / count(*) from (select distinct loan_id from dues) left join late using (loan_id)
        """
    )
    assert 0.01 < share < 0.05
    cured = larger_bank.value(
        """
        select count(*) from truth_arrears_episodes
        where is_cured and missed_months > 0 and first_month + strain_months < 3
        """
    )
    assert cured > 0


@pytest.fixture(scope="module")
def strained(larger_bank: DroppedBank) -> DroppedBank:
    """Return the bank with a table of months before customers miss their first instalment."""
    larger_bank.database.execute(
        """
        create table strained as
        select customer_id, first_month + strain_months - 1 as month_index from truth_arrears_episodes
        where missed_months > 0 and strain_months > 0 and first_month + strain_months between 1 and 5
        """
    )
    return larger_bank


def monthly_means(bank: DroppedBank, events: str) -> tuple[float, float]:
    """Return events per month of strained customers in the month before they miss, and of all others."""
    strained_mean, other_mean = bank.rows(
        f"""
        with events as ({events}),
        months as (
            select customer_id, unnest(range(5)) as month_index from truth_customers
            where since_date < '2025-01-01'
        ),
        counted as (
            select months.customer_id, months.month_index, count(events.customer_id) as n,
                strained.customer_id is not null as is_strained
            from months
            left join events
                on events.customer_id = months.customer_id and month(event_date) - 1 = months.month_index
            left join strained
                on strained.customer_id = months.customer_id and strained.month_index = months.month_index
            group by all
        )
        select avg(n) filter (is_strained), avg(n) filter (not is_strained) from counted
        """
    )[0]
    return strained_mean, other_mean


def test_trouble_shows_before_the_first_missed_instalment(strained: DroppedBank) -> None:
    """Guards the precursors: complaints, calls and withdrawals at machines rise in the month before."""
    assert strained.value("select count(*) from strained") > 10
    complaints = "select customer_id, interaction_date as event_date from interactions where purpose_code = 'complaint'"
    before, otherwise = monthly_means(strained, complaints)
    assert before > 5 * otherwise
    calls = "select customer_id, interaction_date as event_date from interactions where channel_code = 'call_centre'"
    before, otherwise = monthly_means(strained, calls)
    assert before > 2 * otherwise
    cash = """
        select customer_id, transaction_date as event_date from atm_transactions inner join owners using (account_id)
        where transaction_type = 'withdrawal'
    """
    before, otherwise = monthly_means(strained, cash)
    assert before > 1.4 * otherwise


def test_income_falls_before_the_first_missed_instalment(strained: DroppedBank) -> None:
    """Guards the cause: salaries and sales in the month before are well below the person's declared income."""
    ratio = strained.value(
        """
        with incomes as (
            select customer_id, month(transaction_date) - 1 as month_index, sum(amount) as income
            from counter_transactions inner join owners using (account_id)
            where purpose_code in ('salary', 'pension', 'sales') group by all
        ),
        declared as (select customer_id, any_value(annual_income_amount) / 12 as income from customers group by 1)
        select median(incomes.income / declared.income)
        from strained inner join incomes using (customer_id, month_index) inner join declared using (customer_id)
        """
    )
    assert ratio < 0.85


def test_nobody_is_told_the_future(strained: DroppedBank) -> None:
    """Guards point in time: a loan is marked as in debt only when an instalment is unpaid for three months by then."""
    marked = strained.rows(
        """
        with dues as (
            select loan_id, event_date, sum(amount) over (partition by loan_id order by event_date) as due_so_far
            from loan_repayments where event_type = 'instalment_due'
        )
        select loan_id, change_date - min(event_date) from loans inner join dues using (loan_id)
        where status_code = 'running_in_debt' and event_date <= change_date and due_so_far > (
            select coalesce(sum(amount), 0) from loan_repayments as paid
            where paid.loan_id = loans.loan_id and event_type = 'payment' and paid.event_date <= loans.change_date
        )
        group by loan_id, change_date
        """
    )
    assert len(marked) == strained.value("select count(*) from loans where status_code = 'running_in_debt'")
    assert min(days for _, days in marked) > 60
    assert (
        strained.value("select count(*) from loans where change_date = '2025-01-01' and status_code <> 'running'") == 0
    )


def test_contacts_of_a_campaign_work(larger_bank: DroppedBank) -> None:
    """Guards the planted uplift: control customers are never contacted, contacted ones respond more often."""
    contacted, controls, control_contacts = larger_bank.rows(
        """
        with latest as (select * from campaign_responses where position_date = '2025-05-31')
        select avg(cast(responded_date is not null as integer)) filter (not is_control),
            avg(cast(responded_date is not null as integer)) filter (is_control),
            count(contacted_date) filter (is_control)
        from latest
        """
    )[0]
    assert control_contacts == 0
    assert contacted > 1.5 * controls
    assert larger_bank.value("select avg(uplift) from truth_campaign_effects") > 0.02


def test_who_responds_holds_the_product(larger_bank: DroppedBank) -> None:
    """Guards that a response is a fact: the savings account or the card was opened on the day of the response."""
    missing = larger_bank.rows(
        """
        with latest as (
            select * from campaign_responses inner join
                (select distinct campaign_id, product_code from campaigns) using (campaign_id)
            where position_date = '2025-05-31' and responded_date is not null
        ),
        opened as (
            select customer_id, opened_date,
                if(product_code = 'credit_card_account', 'credit_card', product_code) as product_code
            from accounts
        )
        select latest.* from latest left join opened
            on opened.customer_id = latest.customer_id and opened.product_code = latest.product_code
                and opened.opened_date = latest.responded_date
        where opened.customer_id is null
        """
    )
    assert missing == []


def test_managers_hand_over_without_a_gap(larger_bank: DroppedBank) -> None:
    """Guards the books: who leaves has no open assignment left, and the successor starts the next day."""
    ended, orphaned, gaps = larger_bank.rows(
        """
        with latest as (select * from manager_assignments where position_date = '2025-05-01'),
        gone as (select manager_id from managers where position_date = '2025-05-01' and left_date < '2025-05-01')
        select
            count(*) filter (valid_to is not null),
            count(*) filter (valid_to is null and manager_id in (from gone)),
            count(*) filter (
                valid_to is not null and manager_id in (from gone) and not exists (
                    select 1 from latest as next
                    where next.customer_id = latest.customer_id and next.valid_from = latest.valid_to + 1
                ) and customer_id in (select customer_id from truth_customers where closed_date is null)
            )
        from latest
        """
    )[0]
    assert ended > 0
    assert (orphaned, gaps) == (0, 0)


def test_the_control_group_is_drawn_at_random(larger_bank: DroppedBank) -> None:
    """Guards the comparison: a quarter is control, alike the contacted in chances and segment, within 4 std. errors."""
    share, count, difference, spread = larger_bank.rows(
        """
        with latest as (select * from campaign_responses where position_date = '2025-05-31')
        select avg(cast(is_control as integer)), count(*),
            avg(base_probability) filter (is_control) - avg(base_probability) filter (not is_control),
            stddev(base_probability)
        from latest inner join truth_campaign_effects using (campaign_id, customer_id)
        """
    )[0]
    assert abs(share - 0.25) < 4 * (0.25 * 0.75 / count) ** 0.5
    assert abs(difference) < 4 * spread / (count * 0.25 * 0.75) ** 0.5
    shares = larger_bank.rows(
        """
        select avg(cast(is_control as integer)), count(*)
        from campaign_responses inner join truth_customers using (customer_id)
        where position_date = '2025-05-31' group by segment
        """
    )
    assert all(abs(share - 0.25) < 4 * (0.25 * 0.75 / count) ** 0.5 for share, count in shares)


def test_responses_come_with_the_true_probabilities(larger_bank: DroppedBank) -> None:
    """Guards campaign_effects: responses per group, and of the likely half, agree with it within 4 standard errors."""
    groups = larger_bank.rows(
        """
        with expected as (
            select *, base_probability + if(is_control, 0, uplift) as probability
            from campaign_responses inner join truth_campaign_effects using (campaign_id, customer_id)
            where position_date = '2025-05-31'
        ),
        halved as (select *, base_probability > median(base_probability) over () as is_likely from expected)
        select is_control, is_likely, sum(probability), sum(probability * (1 - probability)), count(responded_date)
        from halved group by all
        """
    )
    assert len(groups) == 4
    for _, _, expected, variance, found in groups:
        assert abs(found - expected) < 4 * variance**0.5
    assert larger_bank.value("select min(uplift) from truth_campaign_effects") < 0
    assert larger_bank.value("select min(base_probability + uplift) from truth_campaign_effects") >= 0


def test_likely_responders_can_be_seen_before(larger_bank: DroppedBank) -> None:
    """Guards what a model can learn: base probabilities rise with the purchases of the month before the campaign."""
    correlation = larger_bank.value(
        f"""
        with bought as (
            select customer_id, count(*) as n from ({PURCHASES})
            where transaction_date between '2025-02-01' and '2025-02-28' group by 1
        )
        select corr(ln(base_probability / segment_mean), ln(1 + coalesce(n, 0)))
        from (
            select *, avg(base_probability) over (partition by segment) as segment_mean
            from truth_campaign_effects inner join truth_customers using (customer_id) where base_probability > 0
        )
        left join bought using (customer_id)
        where campaign_id = 'CP0001'
        """
    )
    assert correlation > 0.3
