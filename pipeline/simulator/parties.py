"""Customers: persons and companies, what they are like, and how their master data change.

Belongs here: attributes and latent traits of customers, moves, closings, the rows of the feed ``customers``. Does not
belong here: their accounts (accounts), their money (payments, spending, lending), who owns whom (ownership).
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.simulator import vocabulary as words
from pipeline.simulator.codes import Segment
from pipeline.simulator.columns import Columns
from pipeline.simulator.months import DAYS_PER_YEAR, EPOCH, NEVER, Month
from pipeline.simulator.randomness import pick, stream
from pipeline.simulator.text import dates, identifiers, list_text, optional

COMPANY_SHARE = 0.08
NEW_CUSTOMERS_PER_MONTH = 0.006
MOVES_PER_MONTH = 0.004
CLOSINGS_PER_MONTH = 0.0012
YOUNGEST_CUSTOMER = 16

SEGMENT_SHARES = np.array([0.12, 0.22, 0.26, 0.08, 0.18, 0.14])
# yearly income: median in yuan and spread of its logarithm
SEGMENT_INCOME = np.array(
    [(19_000, 0.25), (118_000, 0.35), (165_000, 0.40), (680_000, 0.55), (52_000, 0.35), (150_000, 0.60)]
)
SEGMENT_AGES = np.array([(18, 25), (23, 34), (30, 52), (32, 62), (58, 84), (26, 58)])
SEGMENT_MARRIED = np.array([0.0, 0.25, 0.93, 0.80, 0.72, 0.70])

# A trait is a bundle of merchant categories that its bearer buys together: the associations that mining can find.
TRAIT_NAMES = ("baby", "travel", "car", "fitness", "gaming", "pets", "beauty", "home")
TRAIT_CATEGORIES = (
    ("5641", "5945", "5912"),
    ("4511", "7011", "7512"),
    ("5541", "7538", "6300"),
    ("7997", "5941"),
    ("5816", "5815", "5732"),
    ("5995", "0742"),
    ("5977", "7230", "5651"),
    ("5200", "5712"),
)
# share of the bearers per segment (rows) and trait (columns)
TRAIT_SHARES = np.array(
    [
        (0.00, 0.05, 0.02, 0.25, 0.50, 0.05, 0.25, 0.00),
        (0.06, 0.22, 0.20, 0.30, 0.30, 0.14, 0.28, 0.06),
        (0.42, 0.16, 0.50, 0.12, 0.06, 0.10, 0.14, 0.18),
        (0.14, 0.60, 0.62, 0.30, 0.04, 0.14, 0.26, 0.22),
        (0.05, 0.08, 0.08, 0.05, 0.01, 0.12, 0.05, 0.06),
        (0.12, 0.10, 0.55, 0.08, 0.05, 0.08, 0.10, 0.12),
    ]
)
RESIDENT_ID_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
RESIDENT_ID_CHECKS = np.array(list("10X98765432"))


@dataclass
class Customers(Columns):
    """All customers, in the order of their numbers; money in cents, days since 1970-01-01."""

    segment: np.ndarray
    traits: np.ndarray  # bit i: bears TRAIT_NAMES[i]
    risk: np.ndarray  # latent risk of a shock, mean about 1
    activity: np.ndarray  # multiplies the number of purchases, mean about 1
    contentment: np.ndarray  # latent satisfaction, standard normal
    since_day: np.ndarray
    closed_day: np.ndarray
    surname: np.ndarray
    given: np.ndarray
    gender: np.ndarray  # 0 female, 1 male
    birth_day: np.ndarray
    region: np.ndarray
    street: np.ndarray
    house: np.ndarray
    phone: np.ndarray
    branch: np.ndarray
    occupation: np.ndarray
    marital: np.ndarray
    income_cents: np.ndarray  # per month: persons' net income, companies' turnover
    payday: np.ndarray
    industry: np.ndarray
    employees: np.ndarray
    capital_cents: np.ndarray
    registered_day: np.ndarray
    opt_out: np.ndarray
    habits: np.ndarray  # random digits: see `habit`

    @property
    def is_company(self) -> np.ndarray:
        """Mask of companies."""
        return self.segment == Segment.COMPANY

    def bears(self, trait: int) -> np.ndarray:
        """Mask of the bearers of a trait."""
        return (self.traits >> trait & 1).astype(bool)

    def habit(self, place: int) -> np.ndarray:
        """Return a lasting random number in [0, 1) per customer; places 0 to 4 are independent of each other."""
        return self.habits // 1_000**place % 1_000 / 1_000


def initial_customers(count: int, branch_count: int, seed: int, month: Month) -> Customers:
    """Return the customers that the bank has before its first simulated day."""
    generator = stream(seed, "customers")
    since = month.first_day - 30 - generator.integers(0, 15 * 365, count)
    return _customers(since, branch_count, generator)


def new_customers(initial_count: int, branch_count: int, seed: int, month: Month) -> Customers:
    """Return the customers who come in a month, in the order of their first day."""
    generator = stream(seed, "new customers", month.index)
    count = generator.poisson(initial_count * NEW_CUSTOMERS_PER_MONTH)
    since = month.first_day + np.sort(generator.integers(0, month.days, count))
    return _customers(since, branch_count, generator)


def _customers(since_day: np.ndarray, branch_count: int, generator: np.random.Generator) -> Customers:
    count = len(since_day)
    is_company = generator.random(count) < COMPANY_SHARE
    person_segment = pick(generator, np.broadcast_to(SEGMENT_SHARES, (count, len(SEGMENT_SHARES))))
    median, spread = SEGMENT_INCOME[person_segment].T
    yearly_income = median * np.exp(generator.normal(0, 1, count) * spread)
    employees = np.ceil(np.exp(generator.normal(2.7, 1.2, count))).astype(np.int64)
    turnover = employees * np.exp(generator.normal(np.log(38_000), 0.5, count))
    youngest, oldest = SEGMENT_AGES[person_segment].T
    age = youngest + (oldest - youngest) * generator.random(count)
    trait_bits = generator.random((count, len(TRAIT_NAMES))) < TRAIT_SHARES[person_segment]
    married = generator.random(count) < SEGMENT_MARRIED[person_segment]
    unmarried = generator.choice([0, 0, 0, 2], count)
    occupation_draw = generator.random(count)
    employed = np.select([occupation_draw < 0.82, occupation_draw < 0.97], [0, 1], 5)
    well_off = np.where(occupation_draw < 0.6, 6, 0)
    occupation = np.choose(person_segment, [3, employed, employed, well_off, 4, 2])
    region = generator.integers(0, len(words.REGIONS), count)
    birth_day = since_day.max(initial=0) - age * DAYS_PER_YEAR
    since_day = np.where(is_company, since_day, np.maximum(since_day, birth_day + YOUNGEST_CUSTOMER * DAYS_PER_YEAR))
    return Customers(
        segment=np.where(is_company, Segment.COMPANY, person_segment).astype(np.int8),
        traits=np.where(is_company, 0, trait_bits @ (1 << np.arange(len(TRAIT_NAMES)))).astype(np.int32),
        risk=np.exp(generator.normal(-0.32, 0.8, count)),
        activity=generator.gamma(4, 1 / 4, count),
        contentment=generator.normal(0, 1, count),
        since_day=since_day.astype(np.int32),
        closed_day=np.full(count, NEVER, dtype=np.int32),
        surname=generator.integers(0, len(words.SURNAMES), count).astype(np.int16),
        given=generator.integers(0, 1 << 20, count).astype(np.int32),
        gender=generator.integers(0, 2, count).astype(np.int8),
        birth_day=birth_day.astype(np.int32),
        region=region.astype(np.int8),
        street=generator.integers(0, len(words.STREETS), count).astype(np.int16),
        house=generator.integers(1, 400, count).astype(np.int32),
        phone=(13_000_000_000 + generator.integers(0, 6_000_000_000, count)).astype(np.int64),
        branch=_branch_of_region(region, branch_count, generator),
        occupation=occupation.astype(np.int8),
        marital=np.where(married, 1, unmarried).astype(np.int8),
        income_cents=np.round(np.where(is_company, turnover, yearly_income / 12) * 100).astype(np.int64),
        payday=generator.choice([5, 10, 15, 25], count).astype(np.int8),
        industry=generator.choice(len(words.INDUSTRIES), count, p=[row[3] for row in words.INDUSTRIES]).astype(np.int8),
        employees=employees,
        capital_cents=np.maximum(1, employees // 4) * 20_000_000,
        registered_day=(since_day - generator.integers(60, 12 * 365, count)).astype(np.int32),
        opt_out=generator.random(count) < 0.07,
        habits=generator.integers(0, 1_000**5, count),
    )


def _branch_of_region(region: np.ndarray, branch_count: int, generator: np.random.Generator) -> np.ndarray:
    """Pick a branch in the customer's region: branch b stands in region b modulo the number of regions."""
    regions = len(words.REGIONS)
    in_region = 1 + (branch_count - 1 - region % branch_count) // regions
    return (region + regions * (generator.random(len(region)) * in_region).astype(np.int64)).astype(
        np.int16
    ) % branch_count


@dataclass(frozen=True)
class CustomerChanges:
    """Customers whose master data change in a month, with the days of the change."""

    moved: np.ndarray
    moved_day: np.ndarray
    closed: np.ndarray
    closed_day: np.ndarray


def change_customers(
    customers: Customers, may_leave: np.ndarray, departing: np.ndarray, seed: int, month: Month
) -> CustomerChanges:
    """Move and close customers in a month; their attributes are changed in place.

    Parameters
    ----------
    customers : Customers
        Those of former months; new ones do not change in their first month.
    may_leave : ndarray of bool
        Customers without debt, who may close all they have, out of the blue.
    departing : ndarray of int
        Customers whose departure ends with a closing in this month.
    """
    generator = stream(seed, "changes", month.index)
    draw = generator.random(len(customers))
    is_living = customers.closed_day == NEVER
    closes = may_leave & (draw > 1 - CLOSINGS_PER_MONTH)
    closes[departing] = True
    closed = np.flatnonzero(is_living & closes)
    # whoever closes does not move as well: two changes on one day would be two rows of one key
    moved = np.flatnonzero(is_living & ~closes & (draw < MOVES_PER_MONTH))
    customers.street[moved] = generator.integers(0, len(words.STREETS), len(moved))
    customers.house[moved] = generator.integers(1, 400, len(moved))
    goes_far = generator.random(len(moved)) < 0.3
    new_region = generator.integers(0, len(words.REGIONS), len(moved))
    customers.region[moved] = np.where(goes_far, new_region, customers.region[moved])
    # the first day already shows everybody as they were
    moved_day = month.first_day + generator.integers(1, month.days, len(moved))
    closed_day = month.first_day + generator.integers(1, month.days, len(closed))
    customers.closed_day[closed] = closed_day
    return CustomerChanges(moved, moved_day, closed, closed_day)


def customer_ids(index: np.ndarray) -> pa.Array:
    """Return customer numbers; -1 gives null."""
    return identifiers("C", index, 8)


def customer_rows(customers: Customers, index: np.ndarray, change_day: np.ndarray, is_closed: np.ndarray) -> pa.Table:
    """Return rows of the feed ``customers`` with the column ``file_date``."""
    these = customers.take(index)
    is_company, is_person = these.is_company, ~these.is_company
    yearly_income = these.income_cents * 12 // 100_000 * 1_000
    return pa.table(
        {
            "file_date": dates(change_day),
            "customer_id": customer_ids(index),
            "change_date": dates(change_day),
            "customer_type": list_text(("person", "company"), is_company),
            "full_name": full_names(these),
            "id_document_type": list_text(("resident_id", "business_licence"), is_company),
            "id_document_number": _document_numbers(these, index),
            "birth_date": optional(dates(these.birth_day), is_person),
            "gender": optional(list_text(("female", "male"), these.gender), is_person),
            "registered_date": optional(dates(these.registered_day), is_company),
            "phone": identifiers("", these.phone, 11),
            "email": optional(identifiers("u", index, 8, "@mail.example"), index % 3 != 0),
            "address": _addresses(these),
            "region_code": list_text(words.REGION_CODES, these.region),
            "occupation_code": optional(list_text(words.OCCUPATIONS, these.occupation), is_person),
            "marital_status_code": optional(list_text(words.MARITAL_STATUSES, these.marital), is_person),
            "annual_income_amount": optional(pa.array(yearly_income), is_person),
            "industry_code": optional(list_text([row[0] for row in words.INDUSTRIES], these.industry), is_company),
            "employee_count": optional(pa.array(these.employees), is_company),
            "registered_capital_amount": optional(pa.array(these.capital_cents // 100), is_company),
            "branch_id": identifiers("B", these.branch + 1, 3),
            "customer_since_date": dates(these.since_day),
            "status_code": list_text(("active", "closed"), is_closed),
            "has_marketing_opt_out": pa.array(these.opt_out),
        }
    )


def full_names(customers: Customers) -> pa.Array:
    """Return names: persons' surname and given name, companies' place, two characters, trade and legal form."""
    surnames = np.array(words.SURNAMES)[customers.surname]
    female = np.array(words.GIVEN_FEMALE)[customers.given % len(words.GIVEN_FEMALE)]
    male = np.array(words.GIVEN_MALE)[customers.given % len(words.GIVEN_MALE)]
    second = np.array(words.GIVEN_SECOND)[customers.given // 64 % len(words.GIVEN_SECOND)]
    given = np.where(customers.gender == 1, male, female)
    persons = np.char.add(np.char.add(surnames, second), given)
    # the place of the home branch: a company that moves keeps its name
    companies = np.array([region[2].removesuffix("市") for region in words.REGIONS])[
        customers.branch % len(words.REGIONS)
    ]
    for part in (
        np.array(words.COMPANY_FIRST)[customers.given % len(words.COMPANY_FIRST)],
        np.array(words.COMPANY_SECOND)[customers.given // 32 % len(words.COMPANY_SECOND)],
        np.array([row[2] for row in words.INDUSTRIES])[customers.industry],
        "有限公司",
    ):
        companies = np.char.add(companies, part)
    return pa.array(np.where(customers.is_company, companies, persons), type=pa.string())


def _addresses(customers: Customers) -> pa.Array:
    places = np.array([region[1] + region[2] for region in words.REGIONS])[customers.region]
    streets = np.array(words.STREETS)[customers.street]
    return pa.array(
        np.char.add(np.char.add(np.char.add(places, streets), customers.house.astype(str)), "号"), type=pa.string()
    )


def _document_numbers(customers: Customers, index: np.ndarray) -> pa.Array:
    """Return resident ids (GB 11643: region, birth date, sequence, check digit) and 18-character company codes."""
    prefix = np.array([int(region[3]) for region in words.REGIONS])[index % len(words.REGIONS)]
    birth = np.datetime64(EPOCH) + customers.birth_day.astype("timedelta64[D]")
    year = birth.astype("datetime64[Y]").astype(int) + 1970
    month = birth.astype("datetime64[M]").astype(int) % 12 + 1
    day = (birth - birth.astype("datetime64[M]")).astype(int) + 1
    # the last digit of the sequence is odd for men
    sequence = index // len(words.REGIONS) % 500 * 2 + customers.gender
    body = (prefix.astype(np.int64) * 10**8 + year * 10_000 + month * 100 + day) * 1_000 + sequence
    check = resident_id_check(body)
    persons = np.char.add(body.astype(str), check)
    companies = np.char.add("91", (index * 7_919 + 1_370_000_000_000_000).astype(str))
    return pa.array(np.where(customers.is_company, companies, persons), type=pa.string())


def resident_id_check(body: np.ndarray) -> np.ndarray:
    """Return the check characters of 17-digit resident id bodies (ISO 7064 MOD 11-2)."""
    digits = body[:, None] // 10 ** np.arange(16, -1, -1, dtype=np.int64) % 10
    return RESIDENT_ID_CHECKS[digits @ RESIDENT_ID_WEIGHTS % 11]
