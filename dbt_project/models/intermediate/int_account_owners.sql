with account_versions as (
    select * from {{ ref('int_account_versions') }}
),

known_customers as (
    select * from {{ ref('int_known_customers') }}
),

owners as (
    select
        account_versions.account_key,
        account_versions.account_id,
        account_versions.valid_from,
        account_versions.valid_to,
        known_customers.customer_key,
        coalesce(known_customers.known_from, date '9999-12-31') as known_from
    from account_versions
    left join known_customers on account_versions.customer_id = known_customers.customer_id
),

-- an account may be on record before its owner is: until then the owner is the unknown member
before_owner_known as (
    select
        account_key,
        account_id,
        {{ unknown_key() }} as customer_key,
        valid_from,
        least(valid_to, known_from) as valid_to
    from owners
    where valid_from < known_from
),

since_owner_known as (
    select
        account_key,
        account_id,
        customer_key,
        greatest(valid_from, known_from) as valid_from,
        valid_to
    from owners
    where valid_to > known_from
),

final as (
    select * from before_owner_known
    union all
    select * from since_owner_known
)

select * from final
