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

account_months as (
    select *
    from {{ ref('fct_account_months') }}
    where month_end_date >= {{ rebuild_from }}
),

loan_months as (
    select *
    from {{ ref('fct_loan_months') }}
    where month_end_date >= {{ rebuild_from }}
),

card_versions as (
    select * from {{ ref('int_card_versions') }}
),

known_customers as (
    select * from {{ ref('int_known_customers') }}
),

cards as (
    select
        known_customers.customer_key,
        months.month_end_date,
        card_versions.product_code
    from months
    inner join card_versions
        on
            months.as_of_date >= card_versions.valid_from
            and months.as_of_date < card_versions.valid_to
    inner join known_customers
        on
            card_versions.customer_id = known_customers.customer_id
            and months.as_of_date >= known_customers.known_from
    where
        card_versions.status_code <> 'closed'
        and card_versions.issued_date <= months.as_of_date
        and (card_versions.expiry_date is null or card_versions.expiry_date >= months.as_of_date)
),

held as (
    select
        customer_key,
        month_end_date,
        product_code
    from account_months
    where status_code <> 'closed'
    union
    select
        customer_key,
        month_end_date,
        product_code
    from loan_months
    where status_code in ('running', 'running_in_debt')
    union
    select
        customer_key,
        month_end_date,
        product_code
    from cards
),

final as (
    select
        held.customer_key,
        months.month_end_date,
        months.as_of_date,
        held.product_code
    from held
    inner join months on held.month_end_date = months.month_end_date
    where held.customer_key <> {{ unknown_key() }}
)

select * from final
