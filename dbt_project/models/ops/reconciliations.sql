{{
    config(
        materialized='incremental',
        incremental_strategy='replace_window',
        on_schema_change='fail',
        tags=['daily'],
        meta={'window_column': 'business_date'},
    )
}}

with transactions as (
    select *
    from {{ ref('fct_transactions') }}
    where {{ in_window('business_date') }}
),

extract_files as (
    select *
    from {{ ref('stg_extract_files') }}
    where {{ in_window('business_date') }}
),

gl_balances as (
    select *
    from {{ ref('stg_gl_balances') }}
    where {{ in_window('business_date') }}
),

posted as (
    select
        business_date,
        channel_code,
        count(*) as transaction_count,
        sum(amount) as amount,
        sum(case when direction = 'credit' then amount else 0 end) as credit_amount,
        sum(case when direction = 'debit' then amount else 0 end) as debit_amount
    from transactions
    group by business_date, channel_code
),

files as (
    select
        business_date,
        case feed
            when 'counter_transactions' then 'counter'
            when 'card_transactions' then 'card'
            when 'pos_transactions' then 'pos'
            when 'atm_transactions' then 'atm'
        end as channel_code,
        -- without a sidecar, the file itself is the control
        sum(coalesce(control_rows, rows_read)) as control_rows,
        sum(coalesce(control_amount, loaded_amount + coalesce(rejected_amount, 0))) as control_amount,
        sum(rows_rejected) as rejected_rows,
        sum(coalesce(rejected_amount, 0)) as rejected_amount
    from extract_files
    where
        status = 'loaded'
        and feed in ('counter_transactions', 'card_transactions', 'pos_transactions', 'atm_transactions')
    group by business_date, feed
),

-- a channel with postings and no file, or a file and no postings, must show as well
channels as (
    select
        coalesce(files.business_date, posted.business_date) as business_date,
        coalesce(files.channel_code, posted.channel_code) as channel_code,
        files.control_rows,
        files.control_amount,
        coalesce(files.rejected_rows, 0) as rejected_rows,
        coalesce(files.rejected_amount, 0) as rejected_amount,
        coalesce(posted.transaction_count, 0) as transaction_count,
        coalesce(posted.amount, 0) as amount
    from files
    full outer join posted on files.business_date = posted.business_date and files.channel_code = posted.channel_code
),

-- deposits are posted to by the counter, at terminals and at machines; card receivables by the card system
ledger_turnovers as (
    select
        business_date,
        case gl_account_code when '2010' then 'deposits' else 'card_accounts' end as channel_code,
        sum(debit_turnover_amount) as debit_amount,
        sum(credit_turnover_amount) as credit_amount
    from gl_balances
    where gl_account_code in ('2010', '1320')
    group by business_date, gl_account_code
),

ledger_dates as (
    select distinct business_date from gl_balances
),

warehouse_turnovers as (
    select
        channels.business_date,
        case channels.channel_code when 'card' then 'card_accounts' else 'deposits' end as channel_code,
        sum(coalesce(posted.debit_amount, 0)) as debit_amount,
        sum(coalesce(posted.credit_amount, 0)) as credit_amount,
        sum(channels.rejected_amount) as rejected_amount,
        sum(channels.rejected_rows) as rejected_rows
    from channels
    -- a bank whose ledger tells nothing of a date cannot be compared with it
    inner join ledger_dates on channels.business_date = ledger_dates.business_date
    left join posted
        on channels.business_date = posted.business_date and channels.channel_code = posted.channel_code
    group by
        channels.business_date,
        case channels.channel_code when 'card' then 'card_accounts' else 'deposits' end
),

-- an account that only one of the two knows must show as well
turnovers as (
    select
        coalesce(ledger_turnovers.business_date, warehouse_turnovers.business_date) as business_date,
        coalesce(ledger_turnovers.channel_code, warehouse_turnovers.channel_code) as channel_code,
        coalesce(ledger_turnovers.debit_amount, 0) as ledger_debit_amount,
        coalesce(ledger_turnovers.credit_amount, 0) as ledger_credit_amount,
        coalesce(warehouse_turnovers.debit_amount, 0) as debit_amount,
        coalesce(warehouse_turnovers.credit_amount, 0) as credit_amount,
        coalesce(warehouse_turnovers.rejected_amount, 0) as rejected_amount,
        coalesce(warehouse_turnovers.rejected_rows, 0) as rejected_rows
    from ledger_turnovers
    full outer join warehouse_turnovers
        on
            ledger_turnovers.business_date = warehouse_turnovers.business_date
            and ledger_turnovers.channel_code = warehouse_turnovers.channel_code
),

measures as (
    select
        business_date,
        channel_code,
        'rows' as measure,
        cast(control_rows as decimal(18, 2)) as control_value,
        cast(transaction_count as decimal(18, 2)) as warehouse_value,
        cast(rejected_rows as decimal(18, 2)) as rejected_value,
        cast(null as decimal(18, 2)) as ledger_value,
        cast(transaction_count + rejected_rows - control_rows as decimal(18, 2)) as difference,
        cast(rejected_rows as bigint) as rejected_rows
    from channels
    union all
    select
        business_date,
        channel_code,
        'amount' as measure,
        cast(control_amount as decimal(18, 2)) as control_value,
        cast(amount as decimal(18, 2)) as warehouse_value,
        cast(rejected_amount as decimal(18, 2)) as rejected_value,
        cast(null as decimal(18, 2)) as ledger_value,
        cast(amount + rejected_amount - control_amount as decimal(18, 2)) as difference,
        cast(rejected_rows as bigint) as rejected_rows
    from channels
    {% for side in ['debit', 'credit'] -%}
    union all
    -- what was refused may have been a debit or a credit, and its amount unreadable: it explains a shortfall
    select
        business_date,
        channel_code,
        '{{ side }}_turnover' as measure,
        cast(null as decimal(18, 2)) as control_value,
        cast({{ side }}_amount as decimal(18, 2)) as warehouse_value,
        cast(rejected_amount as decimal(18, 2)) as rejected_value,
        cast(ledger_{{ side }}_amount as decimal(18, 2)) as ledger_value,
        cast({{ side }}_amount - ledger_{{ side }}_amount as decimal(18, 2)) as difference,
        cast(rejected_rows as bigint) as rejected_rows
    from turnovers
    {% endfor %}
),

-- A control total allows no difference. A ledger turnover allows none either, unless records were refused that day on
-- the channels that post to it: then the warehouse may lack something (an unreadable amount cannot be told), but never
-- hold more than the ledger.
final as (
    select
        *,
        coalesce(
            difference = 0 or (ledger_value is not null and difference < 0 and rejected_rows > 0), false
        ) as is_reconciled
    from measures
)

select * from final
