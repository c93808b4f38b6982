with source as (
    select * from {{ source('reference', 'customers') }}
),

final as (
    select
        customer_id,
        business_date as change_date,
        customer_type,
        full_name,
        id_document_type,
        id_document_number,
        birth_date,
        gender,
        registered_date,
        phone,
        email,
        address,
        region_code,
        occupation_code,
        marital_status_code,
        annual_income_amount,
        industry_code,
        employee_count,
        registered_capital_amount,
        branch_id,
        customer_since_date,
        status_code,
        has_marketing_opt_out,
        source_file_id
    from source
)

select * from final
