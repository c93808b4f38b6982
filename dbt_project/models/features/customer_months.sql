{{
    config(
        materialized='incremental',
        incremental_strategy='replace_window',
        on_schema_change='fail',
        meta={'window_column': 'month_end_date'},
    )
}}

{%- set rebuild_from = rebuild_from() %}
{#- windows reach eleven months back from the first month that is built -#}
{%- set read_from = months_after(rebuild_from, -11) %}
{#- all groups of reference.merchant_categories but `other`, which is the rest -#}
{%- set category_groups = [
    'daily_needs', 'dining', 'travel', 'home', 'health', 'education_children', 'leisure', 'car',
] %}
{%- set contact_channels = ['call_centre', 'web', 'mobile', 'wechat'] %}
{%- set trends = [
    ('inflow', 'amount'), ('outflow', 'amount'), ('purchase', 'amount'), ('transfers_out', 'amount'),
    ('own_transactions', 'count'), ('own_interactions', 'count'),
] %}

with all_months as (
    select * from {{ ref('int_months') }}
),

months as (
    select *
    from all_months
    where month_start_date >= {{ rebuild_from }}
),

customers as (
    select *
    from {{ ref('dim_customer') }}
    where customer_key <> {{ unknown_key() }}
),

products as (
    select * from {{ ref('dim_product') }}
),

account_months as (
    select *
    from {{ ref('fct_account_months') }}
    where month_end_date >= {{ read_from }}
),

loan_months as (
    select *
    from {{ ref('fct_loan_months') }}
    where month_end_date >= {{ read_from }}
),

activity_months as (
    select *
    from {{ ref('int_customer_activity_months') }}
    where month_end_date >= {{ read_from }}
),

category_months as (
    select *
    from {{ ref('int_customer_category_months') }}
    where month_end_date >= {{ read_from }}
),

merchant_categories as (
    select * from {{ ref('merchant_categories') }}
),

contact_months as (
    select *
    from {{ ref('int_customer_contact_months') }}
    where month_end_date >= {{ read_from }}
),

product_months as (
    select *
    from {{ ref('int_customer_product_months') }}
    where month_end_date >= {{ rebuild_from }}
),

card_versions as (
    select *
    from {{ ref('int_card_versions') }}
    where card_type = 'credit'
),

-- customers as they were known on the date that describes the month; one that left stays through the month of leaving
customers_of_months as (
    select
        months.month_end_date,
        months.month_start_date,
        months.as_of_date,
        months.month_index,
        months.first_loaded_date,
        customers.customer_key,
        customers.customer_type,
        customers.status_code,
        customers.region_code,
        customers.occupation_code,
        customers.industry_code,
        customers.annual_income_amount,
        customers.birth_date,
        customers.customer_since_date,
        customers.has_marketing_opt_out
    from months
    inner join customers
        on
            months.as_of_date >= customers.valid_from
            and months.as_of_date < customers.valid_to
    where customers.status_code <> 'closed' or customers.valid_from >= months.month_start_date
),

card_limits as (
    select
        months.month_end_date,
        card_versions.account_id,
        max(card_versions.credit_limit_amount) as credit_limit_amount
    from months
    inner join card_versions
        on
            months.as_of_date >= card_versions.valid_from
            and months.as_of_date < card_versions.valid_to
    where card_versions.status_code <> 'closed'
    group by months.month_end_date, card_versions.account_id
),

account_positions as (
    select
        account_months.customer_key,
        account_months.month_end_date,
        sum(
            case when products.product_family = 'deposit' then account_months.end_balance_amount end
        ) as deposit_end_balance_amount,
        sum(
            case when products.product_family = 'deposit' then account_months.minimum_balance_amount end
        ) as deposit_minimum_balance_amount,
        sum(
            case when products.product_family = 'deposit' then account_months.average_balance_amount end
        ) as deposit_average_balance_amount,
        sum(
            case
                when products.product_family = 'card_account' then greatest(-account_months.end_balance_amount, 0)
                else 0
            end
        ) as card_debt_amount,
        sum(
            case
                when products.product_family = 'card_account'
                    then coalesce(account_months.overdraft_limit_amount, card_limits.credit_limit_amount)
            end
        ) as card_limit_amount
    from account_months
    left join products on account_months.product_code = products.product_code
    left join card_limits
        on
            account_months.account_id = card_limits.account_id
            and account_months.month_end_date = card_limits.month_end_date
    group by account_months.customer_key, account_months.month_end_date
),

balance_windows as (
    select
        months.month_end_date,
        account_positions.customer_key,
        avg(account_positions.deposit_average_balance_amount) as average_balance_3m_amount
    from months
    inner join account_positions
        on
            {{ month_index('account_positions.month_end_date') }}
            between months.month_index - 2 and months.month_index
    group by months.month_end_date, account_positions.customer_key
),

activity_windows as (
    select
        months.month_end_date,
        activity_months.customer_key,
        {% for span in [1, 3, 6, 12] -%}
        {% set inside = 'activity_months.month_index > months.month_index - ' ~ span -%}
        sum(case when {{ inside }} then activity_months.inflow_amount else 0 end) as inflow_{{ span }}m_amount,
        sum(case when {{ inside }} then activity_months.outflow_amount else 0 end) as outflow_{{ span }}m_amount,
        sum(case when {{ inside }} then activity_months.transaction_count else 0 end) as transactions_{{ span }}m_count,
        {% endfor -%}
        {% for span in [1, 3] -%}
        {% set inside = 'activity_months.month_index > months.month_index - ' ~ span -%}
        {% for column in ['salary_inflow', 'purchase', 'transfers_out'] -%}
        sum(case when {{ inside }} then activity_months.{{ column }}_amount else 0 end)
            as {{ column }}_{{ span }}m_amount,
        {% endfor -%}
        sum(case when {{ inside }} then activity_months.own_transaction_count else 0 end)
            as own_transactions_{{ span }}m_count,
        sum(case when {{ inside }} then activity_months.fees_count else 0 end) as fees_{{ span }}m_count,
        {% endfor -%}
        {% set inside = 'activity_months.month_index > months.month_index - 3' -%}
        {% for column in ['cash_outflow', 'cash_advance'] -%}
        sum(case when {{ inside }} then activity_months.{{ column }}_amount else 0 end) as {{ column }}_3m_amount,
        {% endfor -%}
        sum(case when {{ inside }} then activity_months.purchase_count else 0 end) as purchases_3m_count,
        {% for channel in ['counter', 'card', 'pos', 'atm'] -%}
        sum(case when {{ inside }} then activity_months.{{ channel }}_count else 0 end) as {{ channel }}_3m_count,
        {% endfor -%}
        {% for event in ['statement_fees', 'penalties', 'cash_advances'] -%}
        sum(case when {{ inside }} then activity_months.{{ event }}_count else 0 end) as {{ event }}_3m_count,
        {% endfor -%}
        max(
            case
                when activity_months.month_index > months.month_index - 6 and activity_months.salary_inflow_amount > 0
                    then activity_months.month_index
            end
        ) as last_salary_month_index,
        max(activity_months.last_own_transaction_date) as last_own_transaction_date,
        max(activity_months.last_transaction_date) as last_transaction_date
    from months
    inner join activity_months
        on activity_months.month_index between months.month_index - 11 and months.month_index
    group by months.month_end_date, activity_months.customer_key
),

category_windows as (
    select
        months.month_end_date,
        category_months.customer_key,
        {% for group in category_groups -%}
        sum(
            case when merchant_categories.category_group = '{{ group }}' then category_months.purchase_count else 0 end
        ) as purchases_{{ group }}_3m_count,
        {% endfor -%}
        count(distinct category_months.merchant_category_code) as merchant_categories_3m_count
    from months
    inner join category_months
        on category_months.month_index between months.month_index - 2 and months.month_index
    left join merchant_categories
        on category_months.merchant_category_code = merchant_categories.merchant_category_code
    group by months.month_end_date, category_months.customer_key
),

contact_windows as (
    select
        months.month_end_date,
        contact_months.customer_key,
        sum(contact_months.interaction_count) as interactions_3m_count,
        {% for span in [1, 3] -%}
        {% set inside = 'contact_months.month_index > months.month_index - ' ~ span -%}
        sum(case when {{ inside }} then contact_months.complaint_count else 0 end) as complaints_{{ span }}m_count,
        sum(case when {{ inside }} then contact_months.own_interaction_count else 0 end)
            as own_interactions_{{ span }}m_count,
        {% endfor -%}
        {% for channel in contact_channels -%}
        sum(contact_months.own_{{ channel }}_count) as {{ channel }}_interactions_3m_count,
        {% endfor -%}
        sum(contact_months.call_count) as calls_3m_count,
        cast(sum(contact_months.satisfaction_sum) as double) / nullif(sum(contact_months.satisfaction_count), 0)
            as satisfaction_3m_average
    from months
    inner join contact_months
        on contact_months.month_index between months.month_index - 2 and months.month_index
    group by months.month_end_date, contact_months.customer_key
),

loan_positions as (
    select
        customer_key,
        month_end_date,
        {{ month_index('month_end_date') }} as month_index,
        sum(case when status_code in ('running', 'running_in_debt') then 1 else 0 end) as running_loans_count,
        sum(balance_amount) as loan_balance_amount,
        sum(overdue_amount) as overdue_amount,
        sum(instalment_due_in_month_amount) as instalment_due_amount,
        sum(instalment_paid_in_month_amount) as instalment_paid_amount,
        max(days_past_due) as days_past_due,
        max(case when is_written_off then 1 else 0 end) = 1 as is_written_off
    from loan_months
    group by customer_key, month_end_date
),

loan_windows as (
    select
        months.month_end_date,
        loan_positions.customer_key,
        {% set inside = 'loan_positions.month_index > months.month_index - 3' -%}
        sum(case when {{ inside }} then loan_positions.instalment_due_amount else 0 end) as instalment_due_3m_amount,
        sum(case when {{ inside }} then loan_positions.instalment_paid_amount else 0 end) as instalment_paid_3m_amount,
        {% for span in [3, 6] -%}
        max(
            case when loan_positions.month_index > months.month_index - {{ span }} then loan_positions.days_past_due end
        ) as max_days_past_due_{{ span }}m,
        {% endfor -%}
        max(loan_positions.days_past_due) as max_days_past_due_12m
    from months
    inner join loan_positions
        on loan_positions.month_index between months.month_index - 11 and months.month_index
    group by months.month_end_date, loan_positions.customer_key
),

product_counts as (
    select
        customer_key,
        month_end_date,
        count(*) as products_held_count
    from product_months
    group by customer_key, month_end_date
),

base_features as (
    select
        customers_of_months.customer_key,
        customers_of_months.month_end_date,
        customers_of_months.as_of_date,
        -- who
        customers_of_months.customer_type,
        customers_of_months.status_code,
        customers_of_months.region_code,
        customers_of_months.occupation_code,
        customers_of_months.industry_code,
        customers_of_months.annual_income_amount,
        customers_of_months.has_marketing_opt_out,
        cast(
            customers_of_months.month_index - {{ month_index('customers_of_months.customer_since_date') }} as integer
        ) as tenure_months,
        cast(
            year(customers_of_months.as_of_date) - year(customers_of_months.birth_date)
            - case
                when
                    month(customers_of_months.as_of_date) * 100 + day(customers_of_months.as_of_date)
                    < month(customers_of_months.birth_date) * 100 + day(customers_of_months.birth_date)
                    then 1
                else 0
            end
            as integer
        ) as age_years,
        cast(
            customers_of_months.month_index + 1
            - greatest(
                {{ month_index('customers_of_months.first_loaded_date') }},
                coalesce({{ month_index('customers_of_months.customer_since_date') }}, 0)
            )
            as integer
        ) as history_months,
        -- balances
        cast(account_positions.deposit_end_balance_amount as decimal(18, 2)) as deposit_end_balance_amount,
        cast(account_positions.deposit_minimum_balance_amount as decimal(18, 2)) as deposit_minimum_balance_1m_amount,
        cast(account_positions.deposit_average_balance_amount as decimal(18, 2)) as deposit_average_balance_1m_amount,
        cast(balance_windows.average_balance_3m_amount as decimal(18, 2)) as deposit_average_balance_3m_amount,
        -- flows and activity
        {% for span in [1, 3, 6, 12] -%}
        {% for flow in ['inflow', 'outflow'] -%}
        cast(
            coalesce(activity_windows.{{ flow }}_{{ span }}m_amount, 0) as decimal(18, 2)
        ) as {{ flow }}_{{ span }}m_amount,
        {% endfor -%}
        cast(coalesce(activity_windows.transactions_{{ span }}m_count, 0) as integer) as transactions_{{ span }}m_count,
        {% endfor -%}
        {% for span in [1, 3] -%}
        {% for column in ['salary_inflow', 'purchase', 'transfers_out'] -%}
        cast(
            coalesce(activity_windows.{{ column }}_{{ span }}m_amount, 0) as decimal(18, 2)
        ) as {{ column }}_{{ span }}m_amount,
        {% endfor -%}
        {% for event in ['own_transactions', 'fees'] -%}
        cast(coalesce(activity_windows.{{ event }}_{{ span }}m_count, 0) as integer) as {{ event }}_{{ span }}m_count,
        {% endfor -%}
        {% endfor -%}
        {% for column in ['cash_outflow', 'cash_advance'] -%}
        cast(coalesce(activity_windows.{{ column }}_3m_amount, 0) as decimal(18, 2)) as {{ column }}_3m_amount,
        {% endfor -%}
        {% for channel in ['counter', 'card', 'pos', 'atm'] -%}
        cast(coalesce(activity_windows.{{ channel }}_3m_count, 0) as integer) as {{ channel }}_transactions_3m_count,
        {% endfor -%}
        {% for event in ['statement_fees', 'penalties', 'cash_advances', 'purchases'] -%}
        cast(coalesce(activity_windows.{{ event }}_3m_count, 0) as integer) as {{ event }}_3m_count,
        {% endfor -%}
        {% for group in category_groups -%}
        cast(coalesce(category_windows.purchases_{{ group }}_3m_count, 0) as integer)
            as purchases_{{ group }}_3m_count,
        {% endfor -%}
        cast(
            coalesce(activity_windows.purchases_3m_count, 0)
            {%- for group in category_groups %}
            - coalesce(category_windows.purchases_{{ group }}_3m_count, 0)
            {%- endfor %}
            as integer
        ) as purchases_other_3m_count,
        cast(coalesce(category_windows.merchant_categories_3m_count, 0) as integer) as merchant_categories_3m_count,
        cast(activity_windows.cash_outflow_3m_amount as double)
        / nullif(cast(activity_windows.outflow_3m_amount + activity_windows.cash_advance_3m_amount as double), 0)
            as cash_3m_share,
        cast(
            {{ days_between('activity_windows.last_transaction_date', 'customers_of_months.as_of_date') }} as integer
        ) as days_since_last_transaction,
        cast(
            {{ days_between('activity_windows.last_own_transaction_date', 'customers_of_months.as_of_date') }}
            as integer
        ) as days_since_last_own_transaction,
        cast(
            customers_of_months.month_index - activity_windows.last_salary_month_index as integer
        ) as months_since_last_salary,
        -- borrowing
        cast(coalesce(account_positions.card_debt_amount, 0) as decimal(18, 2)) as card_debt_amount,
        cast(account_positions.card_limit_amount as decimal(18, 2)) as card_limit_amount,
        cast(account_positions.card_debt_amount as double)
        / nullif(cast(account_positions.card_limit_amount as double), 0) as card_utilisation_share,
        cast(coalesce(loan_positions.running_loans_count, 0) as integer) as running_loans_count,
        cast(loan_positions.loan_balance_amount as decimal(18, 2)) as loan_balance_amount,
        cast(loan_positions.overdue_amount as decimal(18, 2)) as overdue_amount,
        cast(coalesce(loan_windows.instalment_due_3m_amount, 0) as decimal(18, 2)) as instalment_due_3m_amount,
        cast(coalesce(loan_windows.instalment_paid_3m_amount, 0) as decimal(18, 2)) as instalment_paid_3m_amount,
        loan_positions.days_past_due,
        loan_windows.max_days_past_due_3m,
        loan_windows.max_days_past_due_6m,
        loan_windows.max_days_past_due_12m,
        coalesce(loan_positions.is_written_off, false) as is_written_off,
        -- relation
        cast(coalesce(contact_windows.interactions_3m_count, 0) as integer) as interactions_3m_count,
        {% for span in [1, 3] -%}
        {% for event in ['own_interactions', 'complaints'] -%}
        cast(coalesce(contact_windows.{{ event }}_{{ span }}m_count, 0) as integer) as {{ event }}_{{ span }}m_count,
        {% endfor -%}
        {% endfor -%}
        {% for channel in contact_channels -%}
        cast(coalesce(contact_windows.{{ channel }}_interactions_3m_count, 0) as integer)
            as {{ channel }}_interactions_3m_count,
        {% endfor -%}
        cast(coalesce(contact_windows.calls_3m_count, 0) as integer) as calls_3m_count,
        contact_windows.satisfaction_3m_average,
        cast(coalesce(product_counts.products_held_count, 0) as integer) as products_held_count
    from customers_of_months
    left join account_positions using (customer_key, month_end_date)
    left join balance_windows using (customer_key, month_end_date)
    left join activity_windows using (customer_key, month_end_date)
    left join category_windows using (customer_key, month_end_date)
    left join contact_windows using (customer_key, month_end_date)
    left join loan_positions using (customer_key, month_end_date)
    left join loan_windows using (customer_key, month_end_date)
    left join product_counts using (customer_key, month_end_date)
),

-- the month against the mean of the two before it: where one of them is missing, a share would only tell the start
final as (
    select
        *,
        {% for measure, unit in trends -%}
        cast(2 * {{ measure }}_1m_{{ unit }} as double)
        / case
            when history_months >= 3 and {{ measure }}_3m_{{ unit }} > {{ measure }}_1m_{{ unit }}
                then cast({{ measure }}_3m_{{ unit }} - {{ measure }}_1m_{{ unit }} as double)
        end as {{ measure }}_trend_ratio,
        {% endfor -%}
        cast(deposit_end_balance_amount as double)
        / case when deposit_average_balance_3m_amount > 0 then cast(deposit_average_balance_3m_amount as double) end
            as deposit_balance_trend_ratio
    from base_features
)

select * from final
