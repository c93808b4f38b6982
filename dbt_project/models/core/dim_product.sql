with products as (
    select * from {{ ref('products') }}
),

final as (
    select
        {{ surrogate_key(['product_code']) }} as product_key,
        product_code,
        product_family,
        name_en,
        name_zh
    from products
    union all
    select
        {{ unknown_key() }} as product_key,
        '-1' as product_code,
        'unknown' as product_family,
        'Unknown' as name_en,
        '未知' as name_zh
)

select * from final
