with managers as (
    select * from {{ ref('stg_managers') }}
),

manager_assignments as (
    select * from {{ ref('stg_manager_assignments') }}
),

referenced_members as (
    select * from {{ ref('int_referenced_members') }}
),

positions as (
    select
        *,
        row_number() over (partition by manager_id order by position_date desc) as position_number
    from managers
),

known as (
    select
        {{ surrogate_key(['manager_id']) }} as manager_key,
        manager_id,
        full_name,
        {{ key_or_unknown('branch_id') }} as branch_key,
        hired_date,
        left_date,
        false as is_inferred,
        source_file_id
    from positions
    where position_number = 1
),

-- managers that contacts or assignments name and the manager list does not (or not yet)
named as (
    select member_id as manager_id from referenced_members
    where member_kind = 'manager'
    union
    select manager_id from manager_assignments
),

inferred as (
    select
        {{ surrogate_key(['named.manager_id']) }} as manager_key,
        named.manager_id,
        null as full_name,
        {{ unknown_key() }} as branch_key,
        null as hired_date,
        null as left_date,
        true as is_inferred,
        null as source_file_id
    from named
    left join known on named.manager_id = known.manager_id
    where known.manager_id is null
),

unknown as (
    select
        {{ unknown_key() }} as manager_key,
        '-1' as manager_id,
        null as full_name,
        {{ unknown_key() }} as branch_key,
        null as hired_date,
        null as left_date,
        false as is_inferred,
        null as source_file_id
),

final as (
    select * from known
    union all
    select * from inferred
    union all
    select * from unknown
)

select * from final
