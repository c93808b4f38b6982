"""Branches, merchants, managers and their books: the reference feeds of the bank itself.

Belongs here: ``branches``, ``merchants``, ``managers``, ``manager_assignments``. Does not belong here: customers.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.simulator import vocabulary as words
from pipeline.simulator.columns import Columns
from pipeline.simulator.months import NEVER, Month, day_number
from pipeline.simulator.parties import Customers, customer_ids
from pipeline.simulator.randomness import stream
from pipeline.simulator.text import dates, identifiers, list_text

BRANCH_COUNT = 20
MERCHANTS_PER_CATEGORY = 11
MERCHANTS_WHO_ARE_CUSTOMERS = 0.15
CUSTOMERS_PER_MANAGER = 90
MANAGER_LEAVES_PER_MONTH = 0.03
# share of customers with a manager, by segment
MANAGED_SHARE = np.array([0.0, 0.02, 0.10, 0.95, 0.08, 0.10, 1.0])


@dataclass
class Merchants(Columns):
    """Merchants, sorted by category: those of category c are numbers c*11 .. c*11+10."""

    category: np.ndarray
    region: np.ndarray
    name: np.ndarray
    customer: np.ndarray


@dataclass
class Managers(Columns):
    """Relationship managers in the order of their numbers."""

    branch: np.ndarray
    surname: np.ndarray
    given: np.ndarray
    hired_day: np.ndarray
    left_day: np.ndarray


@dataclass
class Assignments(Columns):
    """Who looks after whom, in the order of assignment."""

    customer: np.ndarray
    manager: np.ndarray
    from_day: np.ndarray
    to_day: np.ndarray


def found_merchants(customers: Customers, seed: int) -> Merchants:
    """Return the merchants; some are companies that bank here."""
    generator = stream(seed, "merchants")
    count = len(words.MERCHANT_CATEGORIES) * MERCHANTS_PER_CATEGORY
    companies = np.flatnonzero(customers.is_company)
    is_customer = (generator.random(count) < MERCHANTS_WHO_ARE_CUSTOMERS) & (len(companies) > 0)
    chosen = companies[generator.integers(0, len(companies), count)] if len(companies) else np.full(count, -1)
    return Merchants(
        category=np.repeat(np.arange(len(words.MERCHANT_CATEGORIES)), MERCHANTS_PER_CATEGORY).astype(np.int16),
        region=generator.integers(0, len(words.REGIONS), count).astype(np.int8),
        name=generator.integers(0, 1 << 16, count),
        customer=np.where(is_customer, chosen, -1),
    )


def hire_managers(customers: Customers, seed: int, month: Month) -> tuple[Managers, Assignments]:
    """Return the managers at the start and their books."""
    generator = stream(seed, "managers")
    managed = np.flatnonzero(generator.random(len(customers)) < MANAGED_SHARE[customers.segment])
    count = max(3, len(managed) // CUSTOMERS_PER_MANAGER)
    managers = _hired(np.full(count, month.first_day) - generator.integers(100, 3_000, count), generator)
    manager = generator.integers(0, count, len(managed))
    start = np.maximum(customers.since_day[managed], managers.hired_day[manager])
    return managers, Assignments(managed.astype(np.int32), manager, start, np.full(len(managed), NEVER))


def _hired(day: np.ndarray, generator: np.random.Generator) -> Managers:
    count = len(day)
    return Managers(
        branch=generator.integers(0, BRANCH_COUNT, count).astype(np.int16),
        surname=generator.integers(0, len(words.SURNAMES), count),
        given=generator.integers(0, len(words.GIVEN_FEMALE), count),
        hired_day=day.astype(np.int32),
        left_day=np.full(count, NEVER, dtype=np.int32),
    )


def hand_over(
    managers: Managers, assignments: Assignments, customers: Customers, first_new: int, seed: int, month: Month
) -> np.ndarray:
    """Let managers leave in a month and others take their books; give new customers a manager; return who left."""
    generator = stream(seed, "handover", month.index)
    working = np.flatnonzero(managers.left_day == NEVER)
    leaving = working[generator.random(len(working)) < MANAGER_LEAVES_PER_MONTH]
    left_day = (month.first_day + generator.integers(5, month.days - 3, len(leaving))).astype(np.int32)
    managers.left_day[leaving] = left_day
    successor_of = np.full(len(managers) + len(leaving), -1)
    successor_of[leaving] = len(managers) + np.arange(len(leaving))
    managers.append(_hired(left_day - 10, generator))

    ends = np.flatnonzero((successor_of[assignments.manager] >= 0) & (assignments.to_day == NEVER))
    ended_day = managers.left_day[assignments.manager[ends]]
    assignments.to_day[ends] = ended_day
    assignments.append(
        Assignments(
            assignments.customer[ends],
            successor_of[assignments.manager[ends]],
            ended_day + 1,
            np.full(len(ends), NEVER),
        )
    )
    new = first_new + np.flatnonzero(
        generator.random(len(customers) - first_new) < MANAGED_SHARE[customers.segment[first_new:]]
    )
    staying = np.flatnonzero((managers.left_day == NEVER) & (managers.hired_day <= month.first_day))
    chosen = staying[generator.integers(0, len(staying), len(new))] if len(staying) else np.zeros(0, dtype=np.int64)
    new = new[: len(chosen)]
    assignments.append(Assignments(new, chosen, customers.since_day[new], np.full(len(new), NEVER)))
    return leaving


def end_assignments(assignments: Assignments, customer: np.ndarray, day: np.ndarray, customer_count: int) -> None:
    """End the assignments of customers who left."""
    left_day = np.full(customer_count, NEVER, dtype=np.int32)
    left_day[customer] = day
    assignments.to_day = np.minimum(assignments.to_day, left_day[assignments.customer])


def manager_of(assignments: Assignments, customer_count: int) -> np.ndarray:
    """Return the present manager of each customer, -1 where there is none."""
    present = assignments.take(assignments.to_day == NEVER)
    manager = np.full(customer_count, -1, dtype=np.int32)
    manager[present.customer] = present.manager
    return manager


def branch_rows(month: Month) -> pa.Table:
    """Return the feed ``branches`` of a month: a head office (B000) and the branches below it."""
    number = np.arange(BRANCH_COUNT + 1)
    region = np.where(number == 0, 0, (number - 1) % len(words.REGIONS))
    wave = np.where(number == 0, 0, (number - 1) // len(words.REGIONS))
    names_en = [
        words.REGION_NAMES_EN[r] + (" Main Branch", " Second Branch")[w] for r, w in zip(region, wave, strict=True)
    ]
    names_zh = [
        words.REGIONS[r][2].removesuffix("市") + ("分行", "第二支行")[w] for r, w in zip(region, wave, strict=True)
    ]
    return pa.table(
        {
            "branch_id": identifiers("B", number, 3),
            "position_date": dates(np.full(len(number), month.first_day)),
            "name_en": pa.array(["Head Office", *names_en[1:]]),
            "name_zh": pa.array(["总行", *names_zh[1:]]),
            "region_code": list_text(words.REGION_CODES, region),
            "parent_branch_id": identifiers("B", np.where(number == 0, -1, 0), 3),
            "opened_date": dates(day_number(month.first.replace(year=1995, month=1)) + number * 97),
        }
    )


def merchant_ids(number: np.ndarray) -> pa.Array:
    """Return merchant numbers; -1 gives null."""
    return identifiers("M", number, 6)


def merchant_rows(merchants: Merchants, month: Month) -> pa.Table:
    """Return the feed ``merchants`` of a month."""
    number = np.arange(len(merchants))
    names = np.array(words.MERCHANT_FIRST)[merchants.name % len(words.MERCHANT_FIRST)]
    for part in (
        np.array(words.MERCHANT_SECOND)[merchants.name // 64 % len(words.MERCHANT_SECOND)],
        np.array([category[2] for category in words.MERCHANT_CATEGORIES])[merchants.category],
    ):
        names = np.char.add(names, part)
    return pa.table(
        {
            "merchant_id": merchant_ids(number),
            "position_date": dates(np.full(len(number), month.first_day)),
            "merchant_name": pa.array(names, type=pa.string()),
            "merchant_category_code": list_text(
                [category[0] for category in words.MERCHANT_CATEGORIES], merchants.category
            ),
            "region_code": list_text(words.REGION_CODES, merchants.region),
            "customer_id": customer_ids(merchants.customer),
        }
    )


def manager_ids(number: np.ndarray) -> pa.Array:
    """Return manager numbers; -1 gives null."""
    return identifiers("G", number, 5)


def manager_rows(managers: Managers, month: Month) -> pa.Table:
    """Return the feed ``managers`` as of the first day of a month."""
    number = np.flatnonzero(managers.hired_day <= month.first_day)
    these = managers.take(number)
    names = np.char.add(
        np.array(words.SURNAMES)[these.surname],
        np.array([f + m for f, m in zip(words.GIVEN_FEMALE, words.GIVEN_MALE, strict=False)])[these.given % 20],
    )
    return pa.table(
        {
            "manager_id": manager_ids(number),
            "position_date": dates(np.full(len(number), month.first_day)),
            "full_name": pa.array(names, type=pa.string()),
            "branch_id": identifiers("B", these.branch.astype(np.int64) + 1, 3),
            "hired_date": dates(these.hired_day),
            "left_date": dates(np.where(these.left_day <= month.first_day, these.left_day, NEVER)),
        }
    )


def assignment_rows(assignments: Assignments, month: Month) -> pa.Table:
    """Return the feed ``manager_assignments`` as of the first day of a month."""
    number = np.flatnonzero(assignments.from_day <= month.first_day)
    these = assignments.take(number)
    return pa.table(
        {
            "assignment_id": identifiers("S", number, 8),
            "position_date": dates(np.full(len(number), month.first_day)),
            "customer_id": customer_ids(these.customer),
            "manager_id": manager_ids(these.manager),
            "valid_from": dates(these.from_day),
            "valid_to": dates(np.where(these.to_day < month.first_day, these.to_day, NEVER)),
        }
    )
