with extract_files as (
    select * from {{ ref('stg_extract_files') }}
),

final as (
    select distinct business_date
    from extract_files
    where
        status = 'loaded'
        and feed in ('counter_transactions', 'card_transactions', 'pos_transactions', 'atm_transactions')
)

select * from final
