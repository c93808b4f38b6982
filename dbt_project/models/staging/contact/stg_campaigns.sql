with source as (
    select * from {{ source('contact', 'campaigns') }}
),

final as (
    select
        campaign_id,
        business_date as position_date,
        name_en,
        name_zh,
        product_code,
        channel_code,
        start_date,
        end_date,
        control_share,
        source_file_id
    from source
)

select * from final
