{#- No two rows have the same values in `columns`: the grain of a table whose key is more than one column. -#}
{% test unique_combination(model, columns) %}

    select {{ columns | join(', ') }}
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1

{% endtest %}
