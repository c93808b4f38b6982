with facilities as (
    select * from {{ ref('stg_facilities') }}
),

known_customers as (
    select * from {{ ref('int_known_customers') }}
),

final as (
    select
        {{ surrogate_key(['facilities.facility_id']) }} as facility_key,
        last_day(facilities.position_date) as month_end_date,
        facilities.position_date as as_of_date,
        facilities.facility_id,
        coalesce(known_customers.customer_key, {{ unknown_key() }}) as customer_key,
        facilities.product_code,
        {{ key_or_unknown('facilities.lead_branch_id') }} as branch_key,
        facilities.currency_code,
        facilities.limit_amount,
        facilities.drawn_amount,
        facilities.off_balance_amount,
        cast(
            greatest(facilities.limit_amount - facilities.drawn_amount - facilities.off_balance_amount, 0)
            as decimal(18, 2)
        ) as undrawn_amount,
        facilities.interest_rate,
        facilities.is_committed,
        facilities.granted_date,
        facilities.maturity_date,
        facilities.review_date,
        facilities.status_code,
        facilities.source_file_id
    from facilities
    left join known_customers
        on
            facilities.customer_id = known_customers.customer_id
            and facilities.position_date >= known_customers.known_from
)

select * from final
