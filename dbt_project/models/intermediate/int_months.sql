with business_dates as (
    select * from {{ ref('int_business_dates') }}
),

bounds as (
    select
        min(business_date) as first_loaded_date,
        max(business_date) as last_loaded_date
    from business_dates
    having count(*) > 0
),

dates as (
    select date_of_bounds.calendar_date
    from ({{ dates_between('first_loaded_date', 'last_loaded_date') }} from bounds) as date_of_bounds
),

final as (
    select
        last_day(dates.calendar_date) as month_end_date,
        min({{ month_start('dates.calendar_date') }}) as month_start_date,
        min({{ month_index('dates.calendar_date') }}) as month_index,
        -- an incomplete month is described as of the last date that was loaded
        max(dates.calendar_date) as as_of_date,
        min(bounds.first_loaded_date) as first_loaded_date,
        count(business_dates.business_date)
        = {{ days_between('min(' ~ month_start('dates.calendar_date') ~ ')', 'last_day(dates.calendar_date)') }} + 1
            as is_complete
    from dates
    cross join bounds
    left join business_dates on dates.calendar_date = business_dates.business_date
    group by last_day(dates.calendar_date)
)

select * from final
