with source as (
    select * from {{ source('reference', 'cards') }}
),

final as (
    select
        card_id,
        business_date as change_date,
        account_id,
        customer_id,
        card_type,
        product_code,
        issued_date,
        expiry_date,
        credit_limit_amount,
        status_code,
        source_file_id
    from source
)

select * from final
