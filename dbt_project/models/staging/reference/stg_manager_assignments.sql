with source as (
    select * from {{ source('reference', 'manager_assignments') }}
),

final as (
    select
        assignment_id,
        business_date as position_date,
        customer_id,
        manager_id,
        valid_from,
        valid_to,
        source_file_id
    from source
)

select * from final
