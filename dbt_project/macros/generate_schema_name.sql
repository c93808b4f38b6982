{#- Schemas are named as in the project file, without the target's name before them: `core` is `core` everywhere. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
