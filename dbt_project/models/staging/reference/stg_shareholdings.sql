with source as (
    select * from {{ source('reference', 'shareholdings') }}
),

final as (
    select
        holding_id,
        business_date as position_date,
        holder_id,
        holder_type,
        holder_name,
        company_id,
        share_ratio,
        vote_ratio,
        valid_from,
        valid_to,
        source_document,
        source_file_id
    from source
)

select * from final
