with source as (
    select * from {{ source('reference', 'merchants') }}
),

final as (
    select
        merchant_id,
        business_date as position_date,
        merchant_name,
        merchant_category_code,
        region_code,
        customer_id,
        source_file_id
    from source
)

select * from final
