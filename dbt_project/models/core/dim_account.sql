with account_versions as (
    select * from {{ ref('int_account_versions') }}
),

known_customers as (
    select * from {{ ref('int_known_customers') }}
),

known as (
    select
        account_versions.account_key,
        account_versions.account_id,
        coalesce(owners.customer_key, {{ unknown_key() }}) as customer_key,
        coalesce(joint_owners.customer_key, {{ unknown_key() }}) as joint_customer_key,
        account_versions.product_code,
        {{ key_or_unknown('account_versions.branch_id') }} as branch_key,
        account_versions.currency_code,
        account_versions.opened_date,
        account_versions.closed_date,
        account_versions.status_code,
        account_versions.interest_rate,
        account_versions.overdraft_limit_amount,
        account_versions.statement_frequency_code,
        account_versions.source_file_id
    from account_versions
    left join known_customers as owners on account_versions.customer_id = owners.customer_id
    left join known_customers as joint_owners on account_versions.joint_customer_id = joint_owners.customer_id
    where account_versions.valid_to = date '9999-12-31'
),

unknown as (
    select
        {{ unknown_key() }} as account_key,
        '-1' as account_id,
        {{ unknown_key() }} as customer_key,
        {{ unknown_key() }} as joint_customer_key,
        '-1' as product_code,
        {{ unknown_key() }} as branch_key,
        null as currency_code,
        null as opened_date,
        null as closed_date,
        'unknown' as status_code,
        null as interest_rate,
        null as overdraft_limit_amount,
        null as statement_frequency_code,
        null as source_file_id
),

final as (
    select * from known
    union all
    select * from unknown
)

select * from final
