with source as (
    select * from {{ source('ledger', 'gl_balances') }}
),

final as (
    select
        business_date,
        gl_account_code,
        gl_account_name,
        currency_code,
        debit_turnover_amount,
        credit_turnover_amount,
        balance_amount,
        source_file_id
    from source
)

select * from final
