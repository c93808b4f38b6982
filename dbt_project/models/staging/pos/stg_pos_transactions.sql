with source as (
    select * from {{ source('pos', 'pos_transactions') }}
),

final as (
    select
        transaction_id,
        terminal_id,
        merchant_id,
        merchant_category_code,
        card_id,
        account_id,
        business_date,
        booked_at,
        transaction_type,
        direction,
        amount,
        currency_code,
        balance_after,
        source_file_id
    from source
)

select * from final
