with source as (
    select * from {{ source('reference', 'branches') }}
),

final as (
    select
        branch_id,
        business_date as position_date,
        name_en,
        name_zh,
        region_code,
        parent_branch_id,
        opened_date,
        source_file_id
    from source
)

select * from final
