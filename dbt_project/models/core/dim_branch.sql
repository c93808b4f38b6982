with branches as (
    select * from {{ ref('stg_branches') }}
),

facilities as (
    select * from {{ ref('stg_facilities') }}
),

managers as (
    select * from {{ ref('stg_managers') }}
),

customers as (
    select * from {{ ref('dim_customer') }}
),

account_versions as (
    select * from {{ ref('int_account_versions') }}
),

loan_versions as (
    select * from {{ ref('int_loan_versions') }}
),

referenced_members as (
    select * from {{ ref('int_referenced_members') }}
),

positions as (
    select
        *,
        row_number() over (partition by branch_id order by position_date desc) as position_number
    from branches
),

known as (
    select
        {{ surrogate_key(['branch_id']) }} as branch_key,
        branch_id,
        name_en,
        name_zh,
        region_code,
        {{ key_or_unknown('parent_branch_id') }} as parent_branch_key,
        opened_date,
        false as is_inferred,
        source_file_id
    from positions
    where position_number = 1
),

-- branches that other feeds name and the branch list does not (or not yet)
named as (
    select member_id as branch_id from referenced_members
    where member_kind = 'branch'
    union
    select branch_id from customers
    union
    select branch_id from account_versions
    union
    select branch_id from loan_versions
    union
    select branch_id from managers
    union
    select lead_branch_id as branch_id from facilities
    union
    select parent_branch_id as branch_id from branches
),

inferred as (
    select
        {{ surrogate_key(['named.branch_id']) }} as branch_key,
        named.branch_id,
        'Branch ' || named.branch_id as name_en,
        '网点 ' || named.branch_id as name_zh,
        null as region_code,
        {{ unknown_key() }} as parent_branch_key,
        null as opened_date,
        true as is_inferred,
        null as source_file_id
    from named
    left join known on named.branch_id = known.branch_id
    where named.branch_id is not null and known.branch_id is null
),

unknown as (
    select
        {{ unknown_key() }} as branch_key,
        '-1' as branch_id,
        'Unknown' as name_en,
        '未知' as name_zh,
        null as region_code,
        {{ unknown_key() }} as parent_branch_key,
        null as opened_date,
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
