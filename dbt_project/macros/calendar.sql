{#- Number of a month on one line over all years, so that windows of months are plain arithmetic. -#}
{% macro month_index(column) -%}
    (cast(year({{ column }}) as integer) * 12 + cast(month({{ column }}) as integer))
{%- endmacro %}

{% macro month_start(column) -%}
    cast(date_trunc('month', {{ column }}) as date)
{%- endmacro %}

{#- Whole days from one date to a later one. -#}
{% macro days_between(earlier, later) -%}
    {{ dbt.datediff(earlier, later, 'day') }}
{%- endmacro %}

{#- Every date from one date expression to another, one row each, in column `calendar_date`. -#}
{% macro dates_between(first, last) -%}
    {{ return(adapter.dispatch('dates_between', 'credit_warehouse')(first, last)) }}
{%- endmacro %}

{% macro default__dates_between(first, last) -%}
    select cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date) as calendar_date
{%- endmacro %}

{% macro spark__dates_between(first, last) -%}
    select explode(sequence({{ first }}, {{ last }}, interval 1 day)) as calendar_date
{%- endmacro %}

{#- The date some days, or some months, after another (before it, if negative). -#}
{% macro days_after(column, days) -%}
    cast({{ dbt.dateadd('day', days, column) }} as date)
{%- endmacro %}

{% macro months_after(column, months) -%}
    cast({{ dbt.dateadd('month', months, column) }} as date)
{%- endmacro %}
