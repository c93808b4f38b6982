with channels as (
    select * from {{ ref('channels') }}
),

final as (
    select
        {{ surrogate_key(['channel_code']) }} as channel_key,
        channel_code,
        channel_kind,
        name_en,
        name_zh
    from channels
    union all
    select
        {{ unknown_key() }} as channel_key,
        '-1' as channel_code,
        'unknown' as channel_kind,
        'Unknown' as name_en,
        '未知' as name_zh
)

select * from final
