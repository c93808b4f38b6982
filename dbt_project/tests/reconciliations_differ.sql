-- Money in = money out, for the dates of the run.
with reconciliations as (
    select *
    from {{ ref('reconciliations') }}
    where business_date between {{ window_start() }} and {{ window_end() }}
),

final as (
    select *
    from reconciliations
    where not is_reconciled
)

select * from final
