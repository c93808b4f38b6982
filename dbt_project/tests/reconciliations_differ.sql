-- Money in = money out, for the dates of the run. A control total allows no difference. A ledger turnover allows none
-- either, unless records were refused that day on the channels that post to it: then the warehouse may lack something
-- (an unreadable amount cannot be told), but never hold more than the ledger.
with reconciliations as (
    select *
    from {{ ref('reconciliations') }}
    where business_date between {{ window_start() }} and {{ window_end() }}
),

final as (
    select *
    from reconciliations
    where
        (control_value is not null and difference <> 0)
        or (ledger_value is not null and difference <> 0 and rejected_rows = 0)
        or (ledger_value is not null and difference > 0)
        or (control_value is null and ledger_value is null)
)

select * from final
