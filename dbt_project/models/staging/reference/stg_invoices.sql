with source as (
    select * from {{ source('reference', 'invoices') }}
),

final as (
    select
        seller_id,
        invoice_number,
        business_date as position_date,
        buyer_id,
        issued_date,
        amount,
        tax_amount,
        total_amount,
        currency_code,
        status_code,
        source_file_id
    from source
)

select * from final
