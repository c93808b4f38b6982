with months as (
    select * from {{ ref('int_months') }}
),

loan_months as (
    select *
    from {{ ref('fct_loan_months') }}
    where customer_key <> {{ unknown_key() }}
),

definitions as (
    select * from {{ ref('policy_default_definition') }}
),

borrowers as (
    select
        customer_key,
        month_end_date,
        as_of_date,
        {{ month_index('month_end_date') }} as month_index,
        max(case when status_code in ('running', 'running_in_debt') then 1 else 0 end) = 1 as has_running_loan,
        max(days_past_due) as days_past_due,
        max(case when is_written_off then 1 else 0 end) = 1 as is_written_off
    from loan_months
    group by customer_key, month_end_date, as_of_date
),

-- the definition that held at the month-end
definitions_of_months as (
    select
        months.month_end_date,
        definitions.policy_version,
        definitions.days_past_due_threshold,
        definitions.horizon_months,
        row_number() over (
            partition by months.month_end_date order by definitions.effective_from desc, definitions.policy_version desc
        ) as definition_number
    from months
    inner join definitions on months.month_end_date >= definitions.effective_from
),

in_good_standing as (
    select
        borrowers.customer_key,
        borrowers.month_end_date,
        borrowers.as_of_date,
        borrowers.month_index,
        definitions_of_months.policy_version,
        definitions_of_months.days_past_due_threshold,
        definitions_of_months.horizon_months
    from borrowers
    inner join definitions_of_months
        on
            borrowers.month_end_date = definitions_of_months.month_end_date
            and definitions_of_months.definition_number = 1
    where
        borrowers.has_running_loan
        and not borrowers.is_written_off
        and borrowers.days_past_due < definitions_of_months.days_past_due_threshold
),

-- how far the warehouse has seen of each horizon
horizons as (
    select
        definitions_of_months.month_end_date,
        max(later_months.as_of_date) as observed_until_date,
        -- a day that is missing within the horizon could hide a default
        count(
            case
                when
                    later_months.month_index > {{ month_index('definitions_of_months.month_end_date') }}
                    and later_months.is_complete
                    then 1
            end
        ) = max(definitions_of_months.horizon_months) as is_fully_observed
    from definitions_of_months
    inner join months as later_months
        on
            later_months.month_index
            between {{ month_index('definitions_of_months.month_end_date') }}
            and {{ month_index('definitions_of_months.month_end_date') }} + definitions_of_months.horizon_months
    where definitions_of_months.definition_number = 1
    group by definitions_of_months.month_end_date
),

defaults as (
    select
        in_good_standing.customer_key,
        in_good_standing.month_end_date
    from in_good_standing
    inner join borrowers
        on
            in_good_standing.customer_key = borrowers.customer_key
            and in_good_standing.month_index < borrowers.month_index
            and in_good_standing.month_index + in_good_standing.horizon_months >= borrowers.month_index
    where borrowers.is_written_off or borrowers.days_past_due >= in_good_standing.days_past_due_threshold
    group by in_good_standing.customer_key, in_good_standing.month_end_date
),

final as (
    select
        in_good_standing.customer_key,
        in_good_standing.month_end_date,
        in_good_standing.as_of_date,
        cast(in_good_standing.horizon_months as integer) as horizon_months,
        horizons.observed_until_date,
        horizons.is_fully_observed,
        -- told only when the horizon is over: an early default must not be known sooner than an early survival
        case when horizons.is_fully_observed then defaults.customer_key is not null end as is_default,
        in_good_standing.policy_version
    from in_good_standing
    inner join horizons on in_good_standing.month_end_date = horizons.month_end_date
    left join defaults
        on
            in_good_standing.customer_key = defaults.customer_key
            and in_good_standing.month_end_date = defaults.month_end_date
)

select * from final
