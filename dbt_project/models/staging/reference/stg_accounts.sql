with source as (
    select * from {{ source('reference', 'accounts') }}
),

final as (
    select
        account_id,
        business_date as change_date,
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
        source_file_id
    from source
)

select * from final
