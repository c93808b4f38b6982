with source as (
    select * from {{ source('counter', 'counter_transactions') }}
),

final as (
    select
        transaction_id,
        account_id,
        business_date,
        booked_at,
        transaction_type,
        direction,
        amount,
        currency_code,
        balance_after,
        purpose_code,
        counterparty_account_id,
        counterparty_bank_code,
        branch_id,
        teller_id,
        narrative,
        source_file_id
    from source
)

select * from final
