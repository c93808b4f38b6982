with loan_versions as (
    select * from {{ ref('int_loan_versions') }}
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
        loan_versions.loan_key,
        loan_versions.loan_id,
        coalesce(known_customers.customer_key, {{ unknown_key() }}) as customer_key,
        coalesce(known_accounts.account_key, {{ unknown_key() }}) as account_key,
        loan_versions.product_code,
        loan_versions.facility_id,
        {{ key_or_unknown('loan_versions.branch_id') }} as branch_key,
        loan_versions.currency_code,
        loan_versions.granted_date,
        loan_versions.maturity_date,
        loan_versions.principal_amount,
        loan_versions.interest_rate,
        loan_versions.term_months,
        loan_versions.instalment_amount,
        loan_versions.status_code,
        loan_versions.source_file_id
    from loan_versions
    left join known_accounts on loan_versions.account_id = known_accounts.account_id
    left join known_customers on loan_versions.customer_id = known_customers.customer_id
    where loan_versions.valid_to = date '9999-12-31'
),

unknown as (
    select
        {{ unknown_key() }} as loan_key,
        '-1' as loan_id,
        {{ unknown_key() }} as customer_key,
        {{ unknown_key() }} as account_key,
        '-1' as product_code,
        null as facility_id,
        {{ unknown_key() }} as branch_key,
        null as currency_code,
        null as granted_date,
        null as maturity_date,
        null as principal_amount,
        null as interest_rate,
        null as term_months,
        null as instalment_amount,
        'unknown' as status_code,
        null as source_file_id
),

final as (
    select * from known
    union all
    select * from unknown
)

select * from final
