{{
    config(
        materialized='incremental',
        incremental_strategy='replace_window',
        on_schema_change='fail',
        meta={'window_column': 'month_end_date'},
    )
}}

{%- set rebuild_from = rebuild_from() %}

with months as (
    select *
    from {{ ref('int_months') }}
    where month_start_date >= {{ rebuild_from }}
),

account_versions as (
    select * from {{ ref('int_account_versions') }}
),

account_owners as (
    select * from {{ ref('int_account_owners') }}
),

transactions as (
    select *
    from {{ ref('fct_transactions') }}
    where business_date >= {{ rebuild_from }} and account_key <> {{ unknown_key() }}
),

accounts as (
    select
        months.month_end_date,
        months.month_start_date,
        months.as_of_date,
        months.first_loaded_date,
        account_versions.account_key,
        account_versions.account_id,
        account_versions.product_code,
        account_versions.currency_code,
        account_versions.status_code,
        account_versions.overdraft_limit_amount,
        account_versions.opened_date,
        account_versions.closed_date
    from months
    inner join account_versions
        on
            months.as_of_date >= account_versions.valid_from
            and months.as_of_date < account_versions.valid_to
    where
        account_versions.opened_date <= months.as_of_date
        and (account_versions.closed_date is null or account_versions.closed_date >= months.month_start_date)
),

timeless_postings as (
    select *
    from transactions
    where booked_at is null and balance_after is not null
),

-- where the source keeps no time, the balances tell the order: a posting that another one starts from was not the last
followed_postings as (
    select distinct timeless_postings.transaction_key
    from timeless_postings
    inner join timeless_postings as followers
        on
            timeless_postings.account_key = followers.account_key
            and timeless_postings.business_date = followers.business_date
            and timeless_postings.transaction_key <> followers.transaction_key
            and abs(followers.balance_after - followers.signed_amount - timeless_postings.balance_after)
            <= {{ var('balance_rounding') }}
),

postings as (
    select
        transactions.*,
        row_number() over (
            partition by transactions.account_key, transactions.business_date
            order by
                case when transactions.balance_after is null then 1 else 0 end,
                transactions.booked_at desc,
                case when followed_postings.transaction_key is null then 0 else 1 end,
                transactions.transaction_id desc
        ) as closing_number
    from transactions
    left join followed_postings on transactions.transaction_key = followed_postings.transaction_key
),

-- one row per account and day with postings
account_days as (
    select
        account_key,
        business_date,
        max(case when closing_number = 1 then balance_after end) as closing_balance,
        sum(signed_amount) as net_amount,
        sum(case when direction = 'credit' then amount else 0 end) as inflow_amount,
        sum(case when direction = 'debit' then amount else 0 end) as outflow_amount,
        count(*) as transaction_count
    from postings
    group by account_key, business_date
),

{% if is_incremental() -%}
previous_month as (
    select
        account_key,
        end_balance_amount
    from {{ this }}
    where month_end_date = {{ days_after(rebuild_from, -1) }}
),

-- accounts that were not followed in the month before: closed, and opened again
returning_accounts as (
    select distinct accounts.account_key
    from accounts
    left join previous_month on accounts.account_key = previous_month.account_key
    where previous_month.account_key is null and accounts.opened_date < {{ rebuild_from }}
),

earlier_months as (
    select
        stored_months.account_key,
        stored_months.end_balance_amount,
        row_number() over (
            partition by stored_months.account_key order by stored_months.month_end_date desc
        ) as month_number
    from {{ this }} as stored_months
    inner join returning_accounts on stored_months.account_key = returning_accounts.account_key
    where stored_months.month_end_date < {{ rebuild_from }} and stored_months.end_balance_amount is not null
),

carried_balances as (
    select
        account_key,
        {{ rebuild_from }} as point_date,
        end_balance_amount as balance
    from previous_month
    where end_balance_amount is not null
    union all
    select
        account_key,
        {{ rebuild_from }} as point_date,
        end_balance_amount as balance
    from earlier_months
    where month_number = 1
),
{%- else -%}
carried_balances as (
    select
        account_key,
        business_date as point_date,
        closing_balance as balance
    from account_days
    where false
),
{%- endif %}

-- an account opened since the warehouse began starts at nothing
new_account_balances as (
    select
        accounts.account_key,
        min(accounts.opened_date) as point_date,
        cast(0 as decimal(18, 2)) as balance
    from accounts
    left join carried_balances on accounts.account_key = carried_balances.account_key
    where accounts.opened_date >= accounts.first_loaded_date and carried_balances.account_key is null
    group by accounts.account_key
),

first_days as (
    select
        account_key,
        min(business_date) as first_posting_date
    from account_days
    where closing_balance is not null
    group by account_key
),

-- of an older account nothing is known before its first posting, which tells the balance before it as well
derived_balances as (
    select
        account_days.account_key,
        {{ month_start('account_days.business_date') }} as point_date,
        account_days.closing_balance - account_days.net_amount as balance
    from account_days
    inner join first_days
        on
            account_days.account_key = first_days.account_key
            and account_days.business_date = first_days.first_posting_date
    left join carried_balances on account_days.account_key = carried_balances.account_key
    left join new_account_balances on account_days.account_key = new_account_balances.account_key
    where carried_balances.account_key is null and new_account_balances.account_key is null
),

points as (
    select
        account_key,
        point_date,
        balance,
        1 as point_order
    from carried_balances
    union all
    select
        account_key,
        point_date,
        balance,
        1 as point_order
    from new_account_balances
    union all
    select
        account_key,
        point_date,
        balance,
        1 as point_order
    from derived_balances
    union all
    select
        account_key,
        business_date as point_date,
        closing_balance as balance,
        2 as point_order
    from account_days
    where closing_balance is not null
),

-- a balance stays until the next one is told
balance_spans as (
    select
        account_key,
        balance,
        point_date as valid_from,
        coalesce(
            lead(point_date) over (partition by account_key order by point_date, point_order), date '9999-12-31'
        ) as valid_to
    from points
),

month_spans as (
    select
        months.month_end_date,
        months.as_of_date,
        balance_spans.account_key,
        balance_spans.balance,
        balance_spans.valid_from,
        balance_spans.valid_to,
        {{ days_between(
            'greatest(balance_spans.valid_from, months.month_start_date, months.first_loaded_date)',
            'least(balance_spans.valid_to, ' ~ days_after('months.as_of_date', 1) ~ ')'
        ) }} as days_count
    from balance_spans
    inner join months
        on
            balance_spans.valid_from <= months.as_of_date
            and balance_spans.valid_to > months.month_start_date
            and balance_spans.valid_to > months.first_loaded_date
    where balance_spans.valid_to > balance_spans.valid_from
),

month_balances as (
    select
        month_end_date,
        account_key,
        max(case when valid_to > as_of_date then balance end) as end_balance_amount,
        min(balance) as minimum_balance_amount,
        sum(balance * days_count) / sum(days_count) as average_balance_amount,
        sum(days_count) as observed_days
    from month_spans
    group by month_end_date, account_key
),

month_flows as (
    select
        last_day(business_date) as month_end_date,
        account_key,
        sum(inflow_amount) as inflow_amount,
        sum(outflow_amount) as outflow_amount,
        sum(transaction_count) as transaction_count,
        count(*) as active_days,
        max(business_date) as last_transaction_date
    from account_days
    group by last_day(business_date), account_key
),

final as (
    select
        accounts.account_key,
        accounts.month_end_date,
        accounts.as_of_date,
        accounts.account_id,
        account_owners.customer_key,
        accounts.product_code,
        accounts.currency_code,
        accounts.status_code,
        accounts.overdraft_limit_amount,
        cast(month_balances.end_balance_amount as decimal(18, 2)) as end_balance_amount,
        cast(month_balances.average_balance_amount as decimal(18, 2)) as average_balance_amount,
        cast(month_balances.minimum_balance_amount as decimal(18, 2)) as minimum_balance_amount,
        cast(coalesce(month_flows.inflow_amount, 0) as decimal(18, 2)) as inflow_amount,
        cast(coalesce(month_flows.outflow_amount, 0) as decimal(18, 2)) as outflow_amount,
        cast(coalesce(month_flows.transaction_count, 0) as bigint) as transaction_count,
        cast(coalesce(month_flows.active_days, 0) as integer) as active_days,
        cast(coalesce(month_balances.observed_days, 0) as integer) as observed_days,
        month_flows.last_transaction_date
    from accounts
    inner join account_owners
        on
            accounts.account_key = account_owners.account_key
            and accounts.as_of_date >= account_owners.valid_from
            and accounts.as_of_date < account_owners.valid_to
    left join month_balances
        on accounts.account_key = month_balances.account_key and accounts.month_end_date = month_balances.month_end_date
    left join month_flows
        on accounts.account_key = month_flows.account_key and accounts.month_end_date = month_flows.month_end_date
)

select * from final
