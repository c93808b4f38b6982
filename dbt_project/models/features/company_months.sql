with customer_months as (
    select *
    from {{ ref('customer_months') }}
    where customer_type = 'company'
),

facility_usage as (
    select * from {{ ref('fct_facility_usage') }}
),

months as (
    select * from {{ ref('int_months') }}
),

-- the latest month-end position that was known
positions as (
    select
        months.month_end_date,
        max(facility_usage.as_of_date) as position_date
    from months
    inner join facility_usage on months.as_of_date >= facility_usage.as_of_date
    group by months.month_end_date
),

facilities as (
    select
        positions.month_end_date,
        facility_usage.customer_key,
        positions.position_date,
        count(*) as facilities_count,
        sum(facility_usage.limit_amount) as limit_amount,
        sum(facility_usage.drawn_amount) as drawn_amount,
        sum(facility_usage.off_balance_amount) as off_balance_amount,
        sum(facility_usage.undrawn_amount) as undrawn_amount
    from positions
    inner join facility_usage on positions.position_date = facility_usage.as_of_date
    where facility_usage.status_code <> 'closed'
    group by positions.month_end_date, facility_usage.customer_key, positions.position_date
),

final as (
    select
        customer_months.customer_key,
        customer_months.month_end_date,
        customer_months.as_of_date,
        customer_months.industry_code,
        customer_months.region_code,
        customer_months.tenure_months,
        customer_months.history_months,
        customer_months.deposit_end_balance_amount,
        customer_months.inflow_3m_amount as turnover_3m_amount,
        customer_months.inflow_12m_amount as turnover_12m_amount,
        customer_months.outflow_3m_amount,
        customer_months.outflow_12m_amount,
        customer_months.running_loans_count,
        customer_months.loan_balance_amount,
        customer_months.overdue_amount,
        customer_months.days_past_due,
        customer_months.max_days_past_due_12m,
        facilities.position_date as facility_position_date,
        cast(coalesce(facilities.facilities_count, 0) as integer) as facilities_count,
        cast(coalesce(facilities.limit_amount, 0) as decimal(18, 2)) as facility_limit_amount,
        cast(coalesce(facilities.drawn_amount, 0) as decimal(18, 2)) as facility_drawn_amount,
        cast(coalesce(facilities.off_balance_amount, 0) as decimal(18, 2)) as facility_off_balance_amount,
        cast(coalesce(facilities.undrawn_amount, 0) as decimal(18, 2)) as facility_undrawn_amount,
        cast(facilities.drawn_amount + facilities.off_balance_amount as double)
        / nullif(cast(facilities.limit_amount as double), 0) as facility_utilisation_share
    from customer_months
    left join facilities
        on
            customer_months.customer_key = facilities.customer_key
            and customer_months.month_end_date = facilities.month_end_date
)

select * from final
