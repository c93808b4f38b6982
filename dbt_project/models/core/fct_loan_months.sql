{{
    config(
        materialized='incremental',
        incremental_strategy='replace_window',
        on_schema_change='fail',
        meta={'window_column': 'month_end_date'},
    )
}}

{%- set rebuild_from = rebuild_from() %}

with months as (
    select *
    from {{ ref('int_months') }}
    where month_start_date >= {{ rebuild_from }}
),

loan_versions as (
    select * from {{ ref('int_loan_versions') }}
),

known_customers as (
    select * from {{ ref('int_known_customers') }}
),

loan_events as (
    select * from {{ ref('int_loan_events') }}
),

-- a loan is followed from its grant through the month in which it ends
loans as (
    select
        months.month_end_date,
        months.month_start_date,
        months.as_of_date,
        months.first_loaded_date,
        loan_versions.loan_key,
        loan_versions.loan_id,
        coalesce(known_customers.customer_key, {{ unknown_key() }}) as customer_key,
        loan_versions.product_code,
        loan_versions.currency_code,
        loan_versions.status_code,
        loan_versions.granted_date,
        loan_versions.principal_amount
    from months
    inner join loan_versions
        on
            months.as_of_date >= loan_versions.valid_from
            and months.as_of_date < loan_versions.valid_to
    left join known_customers
        on loan_versions.customer_id = known_customers.customer_id and months.as_of_date >= known_customers.known_from
    where
        loan_versions.granted_date <= months.as_of_date
        and (
            loan_versions.status_code in ('running', 'running_in_debt')
            or loan_versions.valid_from >= months.month_start_date
        )
),

first_due as (
    select min(business_date) as first_due_date
    from loan_events
    where event_type = 'instalment_due'
),

-- all events of the loan up to the date as of which the month is described
totals as (
    select
        loans.loan_key,
        loans.loan_id,
        loans.month_end_date,
        sum(case when loan_events.event_type = 'instalment_due' then loan_events.amount else 0 end) as due_amount,
        sum(case when loan_events.event_type = 'payment' then loan_events.amount else 0 end) as paid_amount,
        sum(case when loan_events.event_type = 'prepayment' then loan_events.amount else 0 end) as prepaid_amount,
        sum(case when loan_events.event_type = 'write_off' then loan_events.amount else 0 end) as written_off_amount,
        sum(
            case
                when loan_events.event_type = 'instalment_due' and loan_events.business_date >= loans.month_start_date
                    then loan_events.amount
                else 0
            end
        ) as due_in_month_amount,
        sum(
            case
                when loan_events.event_type = 'payment' and loan_events.business_date >= loans.month_start_date
                    then loan_events.amount
                else 0
            end
        ) as paid_in_month_amount,
        sum(case when loan_events.event_type = 'instalment_due' then 1 else 0 end) as due_count,
        sum(case when loan_events.event_type = 'instalment_due' then 0 else 1 end) as settlement_count,
        max(case when loan_events.balance_after is not null then loan_events.business_date end) as balance_date
    from loans
    inner join loan_events
        on loans.loan_id = loan_events.loan_id and loans.as_of_date >= loan_events.business_date
    group by loans.loan_key, loans.loan_id, loans.month_end_date
),

-- principal never rises by an event, so the least balance of the last day is the one that closed it
balances as (
    select
        totals.loan_key,
        totals.month_end_date,
        min(loan_events.balance_after) as balance_amount
    from totals
    inner join loan_events
        on
            totals.loan_id = loan_events.loan_id
            and totals.balance_date = loan_events.business_date
    group by totals.loan_key, totals.month_end_date
),

short_loans as (
    select
        totals.loan_id,
        totals.loan_key,
        totals.month_end_date,
        totals.paid_amount,
        loans.as_of_date
    from totals
    inner join loans on totals.loan_key = loans.loan_key and totals.month_end_date = loans.month_end_date
    where totals.due_amount > totals.paid_amount
),

instalments as (
    select
        loan_id,
        business_date,
        sum(amount) over (
            partition by loan_id
            order by business_date, instalment_number, repayment_id
            rows between unbounded preceding and current row
        ) as due_so_far_amount
    from loan_events
    where event_type = 'instalment_due' and loan_id in (select short_loans.loan_id from short_loans)
),

-- payments cover instalments in the order in which they fell due
oldest_unpaid as (
    select
        short_loans.loan_key,
        short_loans.month_end_date,
        min(instalments.business_date) as oldest_unpaid_due_date
    from short_loans
    inner join instalments
        on
            short_loans.loan_id = instalments.loan_id
            and short_loans.as_of_date >= instalments.business_date
            and short_loans.paid_amount < instalments.due_so_far_amount
    group by short_loans.loan_key, short_loans.month_end_date
),

final as (
    select
        loans.loan_key,
        loans.month_end_date,
        loans.as_of_date,
        loans.loan_id,
        loans.customer_key,
        loans.product_code,
        loans.currency_code,
        loans.status_code,
        case
            when balances.balance_amount is not null then balances.balance_amount
            -- granted under our eyes and nothing settled yet: all of it is outstanding
            when loans.granted_date >= loans.first_loaded_date and coalesce(totals.settlement_count, 0) = 0
                then loans.principal_amount
        end as balance_amount,
        cast(coalesce(totals.due_amount, 0) as decimal(18, 2)) as instalment_due_amount,
        cast(coalesce(totals.paid_amount, 0) as decimal(18, 2)) as instalment_paid_amount,
        cast(coalesce(totals.due_in_month_amount, 0) as decimal(18, 2)) as instalment_due_in_month_amount,
        cast(coalesce(totals.paid_in_month_amount, 0) as decimal(18, 2)) as instalment_paid_in_month_amount,
        cast(coalesce(totals.prepaid_amount, 0) as decimal(18, 2)) as prepaid_amount,
        cast(coalesce(totals.written_off_amount, 0) as decimal(18, 2)) as written_off_amount,
        cast(
            case when totals.due_count > 0 then greatest(totals.due_amount - totals.paid_amount, 0) end
            as decimal(18, 2)
        ) as overdue_amount,
        oldest_unpaid.oldest_unpaid_due_date,
        cast(
            case
                when oldest_unpaid.oldest_unpaid_due_date is not null
                    then {{ days_between('oldest_unpaid.oldest_unpaid_due_date', 'loans.as_of_date') }}
                when totals.due_count > 0 then 0
                -- nothing has fallen due yet, in a source that tells what falls due
                when first_due.first_due_date <= loans.as_of_date and coalesce(totals.settlement_count, 0) = 0 then 0
            end
            as integer
        ) as days_past_due,
        coalesce(totals.written_off_amount, 0) > 0 or loans.status_code = 'written_off' as is_written_off
    from loans
    cross join first_due
    left join totals on loans.loan_key = totals.loan_key and loans.month_end_date = totals.month_end_date
    left join balances on loans.loan_key = balances.loan_key and loans.month_end_date = balances.month_end_date
    left join oldest_unpaid
        on loans.loan_key = oldest_unpaid.loan_key and loans.month_end_date = oldest_unpaid.month_end_date
)

select * from final
