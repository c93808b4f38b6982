{{
    config(
        materialized='incremental',
        incremental_strategy='replace_window',
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

interactions as (
    select *
    from {{ ref('stg_interactions') }}
    where {{ in_window('business_date') }}
),

members as (
    select
        business_date,
        'branch' as member_kind,
        branch_id as member_id
    from counter_transactions
    union
    select
        business_date,
        'branch' as member_kind,
        branch_id as member_id
    from atm_transactions
    union
    select
        business_date,
        'merchant' as member_kind,
        merchant_id as member_id
    from card_transactions
    union
    select
        business_date,
        'merchant' as member_kind,
        merchant_id as member_id
    from pos_transactions
    union
    select
        business_date,
        'manager' as member_kind,
        manager_id as member_id
    from interactions
),

final as (
    select
        business_date,
        member_kind,
        member_id
    from members
    where member_id is not null
)

select * from final
