with source as (
    select * from {{ source('reference', 'kinships') }}
),

final as (
    select
        kinship_id,
        business_date as position_date,
        person_id,
        relative_id,
        relation_code,
        valid_from,
        valid_to,
        source_file_id
    from source
)

select * from final
