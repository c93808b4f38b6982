{{
    config(
        materialized='incremental',
        incremental_strategy='replace_window',
        on_schema_change='fail',
        meta={'window_column': 'business_date'},
    )
}}

with loan_repayments as (
    select * from {{ ref('stg_loan_repayments') }}
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
        balance_after,
        source_file_id
    from loan_repayments
    where {{ in_window('business_date') }}
)

select * from final
