{#-
    Incremental strategy `replace_window`: what the window held goes, even if nothing new comes in its place, and what
    the model selects comes in; rows of later dates that the model selects again replace their old versions.
    `delete+insert` by key would keep rows that a restated day no longer has. One transaction, so a crash changes nothing.

    A model names the column of its window in `meta.window_column`: `month_end_date` for monthly tables, a business
    date otherwise. `unique_key` finds the later rows; it begins with the window column, so that they are found by date.
-#}
{% macro get_incremental_replace_window_sql(arg_dict) -%}
    {{ return(adapter.dispatch('replace_window_sql', 'credit_warehouse')(arg_dict)) }}
{%- endmacro %}

{% macro default__replace_window_sql(arg_dict) -%}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set source = arg_dict['temp_relation'] -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    {%- set window_column = config.get('meta')['window_column'] -%}
    delete from {{ target }}
    where
    {% if window_column == 'month_end_date' -%}
        {{ window_column }} >= {{ rebuild_from() }}
    {%- else -%}
        {{ window_column }} between {{ window_start() }} and {{ window_end() }}
    {%- endif %};

    {% if arg_dict['unique_key'] -%}
    delete from {{ target }}
    using {{ source }} as replacement
    where
        {{ target }}.{{ window_column }} > {{ window_end() }}
        {%- for column in arg_dict['unique_key'] %}
        and {{ target }}.{{ column }} = replacement.{{ column }}
        {%- endfor %};
    {%- endif %}

    insert into {{ target }} ({{ columns }})
    select {{ columns }} from {{ source }}
{%- endmacro %}

{#-
    Spark overwrites whole partitions (`partition_by` the window column, partitionOverwriteMode=dynamic), so the rows of
    a later date that keep their values are written along with those that change.
-#}
{% macro spark__replace_window_sql(arg_dict) -%}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set source = arg_dict['temp_relation'] -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    {%- set window_column = config.get('meta')['window_column'] -%}
    insert overwrite table {{ target }}
    select {{ columns }} from {{ source }}
    {%- if arg_dict['unique_key'] %}
    union all
    select {{ columns }}
    from {{ target }} as kept
    where
        kept.{{ window_column }} > {{ window_end() }}
        and kept.{{ window_column }} in (select {{ window_column }} from {{ source }})
        and not exists (
            select 1
            from {{ source }} as replacement
            where
                {% for column in arg_dict['unique_key'] -%}
                kept.{{ column }} = replacement.{{ column }}{% if not loop.last %} and {% endif %}
                {%- endfor %}
        )
    {%- endif %}
{%- endmacro %}
