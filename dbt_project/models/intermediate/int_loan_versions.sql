with records as (
    select * from {{ ref('stg_loans') }}
),

final as (
    select
        {{ surrogate_key(['loan_id']) }} as loan_key,
        loan_id,
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
        change_date as valid_from,
        coalesce(
            lead(change_date) over (partition by loan_id order by change_date), date '9999-12-31'
        ) as valid_to,
        source_file_id
    from records
)

select * from final
