{{
    config(
        materialized='incremental',
        incremental_strategy='replace_window',
        unique_key=['business_date', 'interaction_key'],
        on_schema_change='fail',
        tags=['daily'],
        meta={'window_column': 'business_date'},
    )
}}

with interactions as (
    select *
    from {{ ref('stg_interactions') }}
    where {{ in_window('business_date') }}
),

known_customers as (
    select * from {{ ref('int_known_customers') }}
),

loaded as (
    select
        {{ surrogate_key(['interaction_id']) }} as interaction_key,
        interaction_id,
        business_date,
        started_at,
        customer_id,
        channel_code,
        purpose_code,
        outcome_code,
        duration_seconds,
        satisfaction_score,
        campaign_id,
        {{ key_or_unknown('manager_id') }} as manager_key,
        source_file_id,
        nullif('', '') as stored_key
    from interactions
    {%- if is_incremental() %}
    union all
    -- later contacts of customers that the window makes known; none on a new day
    select
        interaction_key,
        interaction_id,
        business_date,
        started_at,
        customer_id,
        channel_code,
        purpose_code,
        outcome_code,
        duration_seconds,
        satisfaction_score,
        campaign_id,
        manager_key,
        source_file_id,
        customer_key as stored_key
    from {{ this }}
    where business_date > {{ window_end() }}
    {%- endif %}
),

resolved as (
    select
        loaded.*,
        coalesce(known_customers.customer_key, {{ unknown_key() }}) as customer_key
    from loaded
    left join known_customers
        on
            loaded.customer_id = known_customers.customer_id
            and loaded.business_date >= known_customers.known_from
),

final as (
    select
        interaction_key,
        interaction_id,
        business_date,
        started_at,
        customer_id,
        customer_key,
        channel_code,
        purpose_code,
        outcome_code,
        duration_seconds,
        satisfaction_score,
        campaign_id,
        manager_key,
        source_file_id
    from resolved
    where stored_key is null or stored_key <> customer_key
)

select * from final
