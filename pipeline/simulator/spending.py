"""Purchases with debit and credit cards, and cash from machines.

Belongs here: how often, where and how much customers buy and draw. Does not belong here: whether the account covers it
(ledger), transfers (payments).
"""

import numpy as np

from pipeline.simulator import vocabulary as words
from pipeline.simulator.accounts import Book
from pipeline.simulator.attrition import Engagement
from pipeline.simulator.chains import CHAINS, Steps
from pipeline.simulator.codes import Channel, Rule, Segment, Type
from pipeline.simulator.ledger import PostingList
from pipeline.simulator.months import NEVER, SECONDS_PER_DAY, Month
from pipeline.simulator.organisation import BRANCH_COUNT, MERCHANTS_PER_CATEGORY
from pipeline.simulator.parties import TRAIT_CATEGORIES, Customers
from pipeline.simulator.randomness import stream
from pipeline.simulator.stress import Stress

CATEGORY_CODES = tuple(category[0] for category in words.MERCHANT_CATEGORIES)
CATEGORY_MEANS = np.array([category[3] for category in words.MERCHANT_CATEGORIES], dtype=float)
ONLINE_SHARES = np.array([category[4] for category in words.MERCHANT_CATEGORIES])
# purchases a month in categories that anybody visits, by segment in the order of `Segment`
COMMON_PURCHASES = {
    "5411": (0.7, 0.9, 1.7, 1.2, 2.0, 1.1, 0.05),
    "5812": (0.6, 1.1, 0.9, 1.6, 0.3, 0.9, 0.35),
    "5814": (1.5, 1.1, 0.5, 0.2, 0.1, 0.5, 0.0),
    "5499": (0.9, 0.9, 0.4, 0.2, 0.5, 0.5, 0.0),
    "4111": (0.8, 0.7, 0.3, 0.1, 0.5, 0.2, 0.0),
    "4121": (0.3, 0.6, 0.2, 0.5, 0.1, 0.2, 0.1),
    "4814": (0.35, 0.35, 0.3, 0.3, 0.3, 0.4, 0.15),
    "4900": (0.05, 0.3, 0.5, 0.4, 0.5, 0.4, 0.15),
    "5311": (0.1, 0.3, 0.35, 0.7, 0.15, 0.3, 0.0),
    "5912": (0.05, 0.1, 0.15, 0.15, 0.55, 0.12, 0.0),
    "8062": (0.02, 0.03, 0.06, 0.06, 0.28, 0.05, 0.0),
    "5942": (0.25, 0.1, 0.1, 0.08, 0.06, 0.04, 0.0),
    "8299": (0.08, 0.05, 0.14, 0.08, 0.0, 0.04, 0.0),
    "7832": (0.2, 0.2, 0.1, 0.08, 0.01, 0.05, 0.0),
    "5541": (0.0, 0.03, 0.04, 0.04, 0.01, 0.05, 0.3),
    "5921": (0.02, 0.08, 0.12, 0.2, 0.14, 0.2, 0.05),
    "5944": (0.005, 0.01, 0.02, 0.08, 0.01, 0.02, 0.0),
}
RARE_PURCHASES = 0.012
# purchases a month in each category of a bundle, for those who bear the trait
BUNDLE_PURCHASES = 0.42
COMPANY_RARE_PURCHASES = 0.0
CREDIT_CARD_USE = 0.6
REFUND_SHARE = 0.008
LOYALTY = 0.5
PERSONS_PER_BLOCK = 50_000

ATM_VISITS = np.array([1.1, 1.2, 1.4, 0.8, 2.1, 1.6, 0.3])
ATM_DEPOSIT_SHARE, ATM_TRANSFER_SHARE, FOREIGN_ATM_SHARE = 0.08, 0.05, 0.10
ATM_FEE_CENTS = 400
ATMS_PER_BRANCH = 3
CASH_ADVANCES = 0.02
STRAINED_CASH_ADVANCES = 0.9
CASH_ADVANCE_FEE_RATE = 0.01
ANNUAL_CARD_FEE_CENTS = 12_000
LATE_FEE_CENTS = 5_000


def purchase_rates() -> np.ndarray:
    """Return expected purchases a month by segment (rows) and category (columns) of customers without traits."""
    rates = np.full((len(Segment), len(CATEGORY_CODES)), RARE_PURCHASES)
    rates[Segment.COMPANY] = COMPANY_RARE_PURCHASES
    for code, by_segment in COMMON_PURCHASES.items():
        rates[:, CATEGORY_CODES.index(code)] = by_segment
    return rates


def buy(
    postings: PostingList,
    customers: Customers,
    book: Book,
    stress: Stress,
    engagement: Engagement,
    seed: int,
    month: Month,
) -> None:
    """Add the purchases of a month, on debit cards (POS) and credit cards."""
    generator = stream(seed, "purchases", month.index)
    rates = purchase_rates()
    shoppers = np.flatnonzero(customers.closed_day > month.first_day)
    for start in range(0, len(shoppers), PERSONS_PER_BLOCK):
        block = shoppers[start : start + PERSONS_PER_BLOCK]
        these = customers.take(block)
        expected = rates[these.segment]
        for trait, codes in enumerate(TRAIT_CATEGORIES):
            bearers = np.flatnonzero(these.bears(trait))
            for code in codes:
                expected[bearers, CATEGORY_CODES.index(code)] += BUNDLE_PURCHASES
        mood = 1 - 0.15 * stress.is_strained[block] - 0.45 * stress.is_missing[block]
        mood = mood * engagement.activity[block]
        times = generator.poisson(expected * (these.activity * mood)[:, None])
        row, category = np.nonzero(times)
        repeated = times[row, category]
        row, category = np.repeat(row, repeated), np.repeat(category, repeated)
        day = generator.integers(0, month.days, len(row))
        _add_purchases(postings, these, block, row, category, day, book, generator, month)


def follow_chains(
    postings: PostingList, customers: Customers, book: Book, steps: Steps, seed: int, month: Month
) -> None:
    """Add the purchases of a month that are steps of chains."""
    generator = stream(seed, "chain purchases", month.index)
    category = np.zeros(len(steps), dtype=np.int64)
    for number, chain in enumerate(CHAINS):
        mine = steps.chain == number
        category[mine] = np.array([CATEGORY_CODES.index(code) for code in chain.categories])[steps.step[mine]]
    shoppers, row = customers.take(steps.customer), np.arange(len(steps))
    day = steps.day - month.first_day
    _add_purchases(postings, shoppers, steps.customer, row, category, day, book, generator, month)


def _add_purchases(
    postings: PostingList,
    shoppers: Customers,
    number: np.ndarray,
    row: np.ndarray,
    category: np.ndarray,
    day: np.ndarray,
    book: Book,
    generator: np.random.Generator,
    month: Month,
) -> None:
    """Add a purchase of ``shoppers[row]``, whose customer number is ``number[row]``, per category and day."""
    count = len(row)
    wealth = np.clip(shoppers.income_cents / 800_000, 0.25, 60) ** 0.5
    wealth = np.where(shoppers.is_company, 2.0, wealth)
    cents = np.round(CATEGORY_MEANS[category] * wealth[row] * 100 * np.exp(generator.normal(-0.18, 0.6, count))).astype(
        np.int64
    )
    favourite = (shoppers.habits[row] + category * 7) % MERCHANTS_PER_CATEGORY
    anywhere = (generator.random(count) ** 1.5 * MERCHANTS_PER_CATEGORY).astype(np.int64)
    is_loyal = generator.random(count) < LOYALTY
    merchant = category * MERCHANTS_PER_CATEGORY + np.where(is_loyal, favourite, anywhere)
    customer = number[row]
    card_account = book.card_account_of[customer]
    has_credit = (card_account >= 0) & (generator.random(count) < CREDIT_CARD_USE)
    is_online = generator.random(count) < ONLINE_SHARES[category]
    second = day * SECONDS_PER_DAY + generator.integers(0, 15 * 3600, count)
    back = generator.random(count) < REFUND_SHARE
    returned = np.minimum(
        second + generator.integers(3_600, 6 * SECONDS_PER_DAY, count), month.days * SECONDS_PER_DAY - 7_200
    )
    for uses_credit, channel, account, card in (
        (False, Channel.POS, book.current_of[customer], book.debit_card_of[customer]),
        (True, Channel.CARD, card_account, book.credit_card_of[customer]),
    ):
        mine = has_credit == uses_credit
        postings.add(
            account[mine], second[mine], cents[mine], sign=-1, channel=channel, type=Type.PURCHASE,
            reference=card[mine], merchant=merchant[mine], flag=is_online[mine],
        )  # fmt: skip
        mine &= back & (returned > second)
        postings.add(
            account[mine], returned[mine], cents[mine], sign=1, channel=channel, type=Type.REFUND,
            reference=card[mine], merchant=merchant[mine], flag=is_online[mine],
        )  # fmt: skip


def use_machines(
    postings: PostingList,
    customers: Customers,
    book: Book,
    stress: Stress,
    engagement: Engagement,
    seed: int,
    month: Month,
) -> None:
    """Add cash and transfers at machines; the machine is in ``merchant``, the card in ``reference``."""
    generator = stream(seed, "machines", month.index)
    times = generator.poisson(ATM_VISITS[customers.segment] * stress.cash_factor * engagement.activity)
    times[customers.closed_day <= month.first_day] = 0
    customer = np.repeat(np.arange(len(customers)), times)
    count = len(customer)
    kind = generator.random(count)
    is_deposit = kind < ATM_DEPOSIT_SHARE
    is_transfer = ~is_deposit & (kind < ATM_DEPOSIT_SHARE + ATM_TRANSFER_SHARE)
    income = np.minimum(customers.income_cents[customer], 8_000_000)
    notes = np.maximum(1, np.round(income * generator.gamma(2, 0.035, count) / 10_000)).clip(max=200)
    fee = np.where(~is_deposit & ~is_transfer & (generator.random(count) < FOREIGN_ATM_SHARE), ATM_FEE_CENTS, 0)
    near = customers.branch[customer].astype(np.int64)
    branch = np.where(generator.random(count) < 0.75, near, generator.integers(0, BRANCH_COUNT, count))
    machine = branch * ATMS_PER_BRANCH + generator.integers(0, ATMS_PER_BRANCH, count)
    second = generator.integers(0, month.days, count) * SECONDS_PER_DAY + generator.integers(0, 15 * 3600, count)
    postings.add(
        book.current_of[customer], second, notes.astype(np.int64) * 10_000 + fee,
        sign=np.where(is_deposit, 1, -1), channel=Channel.ATM,
        type=np.select([is_deposit, is_transfer], [Type.DEPOSIT, Type.TRANSFER_OUT], Type.WITHDRAWAL),
        reference=book.debit_card_of[customer], merchant=machine, fee_cents=fee,
    )  # fmt: skip


def use_credit_lines(
    postings: PostingList,
    customers: Customers,
    book: Book,
    stress: Stress,
    engagement: Engagement,
    seed: int,
    month: Month,
) -> None:
    """Add cash advances on credit cards with their fees, interest on carried debt, yearly and late fees."""
    generator = stream(seed, "credit lines", month.index)
    holder = np.flatnonzero((book.card_account_of >= 0) & (customers.closed_day == NEVER))
    account, card = book.card_account_of[holder], book.credit_card_of[holder]
    strained = stress.is_strained[holder]
    advances = np.where(strained, STRAINED_CASH_ADVANCES, CASH_ADVANCES * (1 + 3 * book.is_revolver[holder]))
    times = generator.poisson(advances * engagement.activity[holder])
    which = np.repeat(np.arange(len(holder)), times)
    limit = book.accounts.limit_cents[account[which]]
    cents = (
        np.maximum(1, np.round(limit * generator.uniform(0.02, 0.15, len(which)) / 10_000)).astype(np.int64) * 10_000
    )
    second = generator.integers(0, month.days, len(which)) * SECONDS_PER_DAY + generator.integers(
        0, 14 * 3600, len(which)
    )
    on_card = {"channel": Channel.CARD, "sign": -1}
    postings.add(account[which], second, cents, type=Type.CASH_ADVANCE, reference=card[which], **on_card)
    fee = np.round(cents * CASH_ADVANCE_FEE_RATE).astype(np.int64)
    postings.add(account[which], second + 1, fee, type=Type.FEE, reference=card[which], **on_card)

    debt = np.maximum(-book.accounts.balance[account], 0)
    carries = book.is_revolver[holder] | strained | stress.is_missing[holder]
    interest = np.where(carries, np.round(debt * 0.18 / 12), 0).astype(np.int64)
    forced = {**on_card, "rule": Rule.FORCED}
    statement = np.full(len(holder), 4 * SECONDS_PER_DAY + 15 * 3600)
    postings.add(account, statement, interest, type=Type.INTEREST, reference=card, **forced)
    late = np.where(stress.is_missing[holder] & (debt > 0), LATE_FEE_CENTS, 0)
    postings.add(account, statement + 20 * SECONDS_PER_DAY, late, type=Type.FEE, reference=card, **forced)
    issued = book.cards.issued_day[card].astype("datetime64[D]")
    is_anniversary = issued.astype("datetime64[M]").astype(int) % 12 + 1 == month.first.month
    is_anniversary &= book.cards.issued_day[card] < month.first_day
    yearly = np.where(is_anniversary, ANNUAL_CARD_FEE_CENTS, 0)
    postings.add(account, statement + 60, yearly, type=Type.FEE, reference=card, **forced)
