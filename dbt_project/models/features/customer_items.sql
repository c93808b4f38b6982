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

activity_months as (
    select *
    from {{ ref('int_customer_activity_months') }}
    where month_end_date >= {{ read_from }}
),

contact_months as (
    select *
    from {{ ref('int_customer_contact_months') }}
    where month_end_date >= {{ read_from }}
),

life_events as (
    select
        *,
        {{ month_index('month_end_date') }} as month_index
    from {{ ref('customer_events') }}
    where month_end_date >= {{ read_from }} and event_kind = 'life'
),

merchant_categories as (
    select * from {{ ref('merchant_categories') }}
),

products as (
    select * from {{ ref('dim_product') }}
),

channels as (
    select * from {{ ref('dim_channel') }}
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

-- a channel counts as used where the customer came through it, not where the bank posted or called
channel_months as (
    {% for channel in ['counter', 'card', 'pos', 'atm'] -%}
    select
        customer_key,
        month_index,
        '{{ channel }}' as channel_code
    from activity_months
    where own_{{ channel }}_count > 0
    union all
    {% endfor -%}
    {% for channel in ['call_centre', 'web', 'mobile', 'wechat'] -%}
    select
        customer_key,
        month_index,
        '{{ channel }}' as channel_code
    from contact_months
    where own_{{ channel }}_count > 0
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor -%}
),

channels_used as (
    select distinct
        channel_months.customer_key,
        months.month_end_date,
        months.as_of_date,
        channel_months.channel_code
    from months
    inner join channel_months
        on channel_months.month_index between months.month_index - 2 and months.month_index
),

events_seen as (
    select distinct
        life_events.customer_key,
        months.month_end_date,
        months.as_of_date,
        life_events.event_code,
        life_events.event_name_en,
        life_events.event_name_zh
    from months
    inner join life_events
        on life_events.month_index between months.month_index - 2 and months.month_index
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
    union all
    select
        channels_used.customer_key,
        channels_used.month_end_date,
        channels_used.as_of_date,
        'channel:' || channels_used.channel_code as item_code,
        'channel' as item_kind,
        coalesce(channels.name_en, channels_used.channel_code) as item_name_en,
        coalesce(channels.name_zh, channels_used.channel_code) as item_name_zh
    from channels_used
    left join channels on channels_used.channel_code = channels.channel_code
    union all
    select
        events_seen.customer_key,
        events_seen.month_end_date,
        events_seen.as_of_date,
        events_seen.event_code as item_code,
        'event' as item_kind,
        events_seen.event_name_en as item_name_en,
        events_seen.event_name_zh as item_name_zh
    from events_seen
)

select * from final
