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

purchases as (
    select *
    from {{ ref('fct_transactions') }}
    where
        business_date >= {{ rebuild_from }}
        and customer_key <> {{ unknown_key() }}
        and transaction_type = 'purchase'
        and merchant_category_code is not null
),

categories as (
    select
        customer_key,
        last_day(business_date) as month_end_date,
        merchant_category_code,
        count(*) as purchase_count,
        sum(amount) as purchase_amount
    from purchases
    group by customer_key, last_day(business_date), merchant_category_code
),

final as (
    select
        categories.customer_key,
        months.month_end_date,
        months.as_of_date,
        months.month_index,
        categories.merchant_category_code,
        categories.purchase_count,
        cast(categories.purchase_amount as decimal(18, 2)) as purchase_amount
    from categories
    inner join months on categories.month_end_date = months.month_end_date
)

select * from final
