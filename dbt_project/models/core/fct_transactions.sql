{{
    config(
        materialized='incremental',
        incremental_strategy='replace_window',
        unique_key=['business_date', 'transaction_key'],
        on_schema_change='fail',
        tags=['daily'],
        meta={'window_column': 'business_date'},
    )
}}

with counter_transactions as (
    select *
    from {{ ref('stg_counter_transactions') }}
    where {{ in_window('business_date') }}
),

card_transactions as (
    select *
    from {{ ref('stg_card_transactions') }}
    where {{ in_window('business_date') }}
),

pos_transactions as (
    select *
    from {{ ref('stg_pos_transactions') }}
    where {{ in_window('business_date') }}
),

atm_transactions as (
    select *
    from {{ ref('stg_atm_transactions') }}
    where {{ in_window('business_date') }}
),

account_owners as (
    select * from {{ ref('int_account_owners') }}
),

card_versions as (
    select * from {{ ref('int_card_versions') }}
),

channels_united as (
    select
        'counter' as channel_code,
        transaction_id,
        business_date,
        booked_at,
        transaction_type,
        direction,
        amount,
        null as fee_amount,
        currency_code,
        balance_after,
        account_id,
        null as card_id,
        null as merchant_id,
        null as merchant_category_code,
        branch_id,
        purpose_code,
        counterparty_account_id,
        counterparty_bank_code,
        null as is_online,
        transaction_type in ('deposit', 'withdrawal') as is_cash,
        source_file_id
    from counter_transactions
    union all
    select
        'card' as channel_code,
        transaction_id,
        business_date,
        booked_at,
        transaction_type,
        direction,
        amount,
        null as fee_amount,
        currency_code,
        balance_after,
        account_id,
        card_id,
        merchant_id,
        merchant_category_code,
        null as branch_id,
        null as purpose_code,
        null as counterparty_account_id,
        null as counterparty_bank_code,
        is_online,
        transaction_type = 'cash_advance' as is_cash,
        source_file_id
    from card_transactions
    union all
    select
        'pos' as channel_code,
        transaction_id,
        business_date,
        booked_at,
        transaction_type,
        direction,
        amount,
        null as fee_amount,
        currency_code,
        balance_after,
        account_id,
        card_id,
        merchant_id,
        merchant_category_code,
        null as branch_id,
        null as purpose_code,
        null as counterparty_account_id,
        null as counterparty_bank_code,
        false as is_online,
        false as is_cash,
        source_file_id
    from pos_transactions
    union all
    select
        'atm' as channel_code,
        transaction_id,
        business_date,
        booked_at,
        transaction_type,
        direction,
        amount,
        fee_amount,
        currency_code,
        balance_after,
        account_id,
        card_id,
        null as merchant_id,
        null as merchant_category_code,
        branch_id,
        null as purpose_code,
        null as counterparty_account_id,
        null as counterparty_bank_code,
        false as is_online,
        transaction_type in ('deposit', 'withdrawal') as is_cash,
        source_file_id
    from atm_transactions
),

loaded as (
    select
        {{ surrogate_key(['channel_code', 'transaction_id']) }} as transaction_key,
        transaction_id,
        business_date,
        booked_at,
        channel_code,
        transaction_type,
        direction,
        amount,
        cast(case when direction = 'credit' then amount else -amount end as decimal(18, 2)) as signed_amount,
        fee_amount,
        currency_code,
        balance_after,
        is_cash,
        is_online,
        purpose_code,
        merchant_category_code,
        account_id,
        card_id,
        {{ key_or_unknown('merchant_id') }} as merchant_key,
        {{ key_or_unknown('branch_id') }} as branch_key,
        counterparty_account_id,
        counterparty_bank_code,
        source_file_id,
        nullif('', '') as stored_keys
    from channels_united
    {%- if is_incremental() %}
    union all
    -- Rows of later dates were resolved before the window's accounts, cards and customers were known (or known
    -- otherwise). On a new day there are none; after a late or restated day they are resolved again.
    select
        transaction_key,
        transaction_id,
        business_date,
        booked_at,
        channel_code,
        transaction_type,
        direction,
        amount,
        signed_amount,
        fee_amount,
        currency_code,
        balance_after,
        is_cash,
        is_online,
        purpose_code,
        merchant_category_code,
        account_id,
        card_id,
        merchant_key,
        branch_key,
        counterparty_account_id,
        counterparty_bank_code,
        source_file_id,
        account_key || customer_key || card_key as stored_keys
    from {{ this }}
    where business_date > {{ window_end() }}
    {%- endif %}
),

-- resolved strictly as of the business date, so that the order in which days are loaded changes nothing
resolved as (
    select
        loaded.*,
        coalesce(account_owners.account_key, {{ unknown_key() }}) as account_key,
        coalesce(account_owners.customer_key, {{ unknown_key() }}) as customer_key,
        coalesce(card_versions.card_key, {{ unknown_key() }}) as card_key
    from loaded
    left join account_owners
        on
            loaded.account_id = account_owners.account_id
            and loaded.business_date >= account_owners.valid_from
            and loaded.business_date < account_owners.valid_to
    left join card_versions
        on
            loaded.card_id = card_versions.card_id
            and loaded.business_date >= card_versions.valid_from
            and loaded.business_date < card_versions.valid_to
),

final as (
    select
        transaction_key,
        transaction_id,
        business_date,
        booked_at,
        channel_code,
        transaction_type,
        direction,
        amount,
        signed_amount,
        fee_amount,
        currency_code,
        balance_after,
        is_cash,
        is_online,
        purpose_code,
        merchant_category_code,
        account_id,
        account_key,
        customer_key,
        card_id,
        card_key,
        merchant_key,
        branch_key,
        counterparty_account_id,
        counterparty_bank_code,
        source_file_id
    from resolved
    where stored_keys is null or stored_keys <> account_key || customer_key || card_key
)

select * from final
