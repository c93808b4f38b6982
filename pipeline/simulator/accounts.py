"""Accounts and cards: who holds which product, opening and closing, the rows of the feeds ``accounts`` and ``cards``.

Belongs here: the bank's book of accounts and cards. Does not belong here: postings (ledger), loans (lending), the wish
for a product (contacts).
"""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from pipeline.simulator.codes import Product, Segment
from pipeline.simulator.columns import Columns
from pipeline.simulator.months import NEVER, Month
from pipeline.simulator.parties import Customers, customer_ids
from pipeline.simulator.randomness import stream
from pipeline.simulator.text import dates, identifiers, list_text, money, optional, rates

SAVINGS_SHARE = np.array([0.10, 0.35, 0.50, 0.85, 0.65, 0.35, 0.0])
TIME_DEPOSIT_SHARE = np.array([0.0, 0.05, 0.12, 0.45, 0.40, 0.08, 0.06])
CREDIT_CARD_SHARE = np.array([0.03, 0.24, 0.20, 0.30, 0.04, 0.12, 0.0])
OVERDRAFT_SHARE = np.array([0.0, 0.10, 0.12, 0.20, 0.0, 0.15, 0.20])
# months of income on the current account, the savings account and as time deposit: medians
OPENING_INCOMES = {Product.CURRENT_ACCOUNT: 1.2, Product.SAVINGS_ACCOUNT: 4.0, Product.TIME_DEPOSIT: 8.0}
CREDIT_RATES = {Product.CURRENT_ACCOUNT: 0.002, Product.SAVINGS_ACCOUNT: 0.0125, Product.TIME_DEPOSIT: 0.0225}
CREDIT_CARD_RATE = 0.18
REVOLVER_SHARE = 0.35
JOINT_SHARE = 0.15
CARD_YEARS = 5


@dataclass
class Accounts(Columns):
    """Deposit and card accounts in the order of their numbers; money in cents."""

    customer: np.ndarray
    joint_customer: np.ndarray
    product: np.ndarray
    branch: np.ndarray
    opened_day: np.ndarray
    closed_day: np.ndarray
    rate: np.ndarray
    limit_cents: np.ndarray
    frequency: np.ndarray
    balance: np.ndarray
    opening_balance: np.ndarray


@dataclass
class Cards(Columns):
    """Debit and credit cards in the order of their numbers."""

    account: np.ndarray
    customer: np.ndarray
    is_credit: np.ndarray
    is_gold: np.ndarray
    issued_day: np.ndarray
    closed_day: np.ndarray
    limit_cents: np.ndarray


@dataclass
class Book:
    """The bank's accounts and cards, and where to find each customer's."""

    accounts: Accounts
    cards: Cards
    current_of: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    savings_of: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    card_account_of: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    debit_card_of: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    credit_card_of: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    is_revolver: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))

    @property
    def floor(self) -> np.ndarray:
        """The lowest balance that a debit may leave, per account."""
        return -self.accounts.limit_cents

    def is_deposit(self) -> np.ndarray:
        """Mask of the accounts that are deposits, not card debt."""
        return self.accounts.product != Product.CREDIT_CARD_ACCOUNT


def empty_book() -> Book:
    """Return a book without accounts."""
    none = np.zeros(0)
    days, numbers = none.astype(np.int32), none.astype(np.int64)
    return Book(
        Accounts(
            customer=days, joint_customer=days, product=none.astype(np.int8), branch=none.astype(np.int16),
            opened_day=days, closed_day=days, rate=none, limit_cents=numbers, frequency=none.astype(np.int8),
            balance=numbers, opening_balance=numbers,
        ),
        Cards(
            account=days, customer=days, is_credit=none.astype(bool), is_gold=none.astype(bool), issued_day=days,
            closed_day=days, limit_cents=numbers,
        ),
    )  # fmt: skip


def equip(book: Book, customers: Customers, first: int, is_new: bool, seed: int, month: Month) -> None:
    """Open the accounts and cards of the customers from number ``first`` on.

    Customers whom the bank had before its first simulated day bring opening balances; the accounts of new ones
    (``is_new``) start at zero on the day they come.
    """
    generator = stream(seed, "equip", month.index + int(is_new))
    count = len(customers) - first
    index = np.arange(first, len(customers), dtype=np.int32)
    these = customers.take(index)
    book.current_of = np.append(book.current_of, np.zeros(count, dtype=np.int32))
    for name in ("savings_of", "card_account_of", "debit_card_of", "credit_card_of"):
        setattr(book, name, np.append(getattr(book, name), np.full(count, -1, dtype=np.int32)))
    # risky customers carry card debt and hold less: what a score can see before trouble begins
    carries_debt = generator.random(count) < np.minimum(REVOLVER_SHARE * these.risk, 0.9)
    book.is_revolver = np.append(book.is_revolver, carries_debt)

    wealth = np.exp(generator.normal(0, 0.6, count)) * these.risk**-0.4 * (0.0 if is_new else 1.0)
    later = (generator.random(count) * 900).astype(np.int32)
    opened_later = these.since_day if is_new else np.minimum(these.since_day + later, month.first_day - 1)
    draws = {product: generator.random(count) for product in Product}
    open_deposits(book, customers, index, Product.CURRENT_ACCOUNT, these.since_day, wealth, generator)
    has_savings = draws[Product.SAVINGS_ACCOUNT] < SAVINGS_SHARE[these.segment]
    open_deposits(
        book,
        customers,
        index[has_savings],
        Product.SAVINGS_ACCOUNT,
        opened_later[has_savings],
        wealth[has_savings],
        generator,
    )
    if not is_new:
        has_time = draws[Product.TIME_DEPOSIT] < TIME_DEPOSIT_SHARE[these.segment]
        open_deposits(
            book, customers, index[has_time], Product.TIME_DEPOSIT, opened_later[has_time], wealth[has_time], generator
        )
    has_card = draws[Product.CREDIT_CARD_ACCOUNT] < CREDIT_CARD_SHARE[these.segment]
    debt = generator.random(has_card.sum()) * np.where(book.is_revolver[index[has_card]], 0.75, 0.2) * (not is_new)
    open_credit_cards(book, customers, index[has_card], opened_later[has_card], debt, generator)


def open_deposits(
    book: Book,
    customers: Customers,
    index: np.ndarray,
    product: Product,
    day: np.ndarray,
    wealth: np.ndarray,
    generator: np.random.Generator,
) -> None:
    """Open one deposit account for each customer; current accounts come with a debit card."""
    these = customers.take(index)
    number = len(book.accounts) + np.arange(len(index), dtype=np.int32)
    is_current = product == Product.CURRENT_ACCOUNT
    opening = np.round(these.income_cents * OPENING_INCOMES[product] * wealth).astype(np.int64)
    has_overdraft = is_current & (generator.random(len(index)) < OVERDRAFT_SHARE[these.segment])
    is_joint = (these.segment == Segment.FAMILY) & (generator.random(len(index)) < JOINT_SHARE) & is_current
    # the joint holder is a customer who was there before: the neighbour in number
    joint = np.where(is_joint & (index > 0) & (customers.segment[index - 1] == Segment.FAMILY), index - 1, -1)
    joint = np.where((joint >= 0) & (customers.since_day[joint] <= day), joint, -1)
    book.accounts.append(
        Accounts(
            customer=index,
            joint_customer=joint,
            product=np.full(len(index), product),
            branch=these.branch,
            opened_day=day,
            closed_day=np.full(len(index), NEVER),
            rate=np.full(len(index), CREDIT_RATES[product]),
            limit_cents=np.where(has_overdraft, these.income_cents // 200_000 * 100_000, 0),
            frequency=np.where(generator.random(len(index)) < 0.9, 0, generator.integers(1, 3, len(index))),
            balance=opening,
            opening_balance=opening,
        )
    )
    if product == Product.SAVINGS_ACCOUNT:
        book.savings_of[index] = number
    if is_current:
        book.current_of[index] = number
        book.debit_card_of[index] = len(book.cards) + np.arange(len(index))
        book.cards.append(_cards(number, index, False, np.zeros(len(index), dtype=bool), day, np.zeros(len(index))))


def open_credit_cards(
    book: Book,
    customers: Customers,
    index: np.ndarray,
    day: np.ndarray,
    debt_share: np.ndarray,
    generator: np.random.Generator,
) -> None:
    """Open a credit-card account with its card for each person; ``debt_share`` of the limit is drawn at the start."""
    these = customers.take(index)
    number = len(book.accounts) + np.arange(len(index), dtype=np.int32)
    limit = np.maximum(3, np.round(these.income_cents * (0.8 + generator.random(len(index)) * 2) / 100_000)).astype(
        np.int64
    )
    opening = -np.round(limit * 100_000 * debt_share).astype(np.int64)
    book.accounts.append(
        Accounts(
            customer=index,
            joint_customer=np.full(len(index), -1),
            product=np.full(len(index), Product.CREDIT_CARD_ACCOUNT),
            branch=these.branch,
            opened_day=day,
            closed_day=np.full(len(index), NEVER),
            rate=np.full(len(index), np.nan),
            limit_cents=limit * 100_000,
            frequency=np.zeros(len(index)),
            balance=opening,
            opening_balance=opening,
        )
    )
    book.card_account_of[index] = number
    book.credit_card_of[index] = len(book.cards) + np.arange(len(index))
    book.cards.append(_cards(number, index, True, these.segment == Segment.AFFLUENT, day, limit * 100_000))


def _cards(
    account: np.ndarray, customer: np.ndarray, is_credit: bool, is_gold: np.ndarray, day: np.ndarray, limit: np.ndarray
) -> Cards:
    return Cards(
        account=account,
        customer=customer,
        is_credit=np.full(len(account), is_credit),
        is_gold=is_gold,
        issued_day=day,
        closed_day=np.full(len(account), NEVER),
        limit_cents=limit,
    )


def close_relations(book: Book, customer: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Close all accounts and cards of customers; return the numbers of the accounts and of the cards."""
    closing = np.full(len(book.current_of), NEVER, dtype=np.int32)
    closing[customer] = day
    accounts = np.flatnonzero((closing[book.accounts.customer] != NEVER) & (book.accounts.closed_day == NEVER))
    cards = np.flatnonzero((closing[book.cards.customer] != NEVER) & (book.cards.closed_day == NEVER))
    book.accounts.closed_day[accounts] = closing[book.accounts.customer[accounts]]
    book.cards.closed_day[cards] = closing[book.cards.customer[cards]]
    return accounts, cards


def account_ids(number: np.ndarray) -> pa.Array:
    """Return account numbers; -1 gives null."""
    return identifiers("A", number, 9)


def card_ids(number: np.ndarray) -> pa.Array:
    """Return card identifiers; -1 gives null."""
    return identifiers("K", number, 9)


def account_rows(book: Book, number: np.ndarray, change_day: np.ndarray) -> pa.Table:
    """Return rows of the feed ``accounts`` as they are on the days of the change, with the column ``file_date``."""
    these = book.accounts.take(number)
    closed_day = np.where(these.closed_day <= change_day, these.closed_day, NEVER)
    return pa.table(
        {
            "file_date": dates(change_day),
            "account_id": account_ids(number),
            "change_date": dates(change_day),
            "customer_id": customer_ids(these.customer),
            "joint_customer_id": customer_ids(these.joint_customer),
            "product_code": list_text([product.name.lower() for product in Product], these.product),
            "branch_id": identifiers("B", these.branch.astype(np.int64) + 1, 3),
            "currency_code": list_text(["CNY"], np.zeros(len(these))),
            "opened_date": dates(these.opened_day),
            "closed_date": dates(closed_day),
            "status_code": list_text(["open", "closed"], closed_day != NEVER),
            "interest_rate": rates(these.rate),
            "overdraft_limit_amount": optional(money(these.limit_cents), these.limit_cents > 0),
            "statement_frequency_code": list_text(["monthly", "weekly", "after_transaction"], these.frequency),
        }
    )


def card_rows(book: Book, number: np.ndarray, change_day: np.ndarray) -> pa.Table:
    """Return rows of the feed ``cards`` as they are on the days of the change, with the column ``file_date``."""
    these = book.cards.take(number)
    product = np.where(these.is_credit, 1 + these.is_gold, 0)
    return pa.table(
        {
            "file_date": dates(change_day),
            "card_id": card_ids(number),
            "change_date": dates(change_day),
            "account_id": account_ids(these.account),
            "customer_id": customer_ids(these.customer),
            "card_type": list_text(["debit", "credit"], these.is_credit),
            "product_code": list_text(["debit_card", "credit_card", "card_gold"], product),
            "issued_date": dates(these.issued_day),
            "expiry_date": dates(these.issued_day + CARD_YEARS * 365),
            "credit_limit_amount": optional(money(these.limit_cents), these.is_credit),
            "status_code": list_text(["active", "closed"], these.closed_day <= change_day),
        }
    )
