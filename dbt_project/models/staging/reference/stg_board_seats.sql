with source as (
    select * from {{ source('reference', 'board_seats') }}
),

final as (
    select
        seat_id,
        business_date as position_date,
        company_id,
        person_id,
        appointed_by_id,
        role_code,
        valid_from,
        valid_to,
        source_document,
        source_file_id
    from source
)

select * from final
