with source as (
    select * from {{ source('ops', 'extract_files') }}
),

final as (
    select
        source_file_id,
        feed,
        business_date,
        status,
        rows_read,
        rows_loaded,
        rows_rejected,
        control_rows,
        control_amount,
        loaded_amount,
        rejected_amount
    from source
)

select * from final
