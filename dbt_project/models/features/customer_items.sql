{{
    config(
        materialized='incremental',
        incremental_strategy='replace_window',
        on_schema_change='fail',
        meta={'window_column': 'month_end_date'},
    )
}}

{%- set rebuild_from = rebuild_from() %}
{%- set read_from = months_after(rebuild_from, -2) %}

with months as (
    select *
    from {{ ref('int_months') }}
    where month_start_date >= {{ rebuild_from }}
),

category_months as (
    select *
    from {{ ref('int_customer_category_months') }}
    where month_end_date >= {{ read_from }}
),

product_months as (
    select *
    from {{ ref('int_customer_product_months') }}
    where month_end_date >= {{ rebuild_from }}
),

merchant_categories as (
    select * from {{ ref('merchant_categories') }}
),

products as (
    select * from {{ ref('dim_product') }}
),

categories_used as (
    select distinct
        category_months.customer_key,
        months.month_end_date,
        months.as_of_date,
        category_months.merchant_category_code
    from months
    inner join category_months
        on category_months.month_index between months.month_index - 2 and months.month_index
),

final as (
    select
        categories_used.customer_key,
        categories_used.month_end_date,
        categories_used.as_of_date,
        'mcc:' || categories_used.merchant_category_code as item_code,
        'merchant_category' as item_kind,
        coalesce(
            merchant_categories.name_en, 'Merchant category ' || categories_used.merchant_category_code
        ) as item_name_en,
        coalesce(
            merchant_categories.name_zh, '商户类别 ' || categories_used.merchant_category_code
        ) as item_name_zh
    from categories_used
    left join merchant_categories
        on categories_used.merchant_category_code = merchant_categories.merchant_category_code
    union all
    select
        product_months.customer_key,
        product_months.month_end_date,
        product_months.as_of_date,
        'product:' || product_months.product_code as item_code,
        'product' as item_kind,
        coalesce(products.name_en, product_months.product_code) as item_name_en,
        coalesce(products.name_zh, product_months.product_code) as item_name_zh
    from product_months
    left join products on product_months.product_code = products.product_code
)

select * from final
