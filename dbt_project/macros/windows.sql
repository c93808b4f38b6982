{#-
    The window of a run: business dates `start_date` to `end_date`, both included.
    Dates are written into the SQL as literals, because only literals let DuckDB skip Hive partitions and row groups.
-#}

{% macro window_start() -%}
    date '{{ var("start_date") }}'
{%- endmacro %}

{% macro window_end() -%}
    date '{{ var("end_date") }}'
{%- endmacro %}

{#- Restricts a daily model to the window; a first build or a full refresh takes every date there is. -#}
{% macro in_window(column) -%}
    {% if is_incremental() -%}
        {{ column }} between {{ window_start() }} and {{ window_end() }}
    {%- else -%}
        true
    {%- endif %}
{%- endmacro %}

{#-
    First day of the first month that a monthly model has to build again: the month of the window's start, or an
    earlier month whose stored `as_of_date` is no longer the last date known of it (it was built while it was young).
    All later months are built again too, because balances and windows run on from month to month.
-#}
{% macro rebuild_from() -%}
    {%- if not (is_incremental() and execute) -%}
        date '1900-01-01'
    {%- else -%}
        {%- set first_month = run_query(
            "select least("
            ~ "(select min(stored.month_end_date) from (select distinct month_end_date, as_of_date from " ~ this ~ ") stored"
            ~ " left join " ~ ref('int_months') ~ " months on stored.month_end_date = months.month_end_date"
            ~ " where months.as_of_date is null or stored.as_of_date <> months.as_of_date),"
            ~ " last_day(" ~ window_start() ~ "))"
        ).columns[0].values()[0] -%}
        date '{{ first_month.strftime("%Y-%m-01") }}'
    {%- endif -%}
{%- endmacro %}

{#-
    Tests on a growing table look at the run's window: `where: business_date __window__`, and at its months:
    `where: month_end_date __months__`.
-#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if not where -%}
        {{ relation }}
    {%- else -%}
        {%- set where = where
            | replace('__window__', "between " ~ window_start() ~ " and " ~ window_end())
            | replace('__months__', ">= " ~ month_start(window_start())) -%}
        (select * from {{ relation }} where {{ where }}) dbt_subquery
    {%- endif -%}
{%- endmacro %}
