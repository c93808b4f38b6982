with source as (
    select * from {{ source('card', 'card_transactions') }}
),

final as (
    select
        transaction_id,
        card_id,
        account_id,
        business_date,
        booked_at,
        transaction_type,
        direction,
        amount,
        currency_code,
        balance_after,
        merchant_id,
        merchant_category_code,
        is_online,
        source_file_id
    from source
)

select * from final
