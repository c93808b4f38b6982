with source as (
    select * from {{ source('lending', 'loans') }}
),

final as (
    select
        loan_id,
        business_date as change_date,
        customer_id,
        account_id,
        product_code,
        facility_id,
        branch_id,
        currency_code,
        granted_date,
        maturity_date,
        principal_amount,
        interest_rate,
        term_months,
        instalment_amount,
        status_code,
        source_file_id
    from source
)

select * from final
