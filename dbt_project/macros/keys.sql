{#- Warehouse keys are hashes of the natural key, so that a rebuild on any machine yields the same keys. -#}

{#- Key of a natural key of one or more columns. Columns of a natural key are never null. -#}
{% macro surrogate_key(columns) -%}
    md5({% for column in columns %}cast({{ column }} as {{ dbt.type_string() }}){% if not loop.last %} || '|' || {% endif %}{% endfor %})
{%- endmacro %}

{#- Key of the unknown member that each dimension has: the hash of the id '-1'. -#}
{% macro unknown_key() -%}
    md5('-1')
{%- endmacro %}

{#- Key of an id that may be empty: an empty id means the unknown member. -#}
{% macro key_or_unknown(column) -%}
    md5(coalesce(cast({{ column }} as {{ dbt.type_string() }}), '-1'))
{%- endmacro %}

{#- Hash of the attributes of a record: two records with the same hash say the same. -#}
{% macro attributes_hash(columns) -%}
    md5(concat_ws(chr(31)
    {%- for column in columns -%}
        , coalesce(cast({{ column }} as {{ dbt.type_string() }}), chr(30))
    {%- endfor -%}
    ))
{%- endmacro %}
