with business_dates as (
    select * from {{ ref('int_business_dates') }}
),

bounds as (
    select
        cast(date_trunc('year', min(business_date)) as date) as first_date,
        last_day({{ months_after("date_trunc('year', max(business_date))", 11) }}) as last_date
    from business_dates
    having count(*) > 0
),

dates as (
    select date_of_bounds.calendar_date
    from ({{ dates_between('first_date', 'last_date') }} from bounds) as date_of_bounds
    union all
    -- the unknown member
    select date '1900-01-01' as calendar_date
),

final as (
    select
        dates.calendar_date,
        cast(year(dates.calendar_date) as integer) as calendar_year,
        cast(quarter(dates.calendar_date) as integer) as calendar_quarter,
        cast(month(dates.calendar_date) as integer) as calendar_month,
        cast(day(dates.calendar_date) as integer) as day_of_month,
        -- ISO: Monday is 1; 1900-01-01 was a Monday
        cast({{ days_between("date '1900-01-01'", 'dates.calendar_date') }} % 7 + 1 as integer) as day_of_week,
        {{ days_between("date '1900-01-01'", 'dates.calendar_date') }} % 7 >= 5 as is_weekend,
        {{ month_start('dates.calendar_date') }} as month_start_date,
        last_day(dates.calendar_date) as month_end_date,
        dates.calendar_date = last_day(dates.calendar_date) as is_month_end,
        {{ month_index('dates.calendar_date') }} as month_index,
        business_dates.business_date is not null as is_loaded
    from dates
    left join business_dates on dates.calendar_date = business_dates.business_date
)

select * from final
