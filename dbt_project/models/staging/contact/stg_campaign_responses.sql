with source as (
    select * from {{ source('contact', 'campaign_responses') }}
),

final as (
    select
        campaign_id,
        customer_id,
        business_date as position_date,
        is_control,
        contacted_date,
        responded_date,
        source_file_id
    from source
)

select * from final
