"""From a month's tables to landing files, clean or with planted damage.

Belongs here: which feed a posting goes to, rendering, damage that contracts reject. Does not belong here: the bytes of
a file and its sidecar (`pipeline.extracts.drop`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from pipeline.extracts.contracts import Contract
from pipeline.extracts.drop import AMOUNT, FILE_DATE, LINE, row_text, write_drops, write_rendered_drops
from pipeline.simulator import vocabulary as words
from pipeline.simulator.codes import NARRATIVES, Channel, Purpose, Type
from pipeline.simulator.ledger import Postings
from pipeline.simulator.months import SECONDS_PER_DAY, Month
from pipeline.simulator.organisation import BRANCH_COUNT, MERCHANTS_PER_CATEGORY
from pipeline.simulator.randomness import stream
from pipeline.simulator.spending import ATMS_PER_BRANCH
from pipeline.simulator.text import dates, money

CHANNEL_FEEDS = {
    Channel.COUNTER: "counter_transactions",
    Channel.CARD: "card_transactions",
    Channel.POS: "pos_transactions",
    Channel.ATM: "atm_transactions",
}
ID_PREFIXES = {Channel.COUNTER: "T", Channel.CARD: "CC", Channel.POS: "P", Channel.ATM: "W"}
OTHER_BANK_CODES = ("102", "103", "104", "105", "301", "308", "403")
# damage stays below this part of what the contract tolerates, so that no file fails for it
DAMAGE_PART_OF_TOLERANCE = 0.8

# (kind, column, what is written instead); a line with a surplus field has no column
DAMAGES: dict[str, tuple[tuple[str, str, str], ...]] = {
    **dict.fromkeys(
        CHANNEL_FEEDS.values(),
        (
            ("bad_amount", "amount", "concat(amount, 'x')"),
            ("unknown_code", "transaction_type", "'giro'"),
            ("wrong_date", "transaction_date", "transaction_date - 400"),
            ("missing_field", "account_id", "null"),
            ("extra_column", "", ""),
        ),
    ),
    "loan_repayments": (
        ("bad_amount", "amount", "concat('CNY ', amount)"),
        ("unknown_code", "event_type", "'reversal'"),
        ("wrong_date", "event_date", "event_date + 31"),
        ("missing_field", "loan_id", "null"),
        ("extra_column", "", ""),
    ),
    "interactions": (
        ("bad_number", "duration_seconds", "'long'"),
        ("unknown_code", "channel_code", "'fax'"),
        ("wrong_date", "interaction_date", "interaction_date - 7"),
        ("missing_field", "customer_id", "null"),
        ("extra_column", "", ""),
    ),
}


@dataclass
class DirtyRows:
    """Damaged rows as they were planted, one list per column of the truth table."""

    feed: list[str] = field(default_factory=list)
    business_date: list[date] = field(default_factory=list)
    file: list[str] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    column: list[str] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)

    def as_table(self) -> pa.Table:
        """Return the truth table ``dirty_rows``; ``line`` counts from 1, the header included."""
        types = {"business_date": pa.date32(), "line": pa.int64()}
        return pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in vars(self).items()})


class Dropper:
    """Drops the tables of a month as landing files."""

    def __init__(self, contracts: Mapping[str, Contract], landing: Path, seed: int, dirty_share: float) -> None:
        self.rows: Counter[str] = Counter()
        self.files: Counter[str] = Counter()
        self.dirty_rows = DirtyRows()
        self._contracts = contracts
        self._landing = landing
        self._seed = seed
        self._dirty_share = dirty_share
        self._connection = duckdb.connect()

    def close(self) -> None:
        """Release the connection that renders."""
        self._connection.close()

    def drop_snapshot(self, feed: str, business_date: date, rows: pa.Table) -> None:
        """Drop one file of a monthly feed."""
        self._register(rows.append_column("file_date", pa.array([business_date] * len(rows), pa.date32())))
        self._write(feed, [business_date], "select * from rows", len(rows))

    def drop_days(self, feed: str, month: Month, rows: pa.Table, query: str = "select * from rows") -> None:
        """Drop a file for each day of a month; the rows stand in ascending order of ``file_date``."""
        contract = self._contracts[feed]
        if not self._dirty_share or feed not in DAMAGES:
            self._register(rows)
            self._write(feed, month.dates, query, len(rows))
            return
        self._register(rows.append_column("_damage", pa.array(self._plan_damage(contract, month, rows))))
        paths = write_rendered_drops(self._connection, contract, month.dates, _damaged(contract, query), self._landing)
        self.rows[feed] += len(rows)
        self.files[feed] += len(paths)

    def drop_changes(self, feed: str, month: Month, rows: pa.Table) -> None:
        """Drop the changes of a month, a file for each day, sorted by day and key."""
        (key,) = self._contracts[feed].key
        self.drop_days(feed, month, rows.sort_by([("file_date", "ascending"), (key, "ascending")]))

    def drop_postings(self, month: Month, postings: Postings, balance_after: np.ndarray) -> None:
        """Drop a month's postings, each to the feed of its channel, in booking order."""
        order = np.argsort(postings.second.astype(np.int64) << 32 | postings.account, kind="stable")
        for channel, feed in CHANNEL_FEEDS.items():
            rows = order[postings.channel[order] == channel]
            table = _posting_table(postings.take(rows), balance_after[rows], month)
            self.drop_days(feed, month, table, _POSTING_QUERIES[channel])

    def _register(self, rows: pa.Table) -> None:
        self._connection.register("rows", rows)

    def _write(self, feed: str, days: list[date], query: str, row_count: int) -> None:
        paths = write_drops(self._connection, self._contracts[feed], days, query, self._landing)
        self.rows[feed] += row_count
        self.files[feed] += len(paths)

    def _plan_damage(self, contract: Contract, month: Month, rows: pa.Table) -> np.ndarray:
        """Choose rows and kinds of damage (0 none, else position in DAMAGES from 1), and record them."""
        generator = stream(self._seed, f"damage {contract.feed}", month.index)
        day = rows.column("file_date").cast(pa.int32()).to_numpy() - month.first_day
        per_day = np.bincount(day, minlength=month.days)
        position = np.arange(len(rows)) - (np.cumsum(per_day) - per_day)[day]
        candidates = np.flatnonzero(generator.random(len(rows)) < self._dirty_share)
        candidate_day = day[candidates]
        rank = np.arange(len(candidates)) - np.searchsorted(candidate_day, candidate_day)
        most = np.floor(per_day * float(contract.tolerated_reject_share) * DAMAGE_PART_OF_TOLERANCE)
        chosen = candidates[rank < most[candidate_day]]
        damage = np.zeros(len(rows), dtype=np.int8)
        damage[chosen] = 1 + generator.integers(0, len(DAMAGES[contract.feed]), len(chosen))
        header_lines = int(contract.file.header)
        for row in chosen.tolist():
            kind, column, _ = DAMAGES[contract.feed][damage[row] - 1]
            business_date = month.dates[day[row]]
            self.dirty_rows.feed.append(contract.feed)
            self.dirty_rows.business_date.append(business_date)
            self.dirty_rows.file.append(contract.file_name(business_date))
            self.dirty_rows.line.append(int(position[row]) + 1 + header_lines)
            self.dirty_rows.column.append(column)
            self.dirty_rows.kind.append(kind)
        return damage


def _damaged(contract: Contract, query: str) -> str:
    """Return the query of rendered lines where the rows marked in ``_damage`` are damaged."""
    damages = DAMAGES[contract.feed]
    instead = {column: (number, text) for number, (_, column, text) in enumerate(damages, start=1)}
    fields = []
    for column in contract.columns:
        typed = f'cast(cast("{column.name}" as {column.duckdb_type}) as varchar)'
        if column.name in instead:
            number, text = instead[column.name]
            typed = f"if(_damage = {number}, cast({text} as varchar), {typed})"
        fields.append(f'{typed} as "{column.name}"')
    surplus, surplus_field = len(damages), f"{contract.file.delimiter}surplus"
    amount_column = contract.control.amount_column
    amount = f"if(_damage = 1, 0, {amount_column})" if amount_column else "0"
    return f"""
        select
            {FILE_DATE},
            if(_damage = {surplus}, replace({LINE}, chr(10), '{surplus_field}' || chr(10)), {LINE}) as {LINE},
            {AMOUNT}
        from (
            select {FILE_DATE}, {row_text(contract)} as {LINE}, {AMOUNT}, _damage
            from (
                select
                    file_date as {FILE_DATE}, cast({amount} as decimal(18, 2)) as {AMOUNT}, _damage, {", ".join(fields)}
                from ({query})
            )
        )
    """


def _posting_table(postings: Postings, balance_after: np.ndarray, month: Month) -> pa.Table:
    """Return postings as numbers; the queries below turn them into the feeds' columns while they are written."""
    epoch_second = postings.second.astype(np.int64) + month.first_day * SECONDS_PER_DAY
    return pa.table(
        {
            "file_date": dates(month.first_day + postings.second // SECONDS_PER_DAY),
            "number": pa.array(int(f"{month.first:%Y%m}") * 10**9 + np.arange(len(postings), dtype=np.int64)),
            "account": pa.array(postings.account),
            "booked_at": pa.array(epoch_second).cast(pa.timestamp("s")),
            "type": pa.array(postings.type),
            "sign": pa.array(postings.sign),
            "amount": money(postings.cents),
            "balance_after": money(balance_after),
            "purpose": pa.array(postings.purpose),
            "reference": pa.array(postings.reference),
            "counterparty": pa.array(postings.counterparty),
            "merchant": pa.array(postings.merchant),
            "fee_amount": money(postings.fee_cents),
            "is_online": pa.array(postings.flag),
        }
    )


def _sql_list(values: list[str | None] | tuple[str, ...]) -> str:
    return "[" + ", ".join("null" if value is None else f"'{value}'" for value in values) + "]"


def _sql_id(prefix: str, expression: str, digits: int) -> str:
    return f"'{prefix}' || lpad(cast({expression} as varchar), {digits}, '0')"


def _posting_query(channel: Channel, columns: str) -> str:
    """Return the query of one channel's feed: what all channels share, and its own columns."""
    types = _sql_list([item.name.lower() for item in Type])
    return f"""
        select
            *,
            '{ID_PREFIXES[channel]}' || number as transaction_id,
            {_sql_id("A", "account", 9)} as account_id,
            file_date as transaction_date,
            {types}[type + 1] as transaction_type,
            if(sign > 0, 'credit', 'debit') as direction,
            'CNY' as currency_code,
            {columns}
        from rows
    """


_PURPOSES = _sql_list([None if item is Purpose.NONE else item.name.lower() for item in Purpose])
_NARRATIVES = _sql_list([NARRATIVES[item] for item in Purpose])
_CATEGORIES = _sql_list([row[0] for row in words.MERCHANT_CATEGORIES])
_CATEGORY = f"{_CATEGORIES}[merchant // {MERCHANTS_PER_CATEGORY} + 1]"
_CARD = f"{_sql_id('K', 'reference', 9)} as card_id"
_MERCHANT = f"""
    if(merchant >= 0, {_sql_id("M", "merchant", 6)}, null) as merchant_id,
    if(merchant >= 0, {_CATEGORY}, null) as merchant_category_code
"""
_POSTING_QUERIES = {
    Channel.COUNTER: _posting_query(
        Channel.COUNTER,
        f"""
        {_PURPOSES}[purpose + 1] as purpose_code,
        case
            when counterparty >= 0 then {_sql_id("A", "counterparty", 9)}
            when counterparty < -1 then {_sql_id("X", "-2 - counterparty", 10)}
        end as counterparty_account_id,
        if(counterparty < -1, {_sql_list(OTHER_BANK_CODES)}[(-counterparty) % {len(OTHER_BANK_CODES)} + 1], null)
            as counterparty_bank_code,
        if(type <= 1, {_sql_id("B", f"account % {BRANCH_COUNT} + 1", 3)}, null) as branch_id,
        if(type <= 1, 'B' || (account % {BRANCH_COUNT} + 1) || '-' || (account % 7 + 1), null) as teller_id,
        if(type = {Type.FEE:d} and purpose = {Purpose.OTHER:d}, '余额不足手续费', {_NARRATIVES}[purpose + 1])
            as narrative
        """,
    ),
    Channel.CARD: _posting_query(Channel.CARD, f"{_CARD}, {_MERCHANT}"),
    Channel.POS: _posting_query(Channel.POS, f"{_CARD}, {_MERCHANT}, {_sql_id('Z', 'merchant', 6)} as terminal_id"),
    Channel.ATM: _posting_query(
        Channel.ATM,
        f"""
        {_CARD}, {_sql_id("D", "merchant", 5)} as atm_id,
        {_sql_id("B", f"merchant // {ATMS_PER_BRANCH} + 1", 3)} as branch_id
        """,
    ),
}
