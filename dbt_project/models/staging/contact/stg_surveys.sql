with source as (
    select * from {{ source('contact', 'surveys') }}
),

final as (
    select
        survey_id,
        business_date as position_date,
        customer_id,
        answered_date,
        channel_code,
        image_score,
        expectation_score,
        perceived_quality_score,
        perceived_value_score,
        satisfaction_score,
        source_file_id
    from source
)

select * from final
