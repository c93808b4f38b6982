with records as (
    select * from {{ ref('stg_cards') }}
),

final as (
    select
        {{ surrogate_key(['card_id']) }} as card_key,
        card_id,
        account_id,
        customer_id,
        card_type,
        product_code,
        issued_date,
        expiry_date,
        credit_limit_amount,
        status_code,
        change_date as valid_from,
        coalesce(
            lead(change_date) over (partition by card_id order by change_date), date '9999-12-31'
        ) as valid_to,
        source_file_id
    from records
)

select * from final
