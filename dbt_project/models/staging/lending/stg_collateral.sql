with source as (
    select * from {{ source('lending', 'collateral') }}
),

final as (
    select
        collateral_id,
        business_date as position_date,
        owner_customer_id,
        facility_id,
        loan_id,
        collateral_type,
        currency_code,
        valuation_amount,
        valuation_date,
        lien_rank,
        valid_from,
        valid_to,
        source_file_id
    from source
)

select * from final
