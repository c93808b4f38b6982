with source as (
    select * from {{ source('lending', 'guarantees') }}
),

final as (
    select
        guarantee_id,
        business_date as position_date,
        guarantor_customer_id,
        obligor_customer_id,
        facility_id,
        guarantee_type,
        currency_code,
        guaranteed_amount,
        valid_from,
        valid_to,
        source_file_id
    from source
)

select * from final
