"""The audit before publishing: questions to the build file whose answer must be "no rows".

Belongs here: checks that span the whole warehouse, each a query that returns the offending rows. Does not belong here:
rules of one model (dbt tests) and of one feed (its contract).
"""

from dataclasses import dataclass

import duckdb

from pipeline.serving.builds import unfinished_builds


@dataclass(frozen=True)
class AuditQuestion:
    """A query that returns what is wrong, and a sentence that says so."""

    name: str
    sentence: str
    query: str


@dataclass(frozen=True)
class Finding:
    """What one question found: how many rows, and the first of them."""

    name: str
    sentence: str
    rows: int
    example: str

    def __str__(self) -> str:
        return f"{self.name}: {self.sentence}: {self.rows} row(s), for example {self.example}"


QUESTIONS = (
    AuditQuestion(
        "nothing_lost",
        "a file whose rows read are not the rows loaded plus the rows rejected",
        "select feed, file_name, rows_read, rows_loaded, rows_rejected from ops.extract_files"
        " where rows_read is distinct from rows_loaded + rows_rejected",
    ),
    AuditQuestion(
        "rejects_kept",
        "a file whose rejected rows are not all in ops.rejected_rows",
        "select feed, file_name, rows_rejected, count(rejected_rows.source_file_id) as rows_kept"
        " from ops.extract_files left join ops.rejected_rows using (source_file_id, feed, file_name)"
        " group by all having rows_rejected <> rows_kept",
    ),
    AuditQuestion(
        "everything_built",
        "a loaded file that no build has brought into the star yet",
        "select feed, business_date, file_name from ops.extract_files where status = 'loaded'"
        " and (source_file_id, contract_version) not in"
        " (select (source_file_id, contract_version) from ops.built_files) order by business_date, feed",
    ),
    AuditQuestion(
        "totals_agree",
        "a day and channel where warehouse plus rejected is not the control total or the ledger's turnover",
        "select * from ops.reconciliations where not is_reconciled order by business_date, channel_code, measure",
    ),
    AuditQuestion(
        "nothing_doubled",
        "a transaction that stands in the star twice",
        "select transaction_key, count(*) as copies from core.fct_transactions group by all having copies > 1",
    ),
)


def audit(connection: duckdb.DuckDBPyConnection) -> list[Finding]:
    """Ask every question; an empty list means that the build may be published.

    Raises
    ------
    duckdb.CatalogException
        If a table asked about does not exist: there is no build yet.
    """
    findings = [
        Finding("build_passed", "a dbt build that did not pass its tests", 1, f"{build} of run {run}")
        for build, run in unfinished_builds(connection)
    ]
    for question in QUESTIONS:
        rows = connection.execute(question.query).df()
        if len(rows):
            findings.append(Finding(question.name, question.sentence, len(rows), str(rows.iloc[0].to_dict())))
    return findings
