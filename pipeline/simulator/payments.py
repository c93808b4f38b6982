"""Money that comes and goes by transfer and at the counter: incomes, rent, savings, trade, interest, charges.

Belongs here: postings of the counter channel that are not loans. Does not belong here: cards and machines (spending),
instalments (lending).
"""

import numpy as np

from pipeline.simulator.accounts import Book
from pipeline.simulator.attrition import Engagement
from pipeline.simulator.codes import Channel, Product, Purpose, Rule, Segment, Type
from pipeline.simulator.ledger import CLOSING_SECOND, PostingList, Postings
from pipeline.simulator.months import SECONDS_PER_DAY, Month
from pipeline.simulator.parties import Customers
from pipeline.simulator.randomness import stream
from pipeline.simulator.stress import Stress

SALARIED = (Segment.YOUNG_PROFESSIONAL, Segment.FAMILY, Segment.AFFLUENT)
TENANT_SHARE = np.array([0.20, 0.55, 0.12, 0.03, 0.05, 0.15, 0.0])
HOUSEHOLD_SHARE = np.array([0.0, 0.25, 0.55, 0.45, 0.60, 0.35, 0.0])
INSURANCE_SHARE = np.array([0.0, 0.08, 0.25, 0.40, 0.05, 0.20, 0.0])
CASH_AT_COUNTER = np.array([0.01, 0.03, 0.06, 0.08, 0.55, 0.25, 0.4])
EMPLOYED_BY_CUSTOMER_SHARE = 0.4
BONUS_SHARE = 0.6
JANUARY_BONUS = 1.8
QUARTER_MONTHS = (3, 6, 9, 12)
QUARTER_INTEREST_DAY = 21
CARD_PAYMENT_DAY = 20
STATEMENT_FEE_CENTS = 500
DECLINED_FEE_CENTS = 2_000
PENALTY_RATE = 0.18
# companies: part of turnover that goes to suppliers, wages, taxes
SUPPLIER_SHARE, PAYROLL_SHARE, TAX_SHARE = 0.62, 0.22, 0.07
OPEN_HOUR, CLOSE_HOUR = 1, 9  # UTC: 9 to 17 in Beijing


def office_seconds(generator: np.random.Generator, day: np.ndarray) -> np.ndarray:
    """Return moments in office hours of days of the month (0 is the first)."""
    return (day * SECONDS_PER_DAY + generator.integers(OPEN_HOUR * 3600, CLOSE_HOUR * 3600, len(day))).astype(np.int64)


def other_banks(generator: np.random.Generator, count: int) -> np.ndarray:
    """Return accounts at other banks."""
    return -2 - generator.integers(0, 1 << 28, count)


def pay_persons(
    postings: PostingList,
    customers: Customers,
    book: Book,
    stress: Stress,
    engagement: Engagement,
    companies: np.ndarray,
    seed: int,
    month: Month,
) -> None:
    """Add incomes and standing payments of persons; ``companies`` are the customers who may be their employers."""
    generator = stream(seed, "persons", month.index)
    person = np.flatnonzero(~customers.is_company & (customers.closed_day > month.first_day))
    these = customers.take(person)
    account = book.current_of[person]
    balance = book.accounts.balance[account]
    income = these.income_cents * stress.income_factor[person] * engagement.has_income_here[person]
    _incomes(postings, these, account, income, book, companies, generator, month)
    _standing_payments(postings, these, account, engagement.has_income_here[person], generator)
    _savings(postings, these, person, account, balance, book, stress, engagement, generator, month.first_day)
    _drain(postings, person, account, balance, stress, generator)
    _cash_at_counter(postings, these, account, engagement.activity[person], generator, month)


def _incomes(
    postings: PostingList,
    persons: Customers,
    account: np.ndarray,
    income: np.ndarray,
    book: Book,
    companies: np.ndarray,
    generator: np.random.Generator,
    month: Month,
) -> None:
    count = len(persons)
    cents = np.round(income * generator.normal(1, 0.02, count)).astype(np.int64)
    is_salaried = np.isin(persons.segment, SALARIED)
    if month.first.month == 1:
        cents = np.where(
            is_salaried & (persons.habit(4) < BONUS_SHARE), (cents * JANUARY_BONUS).astype(np.int64), cents
        )
    cents = np.maximum(cents, 0)
    employer = other_banks(generator, count)
    if len(companies):
        is_customer = is_salaried & (persons.habit(3) < EMPLOYED_BY_CUSTOMER_SHARE)
        employer = np.where(is_customer, book.current_of[companies[persons.habits % len(companies)]], employer)
    purpose = np.select(
        [is_salaried & (persons.occupation != 5), persons.segment == Segment.RETIRED],
        [Purpose.SALARY, Purpose.PENSION],
        Purpose.OTHER,
    )
    at_once = persons.segment != Segment.SELF_EMPLOYED
    second = office_seconds(generator, persons.payday.astype(np.int64) - 1)
    postings.add(
        account[at_once], second[at_once], cents[at_once], sign=1, type=Type.TRANSFER_IN, purpose=purpose[at_once],
        counterparty=employer[at_once],
    )  # fmt: skip
    trade = np.flatnonzero(~at_once)
    times = 2 + generator.poisson(2.0, len(trade))
    which = np.repeat(trade, times)
    amount = np.round(income[which] / np.repeat(times, times) * generator.gamma(4, 1 / 4, len(which))).astype(np.int64)
    in_cash = generator.random(len(which)) < 0.3
    postings.add(
        account[which], office_seconds(generator, generator.integers(0, month.days, len(which))), amount, sign=1,
        type=np.where(in_cash, Type.DEPOSIT, Type.TRANSFER_IN), purpose=Purpose.SALES,
        counterparty=np.where(in_cash, -1, other_banks(generator, len(which))),
    )  # fmt: skip


def _standing_payments(
    postings: PostingList,
    persons: Customers,
    account: np.ndarray,
    has_income_here: np.ndarray,
    generator: np.random.Generator,
) -> None:
    """Rent, household bills and insurance, some days after the income; they move to another bank with it."""
    payday = persons.payday.astype(np.int64)
    for share, habit, purpose, part, spread, after in (
        (TENANT_SHARE, 0, Purpose.RENT, 0.22, 0.0, 1),
        (HOUSEHOLD_SHARE, 1, Purpose.HOUSEHOLD, 0.03, 0.25, 2),
        (INSURANCE_SHARE, 2, Purpose.INSURANCE, 0.025, 0.0, 3),
    ):
        pays = (persons.habit(habit) < share[persons.segment]) & has_income_here
        noise = np.exp(generator.normal(0, 1, pays.sum()) * spread)
        cents = np.round(persons.income_cents[pays] * part * noise / 100).astype(np.int64) * 100
        second = office_seconds(generator, payday[pays] - 1 + after)
        postings.add(
            account[pays], second, cents, sign=-1, type=Type.TRANSFER_OUT, purpose=purpose,
            counterparty=-2 - persons.habits[pays] % (1 << 28),
        )  # fmt: skip
        charge_if_declined(postings, account[pays], second + 60)


def charge_if_declined(postings: PostingList, account: np.ndarray, second: np.ndarray) -> None:
    """Charge accounts that could not cover their last debit."""
    cents = np.full(len(account), DECLINED_FEE_CENTS)
    postings.add(account, second, cents, sign=-1, rule=Rule.FEE_IF_DECLINED, type=Type.FEE, purpose=Purpose.OTHER)


def _savings(
    postings: PostingList,
    persons: Customers,
    person: np.ndarray,
    account: np.ndarray,
    balance: np.ndarray,
    book: Book,
    stress: Stress,
    engagement: Engagement,
    generator: np.random.Generator,
    first_day: int,
) -> None:
    """Move what is left to savings or to another bank; draw on savings when the account runs low."""
    income = persons.income_cents
    savings = book.savings_of[person]
    # what is opened in the month is filled when it is opened
    has_savings = (savings >= 0) & (book.accounts.opened_day[savings] < first_day)
    is_well = ~(stress.is_strained | stress.is_missing | engagement.is_leaving)[person]
    second = office_seconds(generator, np.minimum(persons.payday.astype(np.int64) + 1, 27))
    surplus = np.round(np.maximum(balance - 1.1 * income, 0) * generator.uniform(0.3, 0.7, len(person)) / 10_000)
    saves = has_savings & is_well & (surplus > 0)
    postings.add(
        account[saves], second[saves], surplus[saves].astype(np.int64) * 10_000, sign=-1, type=Type.TRANSFER_OUT,
        purpose=Purpose.SAVINGS, reference=savings[saves], counterparty=savings[saves],
    )  # fmt: skip
    rich = np.round(np.maximum(balance - 3.0 * income, 0) * 0.6 / 100_000)
    invests = ~has_savings & is_well & (rich > 0)
    postings.add(
        account[invests], second[invests], rich[invests].astype(np.int64) * 100_000, sign=-1, type=Type.TRANSFER_OUT,
        purpose=Purpose.OTHER, counterparty=other_banks(generator, int(invests.sum())),
    )  # fmt: skip
    available = np.where(has_savings, book.accounts.balance[savings], 0)
    wanted = np.minimum(available, np.round(income * generator.uniform(0.3, 0.8, len(person))).astype(np.int64))
    wanted = wanted // 100 * 100
    draws = has_savings & (balance < 0.25 * income) & (wanted > 0)
    draws &= ~(engagement.is_gone | (engagement.moved_out_share > 0))[person]
    early = office_seconds(generator, generator.integers(0, 4, len(person)))
    for one, other, sign, posting_type in (
        (account, savings, 1, Type.TRANSFER_IN),
        (savings, account, -1, Type.TRANSFER_OUT),
    ):
        postings.add(
            one[draws], early[draws], wanted[draws], sign=sign, rule=Rule.FORCED, type=posting_type,
            purpose=Purpose.SAVINGS, counterparty=other[draws],
        )  # fmt: skip


def _drain(
    postings: PostingList,
    person: np.ndarray,
    account: np.ndarray,
    balance: np.ndarray,
    stress: Stress,
    generator: np.random.Generator,
) -> None:
    """Let those in trouble use up what they have."""
    for mask, part in ((stress.is_strained, 0.35), (stress.is_missing, 0.6)):
        drains = mask[person] & (balance > 20_000)
        cents = (
            np.round(balance[drains] * part * generator.uniform(0.5, 1.0, drains.sum()) / 10_000).astype(np.int64)
            * 10_000
        )
        postings.add(
            account[drains], office_seconds(generator, generator.integers(0, 25, drains.sum())), cents, sign=-1,
            type=Type.WITHDRAWAL, purpose=Purpose.NONE,
        )  # fmt: skip


def _cash_at_counter(
    postings: PostingList,
    persons: Customers,
    account: np.ndarray,
    activity: np.ndarray,
    generator: np.random.Generator,
    month: Month,
) -> None:
    times = generator.poisson(CASH_AT_COUNTER[persons.segment] * activity)
    which = np.repeat(np.arange(len(persons)), times)
    cents = (
        np.round(persons.income_cents[which] * generator.gamma(2, 0.08, len(which)) / 10_000).astype(np.int64) * 10_000
    )
    pays_in = generator.random(len(which)) < 0.35
    postings.add(
        account[which], office_seconds(generator, generator.integers(0, month.days, len(which))), cents,
        sign=np.where(pays_in, 1, -1), type=np.where(pays_in, Type.DEPOSIT, Type.WITHDRAWAL),
    )  # fmt: skip


def pay_companies(
    postings: PostingList, customers: Customers, book: Book, stress: Stress, seed: int, month: Month
) -> None:
    """Add sales, purchases, wages, taxes and dividends of companies."""
    generator = stream(seed, "companies", month.index)
    company = np.flatnonzero(customers.is_company & (customers.closed_day > month.first_day))
    these = customers.take(company)
    account = book.current_of[company]
    balance = book.accounts.balance[account]
    turnover = these.income_cents * generator.normal(1, 0.12, len(company)).clip(0.4) * stress.income_factor[company]
    size = np.log1p(these.employees)
    trades = (
        (1, Type.TRANSFER_IN, Purpose.SALES, 1.0, 1 + 1.6 * size, turnover),
        (-1, Type.TRANSFER_OUT, Purpose.SUPPLIER, SUPPLIER_SHARE, 1 + 1.2 * size, these.income_cents),
    )
    partners = np.flatnonzero(customers.is_company & (customers.since_day < month.first_day))
    for sign, posting_type, purpose, share, mean_times, base in trades:
        times = 1 + generator.poisson(mean_times)
        which = np.repeat(np.arange(len(company)), times)
        cents = np.round(base[which] * share / np.repeat(times, times) * generator.gamma(3, 1 / 3, len(which))).astype(
            np.int64
        )
        partner = (
            partners[generator.integers(0, len(partners), len(which))] if len(partners) else np.full(len(which), -1)
        )
        is_here = (generator.random(len(which)) < 0.3) & (partner >= 0)
        counterparty = np.where(is_here, book.current_of[partner], other_banks(generator, len(which)))
        postings.add(
            account[which], office_seconds(generator, generator.integers(0, month.days, len(which))), cents, sign=sign,
            type=posting_type, purpose=purpose, counterparty=counterparty,
        )  # fmt: skip
    for purpose, share, day in (
        (Purpose.SALARY, PAYROLL_SHARE, these.payday - 1),
        (Purpose.TAX, TAX_SHARE, these.payday * 0 + 14),
    ):
        cents = np.round(these.income_cents * share * generator.normal(1, 0.05, len(company)).clip(0.5)).astype(
            np.int64
        )
        postings.add(
            account, office_seconds(generator, day.astype(np.int64)), cents, sign=-1, type=Type.TRANSFER_OUT,
            purpose=purpose, counterparty=other_banks(generator, len(company)),
        )  # fmt: skip
    rich = np.round(np.maximum(balance - 2.0 * these.income_cents, 0) * 0.5 / 1_000_000).astype(np.int64) * 1_000_000
    postings.add(
        account, office_seconds(generator, generator.integers(15, 28, len(company))), rich, sign=-1,
        type=Type.TRANSFER_OUT, purpose=Purpose.DIVIDEND, counterparty=other_banks(generator, len(company)),
    )  # fmt: skip
    drained = np.round(balance * np.where(stress.is_strained | stress.is_missing, 0.4, 0.0)[company] / 10_000)
    postings.add(
        account, office_seconds(generator, generator.integers(2, 20, len(company))), drained.astype(np.int64) * 10_000,
        sign=-1, type=Type.TRANSFER_OUT, purpose=Purpose.SUPPLIER, counterparty=other_banks(generator, len(company)),
    )  # fmt: skip


def move_out(
    postings: PostingList, customers: Customers, book: Book, engagement: Engagement, seed: int, month: Month
) -> None:
    """Move parts of savings and current account to other banks, for those who leave for a better rate."""
    generator = stream(seed, "moving out", month.index)
    mover = np.flatnonzero((engagement.moved_out_share > 0) & (customers.closed_day > month.first_day))
    share = engagement.moved_out_share[mover]
    current, savings = book.current_of[mover], book.savings_of[mover]
    is_saved = (savings >= 0) & (book.accounts.opened_day[savings] < month.first_day)
    saved = np.where(is_saved, np.maximum(book.accounts.balance[savings], 0), 0)
    held = np.maximum(book.accounts.balance[current], 0)
    from_savings, from_current = (np.floor(cents * share / 100).astype(np.int64) * 100 for cents in (saved, held))
    second = office_seconds(generator, generator.integers(0, 20, len(mover)))
    for one, other, sign, posting_type in (
        (current, savings, 1, Type.TRANSFER_IN),
        (savings, current, -1, Type.TRANSFER_OUT),
    ):
        postings.add(
            one, second, from_savings, sign=sign, rule=Rule.FORCED, type=posting_type, purpose=Purpose.SAVINGS,
            counterparty=other,
        )  # fmt: skip
    bank = other_banks(generator, len(mover))
    for cents, later in ((from_savings, 300), (from_current, 900)):
        postings.add(
            current, second + later, cents, sign=-1, type=Type.TRANSFER_OUT, purpose=Purpose.OTHER, counterparty=bank
        )


def charge_extra_fees(postings: PostingList, book: Book, engagement: Engagement, seed: int, month: Month) -> None:
    """Charge fees beyond the usual ones, for those whom fees will drive away."""
    generator = stream(seed, "extra fees", month.index)
    charged = np.repeat(np.arange(len(engagement.extra_fees)), engagement.extra_fees)
    cents = generator.integers(2, 9, len(charged)) * 1_000
    second = office_seconds(generator, generator.integers(0, month.days, len(charged)))
    postings.add(
        book.current_of[charged], second, cents, sign=-1, rule=Rule.FORCED, type=Type.FEE, purpose=Purpose.OTHER
    )


def pay_cards(
    postings: PostingList,
    customers: Customers,
    book: Book,
    stress: Stress,
    engagement: Engagement,
    seed: int,
    month: Month,
) -> None:
    """Debit current accounts for last month's card debt.

    All of it, also for those who leave, or a part for revolvers, nothing for who is missing.
    """
    generator = stream(seed, "card payments", month.index)
    holder = np.flatnonzero((book.card_account_of >= 0) & (customers.closed_day > month.first_day))
    card_account = book.card_account_of[holder]
    debt = np.maximum(-book.accounts.balance[card_account], 0)
    pays_part = (book.is_revolver[holder] & ~engagement.is_leaving[holder]) | stress.is_strained[holder]
    share = np.where(pays_part, generator.uniform(0.08, 0.35, len(holder)), 1.0)
    share = np.where(stress.is_missing[holder], 0.0, share)
    cents = np.minimum(np.maximum(np.round(debt * share), 5_000), debt).astype(np.int64)
    cents = np.where(share > 0, cents, 0)
    day = CARD_PAYMENT_DAY - 1 + generator.integers(0, 5, len(holder))
    postings.add(
        book.current_of[holder], office_seconds(generator, day), cents, sign=-1, type=Type.TRANSFER_OUT,
        purpose=Purpose.CARD_PAYMENT, reference=card_account, counterparty=card_account,
    )  # fmt: skip


def charge_and_credit(postings: PostingList, book: Book, month: Month) -> None:
    """Add statement fees, penalty interest of overdrafts and quarterly interest of current accounts."""
    current = np.flatnonzero(book.accounts.product == Product.CURRENT_ACCOUNT)
    these = book.accounts.take(current)
    noon = 4 * 3600
    postings.add(
        current, np.full(len(current), 24 * SECONDS_PER_DAY + noon),
        np.where(these.frequency > 0, STATEMENT_FEE_CENTS, 0), sign=-1, rule=Rule.FORCED, type=Type.FEE,
        purpose=Purpose.STATEMENT_FEE,
    )  # fmt: skip
    postings.add(
        current, np.full(len(current), 19 * SECONDS_PER_DAY + noon),
        np.round(np.maximum(-these.balance, 0) * PENALTY_RATE / 12).astype(np.int64), sign=-1, rule=Rule.FORCED,
        type=Type.PENALTY_INTEREST, purpose=Purpose.PENALTY_INTEREST,
    )  # fmt: skip
    if month.first.month in QUARTER_MONTHS:
        postings.add(
            current, np.full(len(current), (QUARTER_INTEREST_DAY - 1) * SECONDS_PER_DAY + 15 * 3600),
            np.round(np.maximum(these.balance, 0) * these.rate / 4).astype(np.int64), sign=1, type=Type.INTEREST,
            purpose=Purpose.INTEREST,
        )  # fmt: skip


def credit_savings(postings: PostingList, book: Book, month: Month) -> None:
    """Add the monthly interest of savings accounts and time deposits, on the balance at the start of the month."""
    saved = np.flatnonzero(np.isin(book.accounts.product, (Product.SAVINGS_ACCOUNT, Product.TIME_DEPOSIT)))
    these = book.accounts.take(saved)
    second = (month.days - 1) * SECONDS_PER_DAY + 15 * 3600
    postings.add(
        saved, np.full(len(saved), second), np.round(np.maximum(these.balance, 0) * these.rate / 12).astype(np.int64),
        sign=1, type=Type.INTEREST, purpose=Purpose.INTEREST,
    )  # fmt: skip


def first_deposits(
    postings: PostingList, customers: Customers, book: Book, first: int, seed: int, month: Month
) -> None:
    """Let customers from number ``first`` on pay in something on the day they come."""
    generator = stream(seed, "first deposits", month.index)
    new = np.arange(first, len(customers))
    cents = np.round(customers.income_cents[new] * generator.gamma(2, 0.4, len(new)) / 10_000).astype(np.int64) * 10_000
    day = customers.since_day[new] - month.first_day
    postings.add(
        book.current_of[new], day * SECONDS_PER_DAY + 3_600 + generator.integers(0, 1_800, len(new)), cents + 10_000,
        sign=1, type=Type.DEPOSIT,
    )  # fmt: skip


def sweep_closing(postings: PostingList, book: Book, account: np.ndarray, month: Month) -> None:
    """Pay out what is left on accounts that close in the month."""
    second = (
        (book.accounts.closed_day[account].astype(np.int64) - month.first_day) * SECONDS_PER_DAY + CLOSING_SECOND + 60
    )
    postings.add(account, second, np.zeros(len(account)), sign=-1, rule=Rule.SWEEP, type=Type.WITHDRAWAL)


def linked_credits(postings: PostingList, book: Book, booked: Postings) -> None:
    """Credit savings and card accounts with what current accounts were debited for them."""
    saved = booked.take((booked.purpose == Purpose.SAVINGS) & (booked.sign < 0) & (booked.reference >= 0))
    postings.add(
        saved.reference, saved.second.astype(np.int64), saved.cents, sign=1, type=Type.TRANSFER_IN,
        purpose=Purpose.SAVINGS, counterparty=saved.account,
    )  # fmt: skip
    paid = booked.take((booked.purpose == Purpose.CARD_PAYMENT) & (booked.reference >= 0))
    postings.add(
        paid.reference, paid.second.astype(np.int64), paid.cents, sign=1, channel=Channel.CARD, type=Type.PAYMENT,
        reference=book.credit_card_of[book.accounts.customer[paid.reference]],
    )  # fmt: skip


def fill_new_savings(postings: PostingList, book: Book, savings: np.ndarray, month: Month) -> None:
    """Move a part of the current account to savings accounts opened in the month, on their first day."""
    these = book.accounts.take(savings)
    current = book.current_of[these.customer]
    cents = np.maximum(book.accounts.balance[current], 0) // 40_000 * 10_000
    second = (these.opened_day.astype(np.int64) - month.first_day) * SECONDS_PER_DAY + 3 * 3600
    postings.add(
        current, second, cents, sign=-1, type=Type.TRANSFER_OUT, purpose=Purpose.SAVINGS, reference=savings,
        counterparty=savings,
    )  # fmt: skip
