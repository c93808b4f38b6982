"""Whether nothing was lost: what the sender told, the ledger, the raw zone and the rejected rows, file by file.

Belongs here: counting again what ingestion says of itself. Does not belong here: loading (``ingest``) and what the
warehouse makes of the rows (dbt, ``reconciliations``).
"""

from collections.abc import Sequence
from datetime import date

import duckdb

from pipeline.extracts.contracts import Contract
from pipeline.extracts.raw_zone import day_file
from pipeline.extracts.validation import sql_text
from pipeline.settings import Settings


def unaccounted_files(
    connection: duckdb.DuckDBPyConnection, contract: Contract, dates: Sequence[date], settings: Settings
) -> list[str]:
    """Name the files whose records cannot all be found again, with the counts that differ.

    Parameters
    ----------
    connection : DuckDBPyConnection
        On the warehouse.
    contract : Contract
        The feed.
    dates : sequence of date
        Business dates whose files are looked at.
    settings : Settings
        Where the raw zone is.

    Returns
    -------
    list of str
        One sentence per file; empty where, for each file, the records that the sidecar tells (if there is one) = the
        rows read = the rows in the raw zone + the rejected rows. Rows of files that the ledger does not hold count too.
    """
    paths = [str(path) for path in (day_file(contract, day, settings) for day in dates) if path.is_file()]
    raw_rows = "select null::varchar as source_file_id, 0 as raw_count where false"
    if paths:
        files = ", ".join(map(sql_text, paths))
        raw_rows = f"select source_file_id, count(*) as raw_count from read_parquet([{files}]) group by source_file_id"
    rows = connection.execute(
        f"""
        with raw_rows as ({raw_rows}),
        loaded as (
            select * from ops.extract_files
            where feed = $feed and status = 'loaded' and list_contains($dates::date[], business_date)
        ),
        rejected as (
            select source_file_id, count(*) as rejected_count from ops.rejected_rows where feed = $feed group by all
        )
        select
            coalesce(file_name, source_file_id), control_rows, coalesce(rows_read, 0), coalesce(raw_count, 0),
            coalesce(rejected_count, 0)
        from loaded full join raw_rows using (source_file_id) left join rejected using (source_file_id)
        where
            coalesce(rows_read, 0) <> coalesce(raw_count, 0) + coalesce(rejected_count, 0)
            or control_rows <> rows_read
            or rows_rejected <> coalesce(rejected_count, 0)
        order by 1
        """,
        {"feed": contract.feed, "dates": list(dates)},
    ).fetchall()
    return [
        f"{name}: {'no sidecar' if told is None else f'{told:,} told'}, {read:,} read, {in_raw:,} in the raw zone,"
        f" {rejected:,} rejected"
        for name, told, read, in_raw, rejected in rows
    ]
