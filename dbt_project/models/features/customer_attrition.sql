{{
    config(
        materialized='incremental',
        incremental_strategy='replace_window',
        on_schema_change='fail',
        meta={'window_column': 'month_end_date', 'horizons': 'int_attrition_horizons'},
    )
}}

-- depends_on: {{ ref('int_months') }}, which rebuild_from reads
{%- set rebuild_from = rebuild_from() %}
{%- set last_own_date = days_after('customer_months.as_of_date', '-customer_months.days_since_last_own_transaction') %}

with horizons as (
    select *
    from {{ ref('int_attrition_horizons') }}
    where month_end_date >= {{ rebuild_from }}
),

customer_months as (
    select *
    from {{ ref('customer_months') }}
    where month_end_date >= {{ rebuild_from }}
),

activity_months as (
    select *
    from {{ ref('int_customer_activity_months') }}
    where month_end_date >= {{ rebuild_from }} and own_transaction_count > 0
),

closings as (
    select
        customer_key,
        valid_from as closed_date
    from {{ ref('dim_customer') }}
    where status_code = 'closed'
),

-- who could still be lost: somebody who did something of his own in the months to the month-end
active_persons as (
    select
        customer_months.customer_key,
        customer_months.month_end_date,
        customer_months.as_of_date,
        horizons.month_index,
        horizons.horizon_months,
        horizons.silent_months,
        horizons.horizon_end_date,
        horizons.observed_until_date,
        horizons.is_fully_observed,
        horizons.policy_version
    from customer_months
    inner join horizons on customer_months.month_end_date = horizons.month_end_date
    where
        customer_months.customer_type = 'person'
        and customer_months.status_code <> 'closed'
        and {{ month_index('customer_months.as_of_date') }} - horizons.active_months
        < {{ month_index(last_own_date) }}
),

closed_relations as (
    select
        active_persons.customer_key,
        active_persons.month_end_date,
        min(closings.closed_date) as closed_date
    from active_persons
    inner join closings
        on
            active_persons.customer_key = closings.customer_key
            and active_persons.as_of_date < closings.closed_date
            and active_persons.horizon_end_date >= closings.closed_date
    where active_persons.is_fully_observed
    group by active_persons.customer_key, active_persons.month_end_date
),

-- whoever comes back in the last months of the horizon was only away
still_active as (
    select distinct
        horizons.month_end_date,
        activity_months.customer_key
    from horizons
    inner join activity_months
        on
            activity_months.month_index
            between horizons.month_index + horizons.horizon_months - horizons.silent_months + 1
            and horizons.month_index + horizons.horizon_months
    where horizons.is_fully_observed
),

final as (
    select
        active_persons.customer_key,
        active_persons.month_end_date,
        active_persons.as_of_date,
        cast(active_persons.horizon_months as integer) as horizon_months,
        active_persons.observed_until_date,
        active_persons.is_fully_observed,
        -- told only when the horizon is over: an early loss must not be known sooner than an early stay
        case
            when active_persons.is_fully_observed
                then closed_relations.customer_key is not null or still_active.customer_key is null
        end as is_attrited,
        case
            when not active_persons.is_fully_observed then null
            when closed_relations.customer_key is not null then 'closed'
            when still_active.customer_key is null then 'silent'
        end as attrition_code,
        closed_relations.closed_date,
        active_persons.policy_version
    from active_persons
    left join closed_relations
        on
            active_persons.customer_key = closed_relations.customer_key
            and active_persons.month_end_date = closed_relations.month_end_date
    left join still_active
        on
            active_persons.customer_key = still_active.customer_key
            and active_persons.month_end_date = still_active.month_end_date
)

select * from final
