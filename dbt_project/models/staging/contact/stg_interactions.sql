with source as (
    select * from {{ source('contact', 'interactions') }}
),

final as (
    select
        interaction_id,
        customer_id,
        channel_code,
        business_date,
        started_at,
        duration_seconds,
        purpose_code,
        outcome_code,
        satisfaction_score,
        campaign_id,
        manager_id,
        source_file_id
    from source
)

select * from final
