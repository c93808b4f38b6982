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

    A model whose rows look ahead names in `meta.horizons` the model that tells how far those of each month see
    (`month_end_date, horizon_end_date, policy_version`). Its months are built again also where the window lies within
    their horizon, and where another version of the policy applies now.
-#}
{% macro rebuild_from() -%}
    {%- if not (is_incremental() and execute) -%}
        date '1900-01-01'
    {%- else -%}
        {%- set horizons = config.get('meta').get('horizons') -%}
        {%- set first_month = run_query(
            "select least("
            ~ "(select min(stored.month_end_date) from (select distinct month_end_date, as_of_date from " ~ this ~ ") stored"
            ~ " left join " ~ ref('int_months') ~ " months on stored.month_end_date = months.month_end_date"
            ~ " where months.as_of_date is null or stored.as_of_date <> months.as_of_date),"
            ~ (_first_month_of_horizons(horizons) if horizons else "")
            ~ " last_day(" ~ window_start() ~ "))"
        ).columns[0].values()[0] -%}
        date '{{ first_month.strftime("%Y-%m-01") }}'
    {%- endif -%}
{%- endmacro %}

{% macro _first_month_of_horizons(horizons) -%}
    (
        select min(horizons.month_end_date)
        from {{ ref(horizons) }} as horizons
        left join (select distinct month_end_date, policy_version from {{ this }}) as stored
            on horizons.month_end_date = stored.month_end_date
        where horizons.horizon_end_date >= {{ window_start() }} or horizons.policy_version <> stored.policy_version
    ),
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
