{%- set attributes = [
    'customer_type', 'full_name', 'id_document_type', 'id_document_number', 'birth_date', 'gender', 'registered_date',
    'phone', 'email', 'address', 'region_code', 'occupation_code', 'marital_status_code', 'annual_income_amount',
    'industry_code', 'employee_count', 'registered_capital_amount', 'branch_id', 'customer_since_date', 'status_code',
    'has_marketing_opt_out',
] -%}

with customers as (
    select * from {{ ref('stg_customers') }}
),

records as (
    select
        *,
        {{ attributes_hash(attributes) }} as attributes_hash
    from customers
),

compared as (
    select
        *,
        lag(attributes_hash) over (partition by customer_id order by change_date) as previous_hash
    from records
),

-- a record that says the same as the one before it is no new version
versions as (
    select
        *,
        lead(change_date) over (partition by customer_id order by change_date) as next_change_date
    from compared
    where previous_hash is null or previous_hash <> attributes_hash
),

known as (
    select
        {{ surrogate_key(['customer_id', 'change_date']) }} as customer_version_key,
        {{ surrogate_key(['customer_id']) }} as customer_key,
        customer_id,
        {% for attribute in attributes -%}
        {{ attribute }},
        {% endfor -%}
        {{ key_or_unknown('branch_id') }} as branch_key,
        change_date as valid_from,
        coalesce(next_change_date, date '9999-12-31') as valid_to,
        next_change_date is null as is_current,
        source_file_id
    from versions
),

unknown as (
    select
        {{ unknown_key() }} as customer_version_key,
        {{ unknown_key() }} as customer_key,
        '-1' as customer_id,
        'unknown' as customer_type,
        'unknown' as status_code,
        {{ unknown_key() }} as branch_key,
        date '1900-01-01' as valid_from,
        date '9999-12-31' as valid_to,
        true as is_current
),

final as (
    select * from known
    union all
    select
        customer_version_key,
        customer_key,
        customer_id,
        {% for attribute in attributes -%}
        {{ attribute if attribute in ['customer_type', 'status_code'] else 'null as ' ~ attribute }},
        {% endfor -%}
        branch_key,
        valid_from,
        valid_to,
        is_current,
        null as source_file_id
    from unknown
)

select * from final
