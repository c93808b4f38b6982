with source as (
    select * from {{ source('lending', 'loan_repayments') }}
),

final as (
    select
        repayment_id,
        loan_id,
        business_date,
        event_type,
        instalment_number,
        amount,
        principal_amount,
        interest_amount,
        currency_code,
        balance_after,
        source_file_id
    from source
)

select * from final
