{{
    config(
        materialized='incremental',
        incremental_strategy='replace_window',
        on_schema_change='fail',
        meta={'window_column': 'month_end_date'},
    )
}}

{%- set rebuild_from = rebuild_from() %}
{#- a salary stops or begins against the two months before -#}
{%- set read_from = months_after(rebuild_from, -2) %}

with all_months as (
    select * from {{ ref('int_months') }}
),

months as (
    select *
    from all_months
    where month_start_date >= {{ rebuild_from }}
),

transactions as (
    select *
    from {{ ref('fct_transactions') }}
    where business_date >= {{ rebuild_from }} and customer_key <> {{ unknown_key() }}
),

interactions as (
    select *
    from {{ ref('fct_interactions') }}
    where business_date >= {{ rebuild_from }} and customer_key <> {{ unknown_key() }}
),

activity_months as (
    select *
    from {{ ref('int_customer_activity_months') }}
    where month_end_date >= {{ read_from }}
),

customers as (
    select *
    from {{ ref('dim_customer') }}
    where customer_key <> {{ unknown_key() }}
),

account_versions as (
    select * from {{ ref('int_account_versions') }}
),

card_versions as (
    select * from {{ ref('int_card_versions') }}
),

loan_versions as (
    select * from {{ ref('int_loan_versions') }}
),

known_customers as (
    select * from {{ ref('int_known_customers') }}
),

merchant_categories as (
    select * from {{ ref('merchant_categories') }}
),

products as (
    select * from {{ ref('dim_product') }}
),

named_events as (
    select * from {{ ref('events') }}
),

purchases as (
    select distinct
        customer_key,
        business_date as event_date,
        'mcc:' || merchant_category_code as event_code,
        'purchase' as event_kind,
        merchant_category_code as named_code
    from transactions
    where transaction_type = 'purchase' and merchant_category_code is not null
),

contacts as (
    select distinct
        customer_key,
        business_date as event_date,
        'contact:' || purpose_code as event_code
    from interactions
    where purpose_code in ('application', 'complaint', 'offer')
),

-- what customers hold, one row per version: each comes once and goes once
holdings as (
    select
        customer_id,
        account_id as holding_id,
        product_code,
        'account' as holding_kind,
        opened_date as begin_date,
        closed_date as end_date,
        status_code,
        valid_from
    from account_versions
    union all
    select
        customer_id,
        card_id as holding_id,
        product_code,
        'card' as holding_kind,
        issued_date as begin_date,
        cast(null as date) as end_date,
        status_code,
        valid_from
    from card_versions
    union all
    select
        customer_id,
        loan_id as holding_id,
        product_code,
        'loan' as holding_kind,
        granted_date as begin_date,
        cast(null as date) as end_date,
        status_code,
        valid_from
    from loan_versions
),

holding_changes as (
    select
        *,
        lag(status_code) over (
            partition by holding_kind, holding_id order by valid_from
        ) as previous_status_code
    from holdings
),

-- an event that is told late happens, for whoever looks, on the date on which it became known
openings as (
    select
        customer_id,
        product_code,
        'product:' || product_code as event_code,
        'product' as event_kind,
        begin_date as dated,
        greatest(begin_date, valid_from) as event_date
    from holding_changes
    where previous_status_code is null
),

closings as (
    select
        customer_id,
        product_code,
        case when holding_kind = 'loan' then 'event:loan_repaid' else 'closing:' || product_code end as event_code,
        case when holding_kind = 'loan' then 'life' else 'closing' end as event_kind,
        coalesce(end_date, valid_from) as dated,
        greatest(coalesce(end_date, valid_from), valid_from) as event_date
    from holding_changes
    where
        previous_status_code <> status_code
        and status_code = case when holding_kind = 'loan' then 'finished' else 'closed' end
),

product_events as (
    select * from openings
    union all
    select * from closings
),

-- what began before the warehouse did is no event; a card account comes and goes with its card
products_of_customers as (
    select distinct
        known_customers.customer_key,
        greatest(product_events.event_date, known_customers.known_from) as event_date,
        product_events.event_code,
        product_events.event_kind,
        product_events.product_code as named_code
    from product_events
    inner join known_customers on product_events.customer_id = known_customers.customer_id
    left join products on product_events.product_code = products.product_code
    where
        product_events.dated >= (select min(all_months.first_loaded_date) from all_months)
        and coalesce(products.product_family, 'unknown') <> 'card_account'
),

customer_changes as (
    select
        customer_key,
        valid_from,
        region_code,
        lag(region_code) over (partition by customer_key order by valid_from) as previous_region_code,
        address,
        lag(address) over (partition by customer_key order by valid_from) as previous_address,
        occupation_code,
        lag(occupation_code) over (partition by customer_key order by valid_from) as previous_occupation_code,
        marital_status_code,
        lag(marital_status_code) over (partition by customer_key order by valid_from) as previous_marital_status_code
    from customers
),

-- a value that is told for the first time has not changed
changes_of_customers as (
    select
        customer_key,
        valid_from as event_date,
        'event:moved' as event_code
    from customer_changes
    where region_code <> previous_region_code or address <> previous_address
    {% for attribute in ['occupation', 'marital_status'] -%}
    union all
    select
        customer_key,
        valid_from as event_date,
        'event:{{ attribute }}_changed' as event_code
    from customer_changes
    where {{ attribute }}_code <> previous_{{ attribute }}_code
    {% endfor -%}
),

-- months that are whole and follow two whole months: only then is a month without a salary one
months_after_two as (
    select
        months.month_end_date,
        min(earlier_months.month_start_date) as first_start_date,
        min(months.month_index) as month_index
    from months
    inner join all_months as earlier_months
        on earlier_months.month_index between months.month_index - 2 and months.month_index
    where earlier_months.is_complete
    group by months.month_end_date
    having count(*) = 3
),

salaries as (
    select
        activity_months.customer_key,
        months_after_two.month_end_date,
        min(months_after_two.first_start_date) as first_start_date,
        max(case when activity_months.month_index = months_after_two.month_index then 1 else 0 end) = 1 as has_salary,
        sum(
            case when activity_months.month_index < months_after_two.month_index then 1 else 0 end
        ) as earlier_salary_months
    from months_after_two
    inner join activity_months
        on activity_months.month_index between months_after_two.month_index - 2 and months_after_two.month_index
    where activity_months.salary_inflow_amount > 0
    group by activity_months.customer_key, months_after_two.month_end_date
),

-- a new customer's first salary has not begun, and who leaves takes the salary along
salary_changes as (
    select
        salaries.customer_key,
        salaries.month_end_date as event_date,
        case when salaries.has_salary then 'event:salary_started' else 'event:salary_stopped' end as event_code
    from salaries
    inner join known_customers
        on
            salaries.customer_key = known_customers.customer_key
            and salaries.first_start_date >= known_customers.known_from
    inner join customers
        on
            salaries.customer_key = customers.customer_key
            and salaries.month_end_date >= customers.valid_from
            and salaries.month_end_date < customers.valid_to
    where
        customers.status_code <> 'closed'
        and salaries.earlier_salary_months = case when salaries.has_salary then 0 else 2 end
),

listed as (
    select
        customer_key,
        event_date,
        event_code
    from contacts
    union all
    select
        customer_key,
        event_date,
        event_code
    from changes_of_customers
    union all
    select
        customer_key,
        event_date,
        event_code
    from salary_changes
    union all
    -- two loans may be repaid on one day
    select distinct
        customer_key,
        event_date,
        event_code
    from products_of_customers
    where event_kind = 'life'
),

all_events as (
    select
        purchases.customer_key,
        purchases.event_date,
        purchases.event_code,
        purchases.event_kind,
        coalesce(merchant_categories.name_en, 'Merchant category ' || purchases.named_code) as event_name_en,
        coalesce(merchant_categories.name_zh, '商户类别 ' || purchases.named_code) as event_name_zh
    from purchases
    left join merchant_categories on purchases.named_code = merchant_categories.merchant_category_code
    union all
    select
        products_of_customers.customer_key,
        products_of_customers.event_date,
        products_of_customers.event_code,
        products_of_customers.event_kind,
        case when products_of_customers.event_kind = 'closing' then 'Closed: ' else 'New: ' end
        || coalesce(products.name_en, products_of_customers.named_code) as event_name_en,
        case when products_of_customers.event_kind = 'closing' then '关闭：' else '新开：' end
        || coalesce(products.name_zh, products_of_customers.named_code) as event_name_zh
    from products_of_customers
    left join products on products_of_customers.named_code = products.product_code
    where products_of_customers.event_kind <> 'life'
    union all
    select
        listed.customer_key,
        listed.event_date,
        listed.event_code,
        named_events.event_kind,
        named_events.name_en as event_name_en,
        named_events.name_zh as event_name_zh
    from listed
    inner join named_events on listed.event_code = named_events.event_code
),

final as (
    select
        all_events.customer_key,
        all_events.event_date,
        all_events.event_code,
        all_events.event_kind,
        all_events.event_name_en,
        all_events.event_name_zh,
        months.month_end_date,
        months.as_of_date
    from all_events
    inner join months
        on
            months.month_end_date = last_day(all_events.event_date)
            and all_events.event_date <= months.as_of_date
)

select * from final
