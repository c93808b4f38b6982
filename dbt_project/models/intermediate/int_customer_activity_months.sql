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

transactions as (
    select
        *,
        -- What the customer set going, standing orders included: money that he sends, spends, draws or pays in. What
        -- the bank books by itself, what others send him and the repayment of debts go on when a customer has long
        -- turned elsewhere. The credit side of a transfer between two own accounts would count it twice.
        transaction_type = 'deposit'
        or (
            direction = 'debit'
            and transaction_type not in ('interest', 'penalty_interest', 'fee')
            and coalesce(purpose_code, 'none') not in ('loan_instalment', 'card_payment')
        ) as is_own,
        -- money that is sent away: savings put aside at this bank and the repayment of debts to it stay
        transaction_type = 'transfer_out'
        and coalesce(purpose_code, 'none') not in ('loan_instalment', 'card_payment')
        and not (coalesce(purpose_code, 'none') = 'savings' and counterparty_bank_code is null) as is_sent_away
    from {{ ref('fct_transactions') }}
    where business_date >= {{ rebuild_from }} and customer_key <> {{ unknown_key() }}
),

activity as (
    select
        customer_key,
        last_day(business_date) as month_end_date,
        count(*) as transaction_count,
        count(distinct business_date) as active_days,
        max(business_date) as last_transaction_date,
        sum(case when is_own then 1 else 0 end) as own_transaction_count,
        max(case when is_own then business_date end) as last_own_transaction_date,
        -- postings on card accounts are debt, not money that comes in or goes out
        sum(case when channel_code <> 'card' and direction = 'credit' then amount else 0 end) as inflow_amount,
        sum(case when channel_code <> 'card' and direction = 'debit' then amount else 0 end) as outflow_amount,
        sum(
            case when direction = 'credit' and purpose_code in ('salary', 'pension') then amount else 0 end
        ) as salary_inflow_amount,
        sum(case when is_cash and direction = 'debit' then amount else 0 end) as cash_outflow_amount,
        sum(
            case when transaction_type = 'purchase' then amount when transaction_type = 'refund' then -amount else 0 end
        ) as purchase_amount,
        sum(case when is_sent_away then amount else 0 end) as transfers_out_amount,
        sum(case when transaction_type = 'purchase' then 1 else 0 end) as purchase_count,
        {% for channel in ['counter', 'card', 'pos', 'atm'] -%}
        sum(case when is_own and channel_code = '{{ channel }}' then 1 else 0 end) as own_{{ channel }}_count,
        {% endfor -%}
        sum(case when channel_code = 'counter' then 1 else 0 end) as counter_count,
        sum(case when channel_code = 'card' then 1 else 0 end) as card_count,
        sum(case when channel_code = 'pos' then 1 else 0 end) as pos_count,
        sum(case when channel_code = 'atm' then 1 else 0 end) as atm_count,
        sum(case when purpose_code = 'statement_fee' then 1 else 0 end) as statement_fees_count,
        sum(case when transaction_type = 'penalty_interest' then 1 else 0 end) as penalties_count,
        sum(case when transaction_type = 'fee' then 1 else 0 end) as fees_count,
        sum(case when transaction_type = 'cash_advance' then 1 else 0 end) as cash_advances_count,
        sum(case when transaction_type = 'cash_advance' then amount else 0 end) as cash_advance_amount
    from transactions
    group by customer_key, last_day(business_date)
),

final as (
    select
        activity.customer_key,
        months.month_end_date,
        months.as_of_date,
        months.month_index,
        activity.transaction_count,
        cast(activity.active_days as integer) as active_days,
        activity.last_transaction_date,
        cast(activity.own_transaction_count as bigint) as own_transaction_count,
        activity.last_own_transaction_date,
        cast(activity.inflow_amount as decimal(18, 2)) as inflow_amount,
        cast(activity.outflow_amount as decimal(18, 2)) as outflow_amount,
        cast(activity.salary_inflow_amount as decimal(18, 2)) as salary_inflow_amount,
        cast(activity.cash_outflow_amount as decimal(18, 2)) as cash_outflow_amount,
        cast(activity.purchase_amount as decimal(18, 2)) as purchase_amount,
        cast(activity.cash_advance_amount as decimal(18, 2)) as cash_advance_amount,
        cast(activity.transfers_out_amount as decimal(18, 2)) as transfers_out_amount,
        cast(activity.purchase_count as bigint) as purchase_count,
        {% for channel in ['counter', 'card', 'pos', 'atm'] -%}
        cast(activity.own_{{ channel }}_count as bigint) as own_{{ channel }}_count,
        {% endfor -%}
        cast(activity.counter_count as bigint) as counter_count,
        cast(activity.card_count as bigint) as card_count,
        cast(activity.pos_count as bigint) as pos_count,
        cast(activity.atm_count as bigint) as atm_count,
        cast(activity.statement_fees_count as bigint) as statement_fees_count,
        cast(activity.penalties_count as bigint) as penalties_count,
        cast(activity.fees_count as bigint) as fees_count,
        cast(activity.cash_advances_count as bigint) as cash_advances_count
    from activity
    inner join months on activity.month_end_date = months.month_end_date
)

select * from final
