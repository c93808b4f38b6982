with merchants as (
    select * from {{ ref('stg_merchants') }}
),

merchant_categories as (
    select * from {{ ref('merchant_categories') }}
),

known_customers as (
    select * from {{ ref('int_known_customers') }}
),

referenced_members as (
    select * from {{ ref('int_referenced_members') }}
),

positions as (
    select
        *,
        row_number() over (partition by merchant_id order by position_date desc) as position_number
    from merchants
),

known as (
    select
        {{ surrogate_key(['positions.merchant_id']) }} as merchant_key,
        positions.merchant_id,
        positions.merchant_name,
        positions.merchant_category_code,
        coalesce(
            merchant_categories.name_en, 'Merchant category ' || positions.merchant_category_code
        ) as category_name_en,
        coalesce(
            merchant_categories.name_zh, '商户类别 ' || positions.merchant_category_code
        ) as category_name_zh,
        positions.region_code,
        coalesce(known_customers.customer_key, {{ unknown_key() }}) as customer_key,
        false as is_inferred,
        positions.source_file_id
    from positions
    left join merchant_categories on positions.merchant_category_code = merchant_categories.merchant_category_code
    left join known_customers on positions.customer_id = known_customers.customer_id
    where positions.position_number = 1
),

-- merchants that transactions name and the merchant list does not (or not yet)
named as (
    select distinct member_id as merchant_id
    from referenced_members
    where member_kind = 'merchant'
),

inferred as (
    select
        {{ surrogate_key(['named.merchant_id']) }} as merchant_key,
        named.merchant_id,
        'Merchant ' || named.merchant_id as merchant_name,
        null as merchant_category_code,
        'Unknown' as category_name_en,
        '未知' as category_name_zh,
        null as region_code,
        {{ unknown_key() }} as customer_key,
        true as is_inferred,
        null as source_file_id
    from named
    left join known on named.merchant_id = known.merchant_id
    where known.merchant_id is null
),

unknown as (
    select
        {{ unknown_key() }} as merchant_key,
        '-1' as merchant_id,
        'Unknown' as merchant_name,
        null as merchant_category_code,
        'Unknown' as category_name_en,
        '未知' as category_name_zh,
        null as region_code,
        {{ unknown_key() }} as customer_key,
        false as is_inferred,
        null as source_file_id
),

final as (
    select * from known
    union all
    select * from inferred
    union all
    select * from unknown
)

select * from final
