with source as (
    select * from {{ source('reference', 'managers') }}
),

final as (
    select
        manager_id,
        business_date as position_date,
        full_name,
        branch_id,
        hired_date,
        left_date,
        source_file_id
    from source
)

select * from final
