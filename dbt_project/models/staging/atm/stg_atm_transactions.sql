with source as (
    select * from {{ source('atm', 'atm_transactions') }}
),

final as (
    select
        transaction_id,
        atm_id,
        branch_id,
        card_id,
        account_id,
        business_date,
        booked_at,
        transaction_type,
        direction,
        amount,
        currency_code,
        balance_after,
        fee_amount,
        source_file_id
    from source
)

select * from final
