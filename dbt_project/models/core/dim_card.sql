with card_versions as (
    select * from {{ ref('int_card_versions') }}
),

known_customers as (
    select * from {{ ref('int_known_customers') }}
),

account_versions as (
    select * from {{ ref('int_account_versions') }}
),

known_accounts as (
    select distinct
        account_key,
        account_id
    from account_versions
),

known as (
    select
        card_versions.card_key,
        card_versions.card_id,
        coalesce(known_accounts.account_key, {{ unknown_key() }}) as account_key,
        coalesce(known_customers.customer_key, {{ unknown_key() }}) as customer_key,
        card_versions.card_type,
        card_versions.product_code,
        card_versions.issued_date,
        card_versions.expiry_date,
        card_versions.credit_limit_amount,
        card_versions.status_code,
        card_versions.source_file_id
    from card_versions
    left join known_accounts on card_versions.account_id = known_accounts.account_id
    left join known_customers on card_versions.customer_id = known_customers.customer_id
    where card_versions.valid_to = date '9999-12-31'
),

unknown as (
    select
        {{ unknown_key() }} as card_key,
        '-1' as card_id,
        {{ unknown_key() }} as account_key,
        {{ unknown_key() }} as customer_key,
        'unknown' as card_type,
        '-1' as product_code,
        null as issued_date,
        null as expiry_date,
        null as credit_limit_amount,
        'unknown' as status_code,
        null as source_file_id
),

final as (
    select * from known
    union all
    select * from unknown
)

select * from final
