with records as (
    select * from {{ ref('stg_accounts') }}
),

final as (
    select
        {{ surrogate_key(['account_id']) }} as account_key,
        account_id,
        customer_id,
        joint_customer_id,
        product_code,
        branch_id,
        currency_code,
        opened_date,
        closed_date,
        status_code,
        interest_rate,
        overdraft_limit_amount,
        statement_frequency_code,
        change_date as valid_from,
        coalesce(
            lead(change_date) over (partition by account_id order by change_date), date '9999-12-31'
        ) as valid_to,
        source_file_id
    from records
)

select * from final
