with customers as (
    select * from {{ ref('stg_customers') }}
),

final as (
    select
        {{ surrogate_key(['customer_id']) }} as customer_key,
        customer_id,
        min(change_date) as known_from
    from customers
    group by customer_id
)

select * from final
