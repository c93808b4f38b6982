with months as (
    select * from {{ ref('int_months') }}
),

definitions as (
    select * from {{ ref('policy_attrition_definition') }}
),

-- the definition that held at the month-end
definitions_of_months as (
    select
        months.month_end_date,
        months.month_index,
        definitions.policy_version,
        definitions.active_months,
        definitions.horizon_months,
        definitions.silent_months,
        row_number() over (
            partition by months.month_end_date order by definitions.effective_from desc, definitions.policy_version desc
        ) as definition_number
    from months
    inner join definitions on months.month_end_date >= definitions.effective_from
),

final as (
    select
        definitions_of_months.month_end_date,
        definitions_of_months.month_index,
        definitions_of_months.policy_version,
        definitions_of_months.active_months,
        definitions_of_months.horizon_months,
        definitions_of_months.silent_months,
        last_day(
            {{ months_after('definitions_of_months.month_end_date', 'definitions_of_months.horizon_months') }}
        ) as horizon_end_date,
        max(later_months.as_of_date) as observed_until_date,
        -- a day that is missing could hide a closing, or the one transaction that tells a customer from a lost one
        count(
            case
                when later_months.month_index > definitions_of_months.month_index and later_months.is_complete then 1
            end
        ) = definitions_of_months.horizon_months as is_fully_observed
    from definitions_of_months
    inner join months as later_months
        on
            later_months.month_index
            between definitions_of_months.month_index
            and definitions_of_months.month_index + definitions_of_months.horizon_months
    where definitions_of_months.definition_number = 1
    group by
        definitions_of_months.month_end_date,
        definitions_of_months.month_index,
        definitions_of_months.policy_version,
        definitions_of_months.active_months,
        definitions_of_months.horizon_months,
        definitions_of_months.silent_months
)

select * from final
