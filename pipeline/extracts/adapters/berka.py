"""The PKDD'99 Czech bank ("Berka") as landing files under the same contracts as any other bank.

Belongs here: which record of the data set goes to which feed, under which code. Does not belong here: the layout of its
files (``berka_files``) and of ours (the contracts, ``drop``).

Nothing is invented: a column that the data set has no value for stays empty, a feed it has nothing for gets files
without rows. The whole mapping is told in ``docs/berka.md``; what it decides:

- Transactions go to the counter feed, withdrawals by card to the ATM feed (`TRANSACTION_CODES`). An account number 0 of
  the other side stands for "none". A combination of type, operation and k_symbol that is not in the table is an error.
- Customers come on the day on which their first account is opened, accounts on their opening, cards on their issue,
  loans on their grant. A record dated after the last transaction is left out and counted.
- A loan is dropped as ``running``. Its status A to D is what became of it by the end of 1998: at the grant that would
  be the future, so it comes as a change on 1998-12-31, and only if the transactions reach that day.
- A transaction with k_symbol UVER on an account with a loan is, beside the transaction, a payment of that loan. There
  are no instalments due: the data set does not say when an instalment was due.
- Contracts demand a state, a currency and a product: all persons are active, accounts open, cards active (the data set
  tells of no closing), in CZK, on current accounts and with consumer loans (it knows one kind of each).
"""

import calendar
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

from pipeline.errors import InputError
from pipeline.extracts.adapters.berka_files import LAYOUTS, CutLine, read_files
from pipeline.extracts.contracts import Contract, load_contracts
from pipeline.extracts.drop import write_drop, write_drops
from pipeline.settings import Settings

LAST_DATE_OF_COMPLETE_SET = date(1998, 12, 31)
FEEDS_DATED_FIRST_OF_MONTH = frozenset({"branches", "merchants", "managers", "manager_assignments", "campaigns"})
CUT_LINE_FEED = "counter_transactions"

# type, operation, k_symbol (trimmed) -> feed, transaction_type, direction, purpose_code
TRANSACTION_CODES: Mapping[tuple[str, str, str], tuple[str, str, str, str | None]] = {
    ("PRIJEM", "VKLAD", ""): ("counter_transactions", "deposit", "credit", None),
    ("PRIJEM", "PREVOD Z UCTU", ""): ("counter_transactions", "transfer_in", "credit", None),
    ("PRIJEM", "PREVOD Z UCTU", "DUCHOD"): ("counter_transactions", "transfer_in", "credit", "pension"),
    ("PRIJEM", "", "UROK"): ("counter_transactions", "interest", "credit", "interest"),
    ("VYBER", "VYBER", ""): ("counter_transactions", "withdrawal", "debit", None),
    ("VYDAJ", "VYBER", ""): ("counter_transactions", "withdrawal", "debit", None),
    ("VYDAJ", "VYBER", "SIPO"): ("counter_transactions", "withdrawal", "debit", "household"),
    ("VYDAJ", "VYBER", "SLUZBY"): ("counter_transactions", "fee", "debit", "statement_fee"),
    ("VYDAJ", "VYBER", "SANKC. UROK"): ("counter_transactions", "penalty_interest", "debit", "penalty_interest"),
    ("VYDAJ", "VYBER KARTOU", ""): ("atm_transactions", "withdrawal", "debit", None),
    ("VYDAJ", "PREVOD NA UCET", ""): ("counter_transactions", "transfer_out", "debit", None),
    ("VYDAJ", "PREVOD NA UCET", "POJISTNE"): ("counter_transactions", "transfer_out", "debit", "insurance"),
    ("VYDAJ", "PREVOD NA UCET", "SIPO"): ("counter_transactions", "transfer_out", "debit", "household"),
    ("VYDAJ", "PREVOD NA UCET", "UVER"): ("counter_transactions", "transfer_out", "debit", "loan_instalment"),
}
STATEMENT_FREQUENCIES = {
    "POPLATEK MESICNE": "monthly",
    "POPLATEK TYDNE": "weekly",
    "POPLATEK PO OBRATU": "after_transaction",
}
CARD_PRODUCTS = {"junior": "card_junior", "classic": "card_classic", "gold": "card_gold"}
LOAN_STATUSES = {"A": "finished", "B": "finished_unpaid", "C": "running", "D": "running_in_debt"}
DISPOSITIONS = {"OWNER": "customer_id", "DISPONENT": "joint_customer_id"}

_ORDER = "order by file_date, line_number"

NO_FEED = "no feed holds such records"
AFTER_LAST_DATE = "dated after the last transaction"


@dataclass(frozen=True)
class FileCount:
    """What became of the records of one source file: ``records_read`` = ``dropped`` + the sum of ``left_out``."""

    file: str
    records_read: int
    dropped: int
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class BerkaSummary:
    """What one import did.

    Attributes
    ----------
    first_date, last_date : date
        First and last transaction; every daily feed has a file for each day between them.
    files : tuple of FileCount
        Per source file; the cut line counts as dropped, because it stands in the landing file.
    rows_dropped : mapping of str to int
        Per feed, without the cut line.
    files_written : int
        Landing files, without their sidecars.
    transaction_amount : Decimal
        Sum over the transactions dropped, CZK.
    cut_line : CutLine or None
        The record in whose middle ``trans.asc`` ends: dropped word for word, for the pipeline to reject.
    unattributed_loan_payments : int
        Transactions with k_symbol UVER that were no payment of a loan of ``loan.asc`` granted by then.
    """

    first_date: date
    last_date: date
    files: tuple[FileCount, ...]
    rows_dropped: Mapping[str, int]
    files_written: int
    transaction_amount: Decimal
    cut_line: CutLine | None
    unattributed_loan_payments: int

    def __str__(self) -> str:
        lines = [
            f"Berka {self.first_date} to {self.last_date}: {self.files_written:,} landing files, "
            f"{sum(self.rows_dropped.values()):,} rows, transactions of {self.transaction_amount:,} CZK"
        ]
        for count in self.files:
            reasons = "".join(f"; {left_out:,} left out: {reason}" for reason, left_out in count.left_out.items())
            lines.append(f"  {count.file:<12} {count.records_read:>9,} read, {count.dropped:>9,} dropped{reasons}")
        if self.cut_line:
            lines.append(f"  trans.asc ends inside line {self.cut_line.line_number:,}: dropped as is, to be rejected")
        if self.unattributed_loan_payments:
            lines.append(f"  {self.unattributed_loan_payments:,} loan payments belong to no loan of loan.asc")
        return "\n".join(lines)


def _no_progress(_: str) -> None:
    """Say nothing."""


def import_berka(source: Path, home: Path, progress: Callable[[str], None] = _no_progress) -> BerkaSummary:
    """Turn the PKDD'99 files into landing files and control sidecars.

    The same source gives the same bytes: an import over an earlier one of the same files changes nothing.

    Parameters
    ----------
    source : Path
        Folder with the eight ``.asc`` files as published.
    home : Path
        State directory of the warehouse; files go to ``<home>/landing``.
    progress : callable
        Receives one short sentence per step.

    Returns
    -------
    BerkaSummary
        Counts by file: read, dropped, left out and why.

    Raises
    ------
    InputError
        If a file is missing or breaks its layout, a code is not in the mapping, records do not fit together, or the
        landing zone holds files of dates that the data set does not cover.
    """
    contracts = load_contracts()
    landing = Settings(home).landing
    with duckdb.connect(":memory:") as connection:
        progress(f"reading {len(LAYOUTS)} files of {source}")
        cut_line = read_files(connection, source)
        _refuse_unknown_codes(connection, source)
        _refuse_loose_records(connection, source)
        dates = _dates(connection, source)
        _refuse_foreign_files(landing, contracts, dates)
        _create_feeds(connection, dates)
        files_written = 0
        for feed, contract in contracts.items():
            feed_dates = _feed_dates(contract, dates)
            progress(f"{feed}: {len(feed_dates)} files")
            if cut_line and feed == CUT_LINE_FEED:
                _write_feed(connection, contract, feed_dates[:-1], landing)
                query = f"{_query(contract)} where file_date = date '{dates[-1]}' {_ORDER}"
                write_drop(connection, contract, dates[-1], query, landing, unreadable_lines=[cut_line.text])
            else:
                _write_feed(connection, contract, feed_dates, landing)
            files_written += len(feed_dates)
        return _summary(connection, dates, files_written, cut_line)


def _refuse_unknown_codes(connection: duckdb.DuckDBPyConnection, source: Path) -> None:
    checks = (
        ("trans", ("type", "operation", "k_symbol"), list(TRANSACTION_CODES)),
        ("account", ("frequency",), [(code,) for code in STATEMENT_FREQUENCIES]),
        ("card", ("type",), [(code,) for code in CARD_PRODUCTS]),
        ("loan", ("status",), [(code,) for code in LOAN_STATUSES]),
        ("disp", ("type",), [(code,) for code in DISPOSITIONS]),
    )
    for table, columns, known in checks:
        found = connection.execute(
            f"select {', '.join(columns)}, count(*), min(line_number) from berka.{table} group by all order by all"
        ).fetchall()
        for *codes, records, line_number in found:
            if tuple(codes) not in known:
                raise InputError(
                    f"{table}.asc has codes that the mapping does not know",
                    expected=f"{' / '.join(columns)}: one of {'; '.join(' / '.join(map(repr, row)) for row in known)}",
                    found=f"{' / '.join(map(repr, codes))} in {records:,} records",
                    where=f"{source / table}.asc:{line_number} (the first of them)",
                    action="map the combination in pipeline/extracts/adapters/berka.py, if you know what it means",
                )


def _refuse_loose_records(connection: duckdb.DuckDBPyConnection, source: Path) -> None:
    """Refuse what a join would silently lose or double: every account has one owner, every reference its record."""
    checks = {
        "account.asc: accounts with one owner and at most one disponent": """
            select account_id from berka.account left join berka.disp using (account_id) group by account_id
            having count(*) filter (disp.type = 'OWNER') != 1 or count(*) filter (disp.type = 'DISPONENT') > 1
        """,
        "disp.asc: an account and a client that exist": """
            select disp_id from berka.disp
            where account_id not in (select account_id from berka.account)
            or client_id not in (select client_id from berka.client)
        """,
        "client.asc: a disposition for every client": """
            select client_id from berka.client where client_id not in (select client_id from berka.disp)
        """,
        "client.asc: a date of birth in birth_number": f"""
            select client_id from berka.client where {_birth_date("birth_number")} is null
        """,
        "card.asc: a disposition that exists": """
            select card_id from berka.card where disp_id not in (select disp_id from berka.disp)
        """,
        "loan.asc: an account that exists, one loan each": """
            select loan_id from berka.loan
            where account_id not in (select account_id from berka.account)
            or account_id in (select account_id from berka.loan group by account_id having count(*) > 1)
        """,
        "trans.asc: an account that exists": """
            select trans_id from berka.trans where account_id not in (select account_id from berka.account)
        """,
    }
    for expected, query in checks.items():
        found = [str(row[0]) for row in connection.execute(f"{query} order by 1").fetchall()]
        if found:
            raise InputError(
                "the files do not fit together",
                expected=expected,
                found=f"{len(found):,} that break this: {', '.join(found[:5])}",
                where=str(source),
                action="take all files from one copy of the data set",
            )


def _dates(connection: duckdb.DuckDBPyConnection, source: Path) -> list[date]:
    first, last = connection.execute("select min(date), max(date) from berka.trans").fetchall()[0]
    if first is None:
        raise InputError(
            "there are no transactions",
            expected="at least one record",
            found="none",
            where=str(source / "trans.asc"),
            action="take the file as published",
        )
    return [first + timedelta(days=days) for days in range((last - first).days + 1)]


def _refuse_foreign_files(landing: Path, contracts: Mapping[str, Contract], dates: list[date]) -> None:
    own = {day.isoformat() for day in dates}
    for feed in contracts:
        foreign = sorted(folder.name for folder in (landing / feed).glob("*") if folder.name not in own)
        if foreign:
            raise InputError(
                "the landing zone holds another bank",
                expected=f"dates from {dates[0]} to {dates[-1]}, or none",
                found=f"{len(foreign):,} others, the first {foreign[0]}",
                where=str(landing / feed),
                action="import into a directory of its own: set CREDIT_WAREHOUSE_HOME",
            )


def _feed_dates(contract: Contract, dates: list[date]) -> list[date]:
    if contract.is_daily:
        return dates
    if contract.feed in FEEDS_DATED_FIRST_OF_MONTH:
        return [day for day in dates if day.day == 1]
    return [day for day in dates if day.day == calendar.monthrange(day.year, day.month)[1]]


def _write_feed(
    connection: duckdb.DuckDBPyConnection, contract: Contract, feed_dates: list[date], landing: Path
) -> None:
    if feed_dates:
        query = f"{_query(contract)} where file_date <= date '{feed_dates[-1]}' {_ORDER}"
        write_drops(connection, contract, feed_dates, query, landing)


def _query(contract: Contract) -> str:
    if contract.feed in _FEED_QUERIES:
        return f"select * from feed.{contract.feed}"
    columns = ", ".join(f'null as "{name}"' for name in contract.column_names)
    return f"select * from (select cast(null as date) as file_date, cast(null as bigint) as line_number, {columns})"


def _create_feeds(connection: duckdb.DuckDBPyConnection, dates: list[date]) -> None:
    """Create a table per feed, with ``file_date`` and ``line_number`` beside the contract's columns."""
    first, last = dates[0], dates[-1]
    connection.execute("create schema feed")
    connection.execute(
        "create table feed.transaction_codes"
        " (type text, operation text, k_symbol text,"
        " feed text, transaction_type text, direction text, purpose_code text)"
    )
    connection.executemany(
        "insert into feed.transaction_codes values (?, ?, ?, ?, ?, ?, ?)",
        [(*codes, *meaning) for codes, meaning in TRANSACTION_CODES.items()],
    )
    # what was there before the first date belongs to its full first drop
    connection.execute(f"set variable first_date = date '{first}'")
    connection.execute(f"set variable last_date = date '{last}'")
    connection.execute(f"set variable has_outcomes = {last >= LAST_DATE_OF_COMPLETE_SET}")
    for feed, query in _FEED_QUERIES.items():
        connection.execute(f"create table feed.{feed} as {query}")


def _birth_date(birth_number: str) -> str:
    """Return the SQL of the date of birth: the month of women's numbers is raised by 50."""
    number = f"cast({birth_number} as integer)"
    year, month, day = f"1900 + {number} // 10000", f"({number} // 100 % 100) % 50", f"{number} % 100"
    return f"cast(try_strptime(printf('%d-%02d-%02d', {year}, {month}, {day}), '%Y-%m-%d') as date)"


def _coded(column: str, codes: Mapping[str, str]) -> str:
    branches = " ".join(f"when '{code}' then '{meaning}'" for code, meaning in codes.items())
    return f"case {column} {branches} end"


def _transactions(feed: str, columns: str) -> str:
    return f"""
        select
            trans.date as file_date, trans.line_number, trans_id as transaction_id, account_id,
            date as transaction_date, null as booked_at, transaction_type, direction, amount, 'CZK' as currency_code,
            balance as balance_after, null as branch_id, {columns}
        from berka.trans join feed.transaction_codes using (type, operation, k_symbol)
        where feed = '{feed}'
    """


_LOANS = f"""
    select
        loan.line_number, loan_id, client_id as customer_id, account_id, 'consumer_loan' as product_code,
        null as facility_id, null as branch_id, 'CZK' as currency_code, loan.date as granted_date,
        null as maturity_date, loan.amount as principal_amount, null as interest_rate, loan.duration as term_months,
        loan.payments as instalment_amount, {_coded("loan.status", LOAN_STATUSES)} as outcome_code
    from berka.loan join berka.disp using (account_id)
    where disp.type = 'OWNER' and loan.date <= getvariable('last_date')
"""

_FEED_QUERIES = {
    "counter_transactions": _transactions(
        "counter_transactions",
        "purpose_code, nullif(account, '0') as counterparty_account_id, bank as counterparty_bank_code,"
        " null as teller_id, null as narrative",
    ),
    "atm_transactions": _transactions("atm_transactions", "null as atm_id, null as card_id, null as fee_amount"),
    "customers": f"""
        select
            greatest(since, getvariable('first_date')) as file_date, line_number, client_id as customer_id,
            file_date as change_date, 'person' as customer_type, null as full_name, null as id_document_type,
            null as id_document_number, {_birth_date("birth_number")} as birth_date,
            if(cast(birth_number as integer) // 100 % 100 > 50, 'female', 'male') as gender, null as registered_date,
            null as phone, null as email, null as address, district_id as region_code, null as occupation_code,
            null as marital_status_code, null as annual_income_amount, null as industry_code, null as employee_count,
            null as registered_capital_amount, null as branch_id, since as customer_since_date, 'active' as status_code,
            null as has_marketing_opt_out
        from berka.client
        join (
            select client_id, min(account.date) as since
            from berka.disp join berka.account using (account_id) group by client_id
        ) using (client_id)
        where since <= getvariable('last_date')
    """,
    "accounts": f"""
        select
            greatest(date, getvariable('first_date')) as file_date, account.line_number, account.account_id,
            file_date as change_date, owner.client_id as customer_id, disponent.client_id as joint_customer_id,
            'current_account' as product_code, null as branch_id, 'CZK' as currency_code, date as opened_date,
            null as closed_date, 'open' as status_code, null as interest_rate, null as overdraft_limit_amount,
            {_coded("frequency", STATEMENT_FREQUENCIES)} as statement_frequency_code
        from berka.account
        join berka.disp as owner on owner.account_id = account.account_id and owner.type = 'OWNER'
        left join berka.disp as disponent
            on disponent.account_id = account.account_id and disponent.type = 'DISPONENT'
        where date <= getvariable('last_date')
    """,
    "cards": f"""
        select
            greatest(issued, getvariable('first_date')) as file_date, card.line_number, card_id,
            file_date as change_date, account_id, client_id as customer_id, 'credit' as card_type,
            {_coded("card.type", CARD_PRODUCTS)} as product_code, issued as issued_date, null as expiry_date,
            null as credit_limit_amount, 'active' as status_code
        from berka.card join berka.disp using (disp_id)
        where issued <= getvariable('last_date')
    """,
    "loans": f"""
        select
            greatest(granted_date, getvariable('first_date')) as file_date, file_date as change_date,
            'running' as status_code, *
        from ({_LOANS})
        union all by name
        select getvariable('last_date') as file_date, file_date as change_date, outcome_code as status_code, *
        from ({_LOANS})
        where getvariable('has_outcomes') and outcome_code != 'running'
    """,
    "loan_repayments": """
        select
            trans.date as file_date, trans.line_number, trans_id as repayment_id, loan_id, trans.date as event_date,
            'payment' as event_type, null as instalment_number, trans.amount, null as principal_amount,
            null as interest_amount, 'CZK' as currency_code, null as balance_after
        from berka.trans join berka.loan using (account_id)
        where k_symbol = 'UVER' and trans.date >= loan.date
    """,
}


def _summary(
    connection: duckdb.DuckDBPyConnection, dates: list[date], files_written: int, cut_line: CutLine | None
) -> BerkaSummary:
    def count(table_and_condition: str) -> int:
        number: int = connection.execute(f"select count(*) from {table_and_condition}").fetchall()[0][0]
        return number

    read = {layout.table: count(f'berka."{layout.table}"') for layout in LAYOUTS}
    rows_dropped = {feed: count(f"feed.{feed}") for feed in _FEED_QUERIES}
    transactions = rows_dropped["counter_transactions"] + rows_dropped["atm_transactions"]
    dropped = {
        "account": rows_dropped["accounts"],
        "card": rows_dropped["cards"],
        "client": rows_dropped["customers"],
        "disp": count("berka.disp where account_id in (select account_id from feed.accounts)"),
        "loan": count("(select distinct loan_id from feed.loans)"),
        "trans": transactions,
    }
    files = []
    for layout in LAYOUTS:
        left_out = read[layout.table] - dropped.get(layout.table, 0)
        reason = AFTER_LAST_DATE if layout.table in dropped else NO_FEED
        cut = 1 if layout.may_be_cut and cut_line else 0
        files.append(
            FileCount(
                layout.file,
                read[layout.table] + cut,
                dropped.get(layout.table, 0) + cut,
                {reason: left_out} if left_out else {},
            )
        )
    amount = connection.execute(
        "select sum(amount) from (from feed.counter_transactions select amount union all"
        " from feed.atm_transactions select amount)"
    ).fetchall()[0][0]
    return BerkaSummary(
        first_date=dates[0],
        last_date=dates[-1],
        files=tuple(files),
        rows_dropped=rows_dropped,
        files_written=files_written,
        transaction_amount=amount,
        cut_line=cut_line,
        unattributed_loan_payments=count("berka.trans where k_symbol = 'UVER'") - rows_dropped["loan_repayments"],
    )
