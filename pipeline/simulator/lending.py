"""Loans, instalments, arrears, facilities and collateral.

Belongs here: granting, what falls due, what is paid of it, the feeds ``loans``, ``loan_repayments``,
``facilities``, ``collateral``. Does not belong here: whether an account covers a payment (ledger).
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.simulator.accounts import Book, account_ids
from pipeline.simulator.attrition import Engagement
from pipeline.simulator.codes import LoanProduct, LoanStatus, Purpose, Rule, Type
from pipeline.simulator.columns import Columns
from pipeline.simulator.ledger import PostingList, Postings
from pipeline.simulator.months import NEVER, SECONDS_PER_DAY, Month
from pipeline.simulator.parties import Customers, customer_ids
from pipeline.simulator.payments import charge_if_declined
from pipeline.simulator.randomness import stream
from pipeline.simulator.stress import Stress
from pipeline.simulator.text import dates, identifiers, list_text, money, optional, rates

# share of customers with a loan at the start, by segment and product
LOAN_SHARES = {
    LoanProduct.CONSUMER_LOAN: np.array([0.02, 0.09, 0.08, 0.05, 0.02, 0.12, 0.0]),
    LoanProduct.MORTGAGE: np.array([0.0, 0.04, 0.10, 0.08, 0.0, 0.05, 0.0]),
    LoanProduct.WORKING_CAPITAL_LOAN: np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.45]),
}
# loans granted in a month, as a share of those in LOAN_SHARES
GRANTS_PER_MONTH = 0.02
# months of income lent, shortest and longest term in months, lowest rate and width of the band of rates
LOAN_TERMS = {
    LoanProduct.CONSUMER_LOAN: (6.0, 12, 48, 0.048, 0.060),
    LoanProduct.MORTGAGE: (48.0, 120, 360, 0.031, 0.012),
    LoanProduct.WORKING_CAPITAL_LOAN: (1.2, 6, 36, 0.036, 0.035),
}
# the most that an instalment takes of a monthly income or turnover
LARGEST_INSTALMENT_SHARES = {
    LoanProduct.CONSUMER_LOAN: 0.25,
    LoanProduct.MORTGAGE: 0.38,
    LoanProduct.WORKING_CAPITAL_LOAN: 0.12,
}
LATE_PAYER_SHARE = 0.12
PREPAYMENTS_PER_MONTH = 0.004
# sent from another bank beyond the instalment, for fees
SENT_RESERVE_CENTS = 10_000

WRITE_OFF_AFTER_MISSED = 7
IN_DEBT_AFTER_MISSED = 4

BOOKING_SECOND = 20 * 60
PAYMENT_SECOND = 2 * 3_600
RETRY_AFTER_DAYS = 7


@dataclass
class Loans(Columns):
    """Loans in the order of their numbers; money in cents."""

    customer: np.ndarray
    account: np.ndarray
    product: np.ndarray
    facility: np.ndarray
    granted_day: np.ndarray
    principal: np.ndarray
    rate: np.ndarray
    term: np.ndarray
    instalment: np.ndarray
    due_day_of_month: np.ndarray
    delay_days: np.ndarray
    status: np.ndarray
    status_day: np.ndarray
    outstanding: np.ndarray
    instalments_due: np.ndarray  # number of the last instalment that fell due
    unpaid_principal: np.ndarray  # due and not paid
    unpaid_interest: np.ndarray
    missed: np.ndarray  # months in a row that ended with something unpaid


@dataclass
class Facilities(Columns):
    """Companies' credit facilities in the order of their numbers."""

    customer: np.ndarray
    is_guarantee: np.ndarray
    limit: np.ndarray
    off_balance: np.ndarray
    rate: np.ndarray
    is_committed: np.ndarray
    granted_day: np.ndarray
    maturity_day: np.ndarray
    collateral_type: np.ndarray


COLLATERAL_TYPES = ("commercial_property", "machinery", "receivables", "land", "vehicle", "securities")


def found_facilities(customers: Customers, first: int, seed: int, month: Month) -> Facilities:
    """Return the facilities of the companies from number ``first`` on: revolving for most, guarantee lines for some."""
    generator = stream(seed, "facilities", month.index)
    companies = first + np.flatnonzero(customers.is_company[first:])
    draw = generator.random(len(companies))
    revolving, guarantee = companies[draw < 0.55], companies[draw > 0.82]
    owner = np.concatenate([revolving, guarantee])
    is_guarantee = np.arange(len(owner)) >= len(revolving)
    limit = np.maximum(1, np.round(customers.income_cents[owner] * (1.5 + 2 * generator.random(len(owner))) / 1e7))
    granted = np.minimum(customers.since_day[owner] + generator.integers(10, 700, len(owner)), month.first_day - 1)
    granted = np.maximum(granted, customers.since_day[owner])
    limit_cents = limit.astype(np.int64) * 10_000_000
    return Facilities(
        customer=owner,
        is_guarantee=is_guarantee,
        limit=limit_cents,
        off_balance=np.where(is_guarantee, np.round(limit_cents * generator.random(len(owner)) * 0.8 / 100) * 100, 0),
        rate=0.035 + np.round(generator.random(len(owner)) * 0.04, 4),
        is_committed=generator.random(len(owner)) < 0.5,
        granted_day=granted,
        maturity_day=np.maximum(granted, month.first_day) + generator.integers(200, 1_200, len(owner)),
        collateral_type=generator.integers(0, len(COLLATERAL_TYPES), len(owner)),
    )


def found_loans(customers: Customers, book: Book, facilities: Facilities, seed: int, month: Month) -> Loans:
    """Return the loans granted before the first simulated day, none of them overdue."""
    generator = stream(seed, "loans")
    parts = []
    for product in LoanProduct:
        borrowers = np.flatnonzero(generator.random(len(customers)) < LOAN_SHARES[product][customers.segment])
        age = generator.random(len(borrowers))
        parts.append(_loans(customers, book, facilities, borrowers, product, age, month.first_day - 1, generator))
    loans = parts[0]
    for part in parts[1:]:
        loans.append(part)
    return loans


def grant_loans(
    loans: Loans,
    customers: Customers,
    book: Book,
    facilities: Facilities,
    may_borrow: np.ndarray,
    seed: int,
    month: Month,
) -> np.ndarray:
    """Grant loans in a month; return their numbers."""
    generator = stream(seed, "grants", month.index)
    before = len(loans)
    for product in LoanProduct:
        draw = generator.random(len(customers))
        borrowers = np.flatnonzero(may_borrow & (draw < GRANTS_PER_MONTH * LOAN_SHARES[product][customers.segment]))
        day = month.first_day + generator.integers(1, month.days, len(borrowers))
        loans.append(_loans(customers, book, facilities, borrowers, product, np.zeros(len(borrowers)), day, generator))
    return np.arange(before, len(loans))


def _loans(
    customers: Customers,
    book: Book,
    facilities: Facilities,
    borrowers: np.ndarray,
    product: LoanProduct,
    age: np.ndarray,
    day: np.ndarray | int,
    generator: np.random.Generator,
) -> Loans:
    """Return loans granted on ``day``, or so long before that the part ``age`` (0..1) of their term is over."""
    count = len(borrowers)
    incomes, shortest, longest, lowest_rate, band = LOAN_TERMS[product]
    these = customers.take(borrowers)
    term = (shortest + np.round(generator.random(count) * (longest - shortest) / 6) * 6).astype(np.int64)
    rate = np.round(lowest_rate + band * generator.random(count), 4)
    wanted = these.income_cents * incomes * np.exp(generator.normal(0, 0.4, count))
    annuity = (rate / 12) / (1 - (1 + rate / 12) ** -term)
    most = these.income_cents * LARGEST_INSTALMENT_SHARES[product] / annuity
    principal = (np.maximum(2, np.floor(np.minimum(wanted, most) / 100_000)) * 100_000).astype(np.int64)
    instalment = np.ceil(principal * annuity).astype(np.int64)
    # a customer of two months has no loan of three years: the age is cut at the day the relation began
    longest_age = np.maximum(0, (day - these.since_day) // 31)
    paid = np.minimum((age * (term - 2)).astype(np.int64), longest_age)
    paid = np.where(age > 0, paid, 0)
    growth = (1 + rate / 12) ** paid
    outstanding = np.where(
        paid > 0, np.maximum(100, np.round(principal * growth - instalment * (growth - 1) / (rate / 12))), principal
    ).astype(np.int64)
    granted = (day - np.round(paid * 30.44) - np.where(age > 0, 1, 0)).astype(np.int32)
    facility_of = np.full(len(customers), -1)
    revolving = np.flatnonzero(~facilities.is_guarantee)
    facility_of[facilities.customer[revolving]] = revolving
    return Loans(
        customer=borrowers.astype(np.int32),
        account=book.current_of[borrowers],
        product=np.full(count, product, dtype=np.int8),
        facility=np.where(product == LoanProduct.WORKING_CAPITAL_LOAN, facility_of[borrowers], -1),
        granted_day=np.maximum(granted, these.since_day),
        principal=principal,
        rate=rate,
        term=term,
        instalment=instalment,
        due_day_of_month=np.minimum(these.payday.astype(np.int64) + generator.integers(1, 4, count), 27),
        delay_days=np.where(generator.random(count) < LATE_PAYER_SHARE, generator.integers(1, 6, count), 0),
        status=np.full(count, LoanStatus.RUNNING, dtype=np.int8),
        status_day=np.full(count, NEVER, dtype=np.int32),
        outstanding=outstanding,
        instalments_due=paid,
        unpaid_principal=np.zeros(count, dtype=np.int64),
        unpaid_interest=np.zeros(count, dtype=np.int64),
        missed=np.zeros(count, dtype=np.int64),
    )


@dataclass(frozen=True)
class DueInstalments:
    """Instalments that fall due in a month, one row per loan, and what is owed after them."""

    loan: np.ndarray
    day: np.ndarray
    number: np.ndarray
    principal: np.ndarray
    interest: np.ndarray
    outstanding: np.ndarray


def fall_due(loans: Loans, month: Month) -> DueInstalments:
    """Let the month's instalments fall due; the loans' unpaid amounts grow by them."""
    loan = np.flatnonzero((loans.status <= LoanStatus.RUNNING_IN_DEBT) & (loans.granted_day < month.first_day))
    loan = loan[loans.outstanding[loan] > loans.unpaid_principal[loan]]
    these = loans.take(loan)
    interest = np.round(these.outstanding * these.rate / 12).astype(np.int64)
    not_due = these.outstanding - these.unpaid_principal
    is_last = these.instalments_due + 1 >= these.term
    principal = np.where(is_last, not_due, np.minimum(np.maximum(these.instalment - interest, 0), not_due))
    loans.instalments_due[loan] += 1
    loans.unpaid_principal[loan] += principal
    loans.unpaid_interest[loan] += interest
    day = month.first_day + these.due_day_of_month - 1
    return DueInstalments(loan, day, loans.instalments_due[loan], principal, interest, these.outstanding)


def attempt_payments(
    postings: PostingList, loans: Loans, due: DueInstalments, stress: Stress, seed: int, month: Month
) -> np.ndarray:
    """Debit what loans owe on or after the due date, and once more a week later; return what each loan owes.

    Whoever is missing instalments pays nothing, now and then a part; the account is charged for the failed debit.
    """
    generator = stream(seed, "instalments", month.index)
    owed = loans.unpaid_principal + loans.unpaid_interest
    running = (loans.status <= LoanStatus.RUNNING_IN_DEBT) & (owed > 0)
    loan = np.flatnonzero(running)
    these = loans.take(loan)
    is_missing = stress.is_missing[these.customer]
    pays_part = is_missing & (generator.random(len(loan)) < 0.12)
    part = np.where(pays_part, np.round(these.instalment * (0.2 + 0.5 * generator.random(len(loan)))), 0)
    cap = np.where(is_missing, part, owed[loan]).astype(np.int64)
    first = np.minimum(these.due_day_of_month - 1 + these.delay_days, month.days - 1)
    for day, most, may_pay in ((first, cap, True), (first + RETRY_AFTER_DAYS, np.where(is_missing, 0, cap), False)):
        in_month = day < month.days
        second = day * SECONDS_PER_DAY + PAYMENT_SECOND
        # a retry of those who are missing would only repeat the charge
        tries = in_month & (may_pay | ~is_missing)
        postings.add(
            these.account[tries], second[tries], most[tries], sign=-1, rule=Rule.LOAN, type=Type.TRANSFER_OUT,
            purpose=Purpose.LOAN_INSTALMENT, reference=loan[tries],
        )  # fmt: skip
        charge_if_declined(postings, these.account[tries], second[tries] + 60)
    return owed


def send_instalments(
    postings: PostingList, loans: Loans, owed: np.ndarray, book: Book, engagement: Engagement, seed: int, month: Month
) -> None:
    """Let borrowers whose income goes to another bank send from there what their account lacks for the instalment."""
    generator = stream(seed, "instalments from elsewhere", month.index)
    is_running = loans.status <= LoanStatus.RUNNING_IN_DEBT
    loan = np.flatnonzero(is_running & (owed > 0) & ~engagement.has_income_here[loans.customer])
    these = loans.take(loan)
    balance = book.accounts.balance[these.account]
    # the account may pay other things before the instalment
    lacks = balance < 2 * owed[loan]
    cents = np.where(lacks, owed[loan] + np.maximum(-balance, 0) + SENT_RESERVE_CENTS, 0)
    second = np.maximum(these.due_day_of_month - 3, 0) * SECONDS_PER_DAY + generator.integers(4_000, 20_000, len(loan))
    postings.add(
        these.account, second, cents, sign=1, type=Type.TRANSFER_IN, purpose=Purpose.OTHER,
        counterparty=-2 - generator.integers(0, 1 << 28, len(loan)),
    )  # fmt: skip


def prepay(
    postings: PostingList, loans: Loans, due: DueInstalments, engagement: Engagement, seed: int, month: Month
) -> None:
    """Let some borrowers pay back before it is due, a half year's instalments or all, at the end of the month."""
    generator = stream(seed, "prepayments", month.index)
    pays = (generator.random(len(due.loan)) < PREPAYMENTS_PER_MONTH) & ~engagement.is_gone[loans.customer[due.loan]]
    loan = due.loan[pays]
    these = loans.take(loan)
    not_due = these.outstanding - these.unpaid_principal
    pays_all = generator.random(len(loan)) < 0.4
    cents = np.where(pays_all, not_due, np.minimum(6 * these.instalment, not_due))
    second = (month.days - 1) * SECONDS_PER_DAY + generator.integers(5 * 3_600, 8 * 3_600, len(loan))
    postings.add(
        these.account, second, cents, sign=-1, type=Type.TRANSFER_OUT, purpose=Purpose.LOAN_INSTALMENT, reference=loan
    )


def help_those_who_cure(postings: PostingList, loans: Loans, stress: Stress, seed: int, month: Month) -> None:
    """Bring those who cure the money they owe, two days before the instalment: savings of kin, a sale, new work."""
    generator = stream(seed, "cure", month.index)
    loan = np.flatnonzero(
        (loans.status <= LoanStatus.RUNNING_IN_DEBT) & stress.is_curing[loans.customer] & (loans.unpaid_interest > 0)
    )
    these = loans.take(loan)
    needed = np.round((these.unpaid_principal + these.unpaid_interest) * (1.02 + 0.2 * generator.random(len(loan))))
    second = np.maximum(these.due_day_of_month - 3, 0) * SECONDS_PER_DAY + generator.integers(4_000, 20_000, len(loan))
    postings.add(
        these.account, second, needed.astype(np.int64), sign=1, type=Type.TRANSFER_IN, purpose=Purpose.OTHER,
        counterparty=-2 - generator.integers(0, 1 << 28, len(loan)),
    )  # fmt: skip


def disburse(postings: PostingList, loans: Loans, granted: np.ndarray, month: Month) -> None:
    """Credit granted loans to the borrowers' accounts."""
    these = loans.take(granted)
    second = (these.granted_day - month.first_day) * SECONDS_PER_DAY + PAYMENT_SECOND + 600
    postings.add(these.account, second, these.principal, sign=1, type=Type.TRANSFER_IN, purpose=Purpose.OTHER)


@dataclass
class LoanEvents(Columns):
    """Rows of the feed ``loan_repayments``."""

    loan: np.ndarray
    day: np.ndarray
    event: np.ndarray  # position in EVENT_TYPES
    number: np.ndarray
    principal: np.ndarray
    interest: np.ndarray
    balance_after: np.ndarray


EVENT_TYPES = ("instalment_due", "payment", "prepayment", "write_off")
INSTALMENT_DUE, PAYMENT, PREPAYMENT, WRITE_OFF = range(4)


def settle(loans: Loans, due: DueInstalments, booked: Postings, month: Month) -> LoanEvents:
    """Apply the month's booked payments to the loans, interest first, and write off what is lost; return the events."""
    events = LoanEvents(
        due.loan,
        due.day,
        np.zeros(len(due.loan), dtype=np.int8),
        due.number,
        due.principal,
        due.interest,
        due.outstanding,
    )
    paid = booked.take(booked.purpose == Purpose.LOAN_INSTALMENT)
    # by loan and time; the k-th payments of all loans are settled together
    order = np.lexsort((paid.second, paid.reference))
    loan_of, cents, second = paid.reference[order], paid.cents[order], paid.second[order]
    is_early = paid.rule[order] != Rule.LOAN
    rank = np.arange(len(loan_of)) - np.searchsorted(loan_of, loan_of)
    # what is paid before the month's due date cannot be: attempts begin on it
    for k in range(int(rank.max(initial=-1)) + 1):
        loan, amount = loan_of[rank == k], cents[rank == k]
        early = is_early[rank == k]
        interest = np.where(early, 0, np.minimum(amount, loans.unpaid_interest[loan]))
        principal = amount - interest
        loans.unpaid_interest[loan] -= interest
        loans.unpaid_principal[loan] -= np.where(early, 0, principal)
        loans.outstanding[loan] -= principal
        day = (month.first_day + second[rank == k] // SECONDS_PER_DAY).astype(np.int64)
        loans.status_day[loan] = day
        event = np.where(early, PREPAYMENT, PAYMENT)
        none = np.full(len(loan), -1)
        events.append(LoanEvents(loan, day, event, none, principal, interest, loans.outstanding[loan]))
    is_running = loans.status <= LoanStatus.RUNNING_IN_DEBT
    has_unpaid = (loans.unpaid_principal + loans.unpaid_interest) > 0
    loans.missed = np.where(is_running & has_unpaid, loans.missed + 1, 0)
    lost = np.flatnonzero(is_running & (loans.missed > WRITE_OFF_AFTER_MISSED))
    lost_day = np.full(len(lost), month.last_day)
    zero = np.zeros(len(lost), dtype=np.int64)
    events.append(
        LoanEvents(
            lost, lost_day, np.full(len(lost), WRITE_OFF), np.full(len(lost), -1), loans.outstanding[lost], zero, zero
        )
    )
    return events


def change_status(loans: Loans, events: LoanEvents, month: Month) -> tuple[np.ndarray, np.ndarray]:
    """Finish, write off, mark and unmark loans after a month's events; return the loans that changed and the days."""
    before = loans.status.copy()
    is_running = before <= LoanStatus.RUNNING_IN_DEBT
    lost = events.loan[events.event == WRITE_OFF]
    # the loan system counts missed months when the month is over
    day = np.where(loans.missed > 0, month.last_day, loans.status_day)
    loans.status[is_running] = LoanStatus.RUNNING
    loans.status[is_running & (loans.missed >= IN_DEBT_AFTER_MISSED)] = LoanStatus.RUNNING_IN_DEBT
    # once marked, a loan stays so until it owes nothing
    loans.status[(before == LoanStatus.RUNNING_IN_DEBT) & (loans.missed > 0)] = LoanStatus.RUNNING_IN_DEBT
    loans.status[is_running & (loans.outstanding == 0)] = LoanStatus.FINISHED
    loans.status[lost] = LoanStatus.WRITTEN_OFF
    day[lost] = events.day[events.event == WRITE_OFF]
    loans.outstanding[lost] = 0
    loans.unpaid_principal[lost] = 0
    loans.unpaid_interest[lost] = 0
    changed = np.flatnonzero(loans.status != before)
    return changed, day[changed]


def loan_ids(number: np.ndarray) -> pa.Array:
    """Return loan numbers; -1 gives null."""
    return identifiers("L", number, 8)


def facility_ids(number: np.ndarray) -> pa.Array:
    """Return facility numbers; -1 gives null."""
    return identifiers("F", number, 7)


def loan_rows(
    loans: Loans, customers: Customers, number: np.ndarray, change_day: np.ndarray, status: np.ndarray
) -> pa.Table:
    """Return rows of the feed ``loans`` with the column ``file_date``."""
    these = loans.take(number)
    month_start = (these.granted_day.astype("datetime64[D]")).astype("datetime64[M]")
    maturity = (month_start + these.term.astype("timedelta64[M]")).astype("datetime64[D]").astype(np.int64)
    return pa.table(
        {
            "file_date": dates(change_day),
            "loan_id": loan_ids(number),
            "change_date": dates(change_day),
            "customer_id": customer_ids(these.customer),
            "account_id": account_ids(these.account),
            "product_code": list_text([product.name.lower() for product in LoanProduct], these.product),
            "facility_id": facility_ids(these.facility),
            "branch_id": identifiers("B", customers.branch[these.customer].astype(np.int64) + 1, 3),
            "currency_code": list_text(["CNY"], np.zeros(len(these))),
            "granted_date": dates(these.granted_day),
            "maturity_date": dates(maturity + these.due_day_of_month - 1),
            "principal_amount": money(these.principal),
            "interest_rate": rates(these.rate),
            "term_months": pa.array(these.term),
            "instalment_amount": money(these.instalment),
            "status_code": list_text([item.name.lower() for item in LoanStatus], status),
        }
    )


def repayment_rows(events: LoanEvents, month: Month) -> pa.Table:
    """Return the feed ``loan_repayments`` of a month with the column ``file_date``, by day and loan."""
    these = events.take(np.lexsort((events.event, events.loan, events.day)))
    return pa.table(
        {
            "file_date": dates(these.day),
            "repayment_id": identifiers(f"R{month.first:%Y%m}", np.arange(len(these)), 8),
            "loan_id": loan_ids(these.loan),
            "event_date": dates(these.day),
            "event_type": list_text(EVENT_TYPES, these.event),
            "instalment_number": optional(pa.array(these.number.astype(np.int64)), these.number > 0),
            "amount": money(these.principal + these.interest),
            "principal_amount": money(these.principal),
            "interest_amount": money(these.interest),
            "currency_code": list_text(["CNY"], np.zeros(len(these))),
            "balance_after": money(these.balance_after),
        }
    )


def facility_rows(facilities: Facilities, loans: Loans, customers: Customers, month: Month) -> pa.Table:
    """Return the feed ``facilities`` as of the last day of a month."""
    number = np.flatnonzero(facilities.granted_day <= month.last_day)
    drawn = np.zeros(len(facilities), dtype=np.int64)
    under = loans.facility >= 0
    np.add.at(drawn, loans.facility[under], loans.outstanding[under])
    these = facilities.take(number)
    is_over = these.maturity_day <= month.last_day
    last_year = month.last_day - (month.last_day - these.granted_day) % 365
    return pa.table(
        {
            "facility_id": facility_ids(number),
            "position_date": dates(np.full(len(number), month.last_day)),
            "customer_id": customer_ids(these.customer),
            "product_code": list_text(["revolving_facility", "guarantee_facility"], these.is_guarantee),
            "lead_branch_id": identifiers("B", customers.branch[these.customer].astype(np.int64) + 1, 3),
            "currency_code": list_text(["CNY"], np.zeros(len(number))),
            "limit_amount": money(these.limit),
            "drawn_amount": money(drawn[number]),
            "off_balance_amount": money(these.off_balance),
            "interest_rate": rates(these.rate),
            "is_committed": pa.array(these.is_committed),
            "granted_date": dates(these.granted_day),
            "maturity_date": dates(these.maturity_day),
            "review_date": dates(np.where(is_over, NEVER, last_year + 365)),
            "status_code": list_text(["active", "closed"], is_over & (drawn[number] == 0)),
        }
    )


def collateral_rows(facilities: Facilities, loans: Loans, month: Month) -> pa.Table:
    """Return the feed ``collateral`` as of a month's last day: homes for mortgages, other things for facilities."""
    homes = np.flatnonzero(loans.product == LoanProduct.MORTGAGE)
    lines = np.flatnonzero(facilities.granted_day <= month.last_day)
    lines = lines[lines % 5 < 3]
    # a valuation once a year, on the anniversary of the lien
    start = np.concatenate([loans.granted_day[homes], facilities.granted_day[lines]])
    valued = month.last_day - (month.last_day - start) % 365
    years = (valued - start) // 365
    value = np.concatenate([loans.principal[homes] * 1.5, facilities.limit[lines] * (0.6 + 0.1 * (lines % 9))])
    value = np.round(value * 0.985**years / 100) * 100
    none_h, none_l = np.full(len(homes), -1), np.full(len(lines), -1)
    ended = np.concatenate(
        [np.where(loans.status[homes] == LoanStatus.FINISHED, loans.status_day[homes], NEVER), none_l * 0 + NEVER]
    )
    kinds = np.concatenate([none_h * 0, 1 + facilities.collateral_type[lines]])
    return pa.table(
        {
            "collateral_id": pa.concat_arrays([identifiers("CH", homes, 8), identifiers("CF", lines, 8)]),
            "position_date": dates(np.full(len(start), month.last_day)),
            "owner_customer_id": customer_ids(np.concatenate([loans.customer[homes], facilities.customer[lines]])),
            "facility_id": facility_ids(np.concatenate([none_h, lines])),
            "loan_id": loan_ids(np.concatenate([homes, none_l])),
            "collateral_type": list_text(["residential_property", *COLLATERAL_TYPES], kinds),
            "currency_code": list_text(["CNY"], np.zeros(len(start))),
            "valuation_amount": money(value),
            "valuation_date": dates(valued),
            "lien_rank": pa.array(1 + (np.concatenate([homes, lines]) % 11 == 0).astype(np.int64)),
            "valid_from": dates(start),
            "valid_to": dates(ended),
        }
    )
