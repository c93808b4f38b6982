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

interactions as (
    select *
    from {{ ref('fct_interactions') }}
    where business_date >= {{ rebuild_from }} and customer_key <> {{ unknown_key() }}
),

contacts as (
    select
        customer_key,
        last_day(business_date) as month_end_date,
        count(*) as interaction_count,
        sum(case when purpose_code = 'complaint' then 1 else 0 end) as complaint_count,
        sum(case when channel_code = 'call_centre' then 1 else 0 end) as call_count,
        -- an offer is the bank's own doing
        sum(case when purpose_code <> 'offer' then 1 else 0 end) as own_interaction_count,
        {% for channel in ['call_centre', 'web', 'mobile', 'wechat'] -%}
        sum(case when purpose_code <> 'offer' and channel_code = '{{ channel }}' then 1 else 0 end)
            as own_{{ channel }}_count,
        {% endfor -%}
        count(satisfaction_score) as satisfaction_count,
        sum(satisfaction_score) as satisfaction_sum
    from interactions
    group by customer_key, last_day(business_date)
),

final as (
    select
        contacts.customer_key,
        months.month_end_date,
        months.as_of_date,
        months.month_index,
        contacts.interaction_count,
        cast(contacts.complaint_count as bigint) as complaint_count,
        cast(contacts.call_count as bigint) as call_count,
        cast(contacts.own_interaction_count as bigint) as own_interaction_count,
        {% for channel in ['call_centre', 'web', 'mobile', 'wechat'] -%}
        cast(contacts.own_{{ channel }}_count as bigint) as own_{{ channel }}_count,
        {% endfor -%}
        contacts.satisfaction_count,
        cast(coalesce(contacts.satisfaction_sum, 0) as bigint) as satisfaction_sum
    from contacts
    inner join months on contacts.month_end_date = months.month_end_date
)

select * from final
