with source as (
    select * from {{ source('lending', 'facilities') }}
),

final as (
    select
        facility_id,
        business_date as position_date,
        customer_id,
        product_code,
        lead_branch_id,
        currency_code,
        limit_amount,
        drawn_amount,
        off_balance_amount,
        interest_rate,
        is_committed,
        granted_date,
        maturity_date,
        review_date,
        status_code,
        source_file_id
    from source
)

select * from final
