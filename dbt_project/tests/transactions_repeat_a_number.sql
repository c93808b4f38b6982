{{ config(tags=['whole_history']) }}

-- A channel numbers its transactions once and for all: no transaction of the run's dates has the key of one on another
-- date. The only test that looks at all dates: 45 ms per million rows of history, measured on 12 million.
with window_transactions as (
    select
        transaction_key,
        business_date
    from {{ ref('fct_transactions') }}
    where business_date between {{ window_start() }} and {{ window_end() }}
),

all_transactions as (
    select
        transaction_key,
        business_date
    from {{ ref('fct_transactions') }}
),

final as (
    select
        window_transactions.transaction_key,
        window_transactions.business_date,
        all_transactions.business_date as other_business_date
    from window_transactions
    inner join all_transactions on window_transactions.transaction_key = all_transactions.transaction_key
    where window_transactions.business_date <> all_transactions.business_date
)

select * from final
