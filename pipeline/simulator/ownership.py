"""Ties between parties: who owns, governs, guarantees, is kin to and trades with whom.

Belongs here: the feeds ``shareholdings``, ``board_seats``, ``kinships``, ``guarantees``, ``invoices`` and the planted
structures behind them. Does not belong here: the rules that make groups of connected clients out of them.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.simulator import vocabulary as words
from pipeline.simulator.columns import Columns
from pipeline.simulator.lending import Facilities, facility_ids
from pipeline.simulator.months import NEVER, Month
from pipeline.simulator.parties import Customers, customer_ids, full_names
from pipeline.simulator.randomness import stream
from pipeline.simulator.text import dates, identifiers, list_text, money, rates

ROLES = ("chair", "director", "executive_director", "supervisor", "chief_executive", "chief_financial_officer")
RELATIONS = ("spouse", "parent", "child", "sibling")
INVERSE_RELATION = np.array([0, 2, 1, 3])
GUARANTEE_TYPES = ("joint_and_several", "general", "counter_guarantee")
DOCUMENTS = ("annual report", "register of companies", "articles of association", "credit application")

# Each structure is a list of holdings (holder, company, share, votes) among its members, numbered from 0; a holder of
# -1 is the structure's ultimate person. The shares around one half are where rules of control differ.
STRUCTURES = {
    "chain": (3, ((-1, 0, 0.80, 0.80), (0, 1, 0.70, 0.70), (1, 2, 0.60, 0.60))),
    "star": (4, ((-1, 0, 0.75, 0.75), (0, 1, 0.51, 0.51), (0, 2, 0.90, 0.90), (0, 3, 1.0, 1.0))),
    "joint_control": (3, ((0, 2, 0.50, 0.50), (1, 2, 0.50, 0.50))),
    "just_below_half": (2, ((0, 1, 0.4999, 0.4999), (-1, 1, 0.5001, 0.5001))),
    "just_above_half": (2, ((0, 1, 0.5001, 0.5001),)),
    "votes_differ": (2, ((0, 1, 0.30, 0.55),)),
    "indirect_minority": (3, ((0, 1, 0.60, 0.60), (1, 2, 0.40, 0.40), (0, 2, 0.15, 0.15))),
    "cycle": (3, ((0, 1, 0.51, 0.51), (1, 2, 0.60, 0.60), (2, 0, 0.25, 0.25))),
    "common_owner": (3, ((-1, 0, 0.60, 0.60), (-1, 1, 0.55, 0.55), (-1, 2, 0.35, 0.35))),
}
STRUCTURED_SHARE = 0.5
GUARANTEED_SHARE = 0.3
DEPENDENT_SHARE = 0.15
SHARED_ADDRESS_SHARE = 0.04
VOID_SHARE, CREDIT_NOTE_SHARE = 0.02, 0.03
TAX_RATE = 0.13
OUTSIDE_PARTIES = 10_000_000  # numbers from here on are parties outside the bank


@dataclass
class Holdings(Columns):
    """Shareholdings in the order of their numbers."""

    holder: np.ndarray
    is_company: np.ndarray
    company: np.ndarray
    share: np.ndarray
    votes: np.ndarray
    from_day: np.ndarray
    to_day: np.ndarray


@dataclass
class Seats(Columns):
    """Board and executive seats in the order of their numbers."""

    company: np.ndarray
    person: np.ndarray
    appointed_by: np.ndarray
    role: np.ndarray
    from_day: np.ndarray
    to_day: np.ndarray


@dataclass
class Kinships(Columns):
    """Family relations, each told from both sides."""

    person: np.ndarray
    relative: np.ndarray
    relation: np.ndarray
    from_day: np.ndarray


@dataclass
class Guarantees(Columns):
    """Guarantees in the order of their numbers."""

    guarantor: np.ndarray
    obligor: np.ndarray
    facility: np.ndarray
    kind: np.ndarray
    cents: np.ndarray
    from_day: np.ndarray
    to_day: np.ndarray
    pattern: np.ndarray


@dataclass
class Trade(Columns):
    """Who invoices whom: one row per seller and buyer, with the buyer's share of the seller's sales."""

    seller: np.ndarray
    buyer: np.ndarray
    share: np.ndarray


@dataclass
class Ties:
    """All ties among the companies the bank had at the start, and the structures they were planted with."""

    holdings: Holdings
    seats: Seats
    kinships: Kinships
    guarantees: Guarantees
    trade: Trade
    structures: pa.Table


GUARANTEE_PATTERNS = ("single", "mutual", "one_to_many", "expired")


def tie_parties(customers: Customers, facilities: Facilities, seed: int, month: Month) -> Ties:
    """Plant structures of ownership, boards, kin, guarantees and trade; some share an address (changed in place)."""
    generator = stream(seed, "ties")
    companies = generator.permutation(np.flatnonzero(customers.is_company))
    persons = np.flatnonzero(~customers.is_company)
    persons = persons[customers.birth_day[persons] < month.first_day - 28 * 365]
    holdings, structures = _structures(companies, persons, generator, month)
    seats = _seats(companies, persons, holdings, generator, month)
    _share_addresses(customers, companies, generator)
    return Ties(
        holdings,
        seats,
        _kinships(customers, holdings, seats, persons, generator, month),
        _guarantees(companies, facilities, generator, month),
        _trade(companies, generator),
        structures,
    )


def _structures(
    companies: np.ndarray, persons: np.ndarray, generator: np.random.Generator, month: Month
) -> tuple[Holdings, pa.Table]:
    """Deal out half of the companies into structures; every other company has two owners of its own."""
    rows: list[tuple[float, ...]] = []  # holder, whether it is a company, company, share, votes
    names, members_of, ultimate_of = [], [], []
    taken, structure = 0, 0
    limit = int(len(companies) * STRUCTURED_SHARE)
    kinds = list(STRUCTURES.items())
    while taken + max(size for _, (size, _) in kinds) <= limit and len(persons):
        name, (size, edges) = kinds[structure % len(kinds)]
        members = companies[taken : taken + size]
        # a person outside the bank in every third structure
        outside = structure % 3 == 2
        ultimate = OUTSIDE_PARTIES + structure if outside else int(persons[generator.integers(0, len(persons))])
        for holder, company, share, votes in edges:
            owner = ultimate if holder < 0 else members[holder]
            rows.append((owner, holder >= 0, members[company], share, votes))
        names.append(name)
        members_of.append(members.tolist())
        ultimate_of.append(ultimate if any(edge[0] < 0 for edge in edges) else -1)
        taken += size
        structure += 1
    alone = companies[taken:]
    if len(persons) == 0:
        alone = alone[:0]
    first = persons[generator.integers(0, max(len(persons), 1), len(alone))]
    second = OUTSIDE_PARTIES + 1_000_000 + np.arange(len(alone))
    larger_share = np.round(generator.uniform(0.51, 0.95, len(alone)), 4)
    is_person = np.zeros(len(alone))
    table = np.vstack(
        [
            np.array(rows).reshape(-1, 5),
            np.column_stack([first, is_person, alone, larger_share, larger_share]),
            np.column_stack([second, is_person, alone, 1 - larger_share, 1 - larger_share]),
        ]
    )
    count = len(table)
    # some holdings begin or end within the first year
    start = month.first_day - generator.integers(200, 3_000, count)
    start = np.where(generator.random(count) < 0.04, month.first_day + generator.integers(10, 300, count), start)
    end = np.where(generator.random(count) < 0.03, month.first_day + generator.integers(40, 330, count), NEVER)
    holdings = Holdings(
        table[:, 0].astype(np.int64), table[:, 1].astype(bool), table[:, 2].astype(np.int64), table[:, 3], table[:, 4],
        start, np.where(end > start, end, NEVER),
    )  # fmt: skip
    flat = np.array([member for members in members_of for member in members], dtype=np.int64)
    lengths = [len(members) for members in members_of]
    planted = pa.table(
        {
            "structure_number": pa.array(np.repeat(np.arange(len(names)), lengths)),
            "structure_kind": pa.array(np.repeat(np.array(names, dtype=object), lengths), type=pa.string()),
            "company_id": customer_ids(flat),
            "ultimate_person_id": party_ids(np.repeat(np.array(ultimate_of, dtype=np.int64), lengths)),
        }
    )
    return holdings, planted


def _seats(
    companies: np.ndarray, persons: np.ndarray, holdings: Holdings, generator: np.random.Generator, month: Month
) -> Seats:
    if len(persons) == 0:
        companies = companies[:0]
    count = generator.integers(2, 6, len(companies))
    company = np.repeat(companies, count)
    position = np.arange(len(company)) - np.repeat(np.cumsum(count) - count, count)
    some = persons[generator.integers(0, len(persons), len(company))] if len(persons) else company
    outside = OUTSIDE_PARTIES + 2_000_000 + generator.integers(0, 500_000, len(company))
    person = np.where(generator.random(len(company)) < 0.5, some, outside)
    # the largest holder appoints the chair
    owner = np.full(int(max(companies.max(initial=0), holdings.company.max(initial=0))) + 1, -1)
    by_share = np.argsort(holdings.share, kind="stable")
    owner[holdings.company[by_share]] = holdings.holder[by_share]
    start = month.first_day - generator.integers(100, 2_500, len(company))
    end = np.where(
        generator.random(len(company)) < 0.05, month.first_day + generator.integers(20, 330, len(company)), NEVER
    )
    return Seats(
        company,
        person,
        np.where(position < 2, owner[company], -1),
        np.array([0, 4, 1, 5, 3])[position],
        start,
        end,
    )


def _kinships(
    customers: Customers,
    holdings: Holdings,
    seats: Seats,
    persons: np.ndarray,
    generator: np.random.Generator,
    month: Month,
) -> Kinships:
    """Relate key persons (owners and officers who are customers) to each other and to further persons."""
    owners = holdings.holder[~holdings.is_company & (holdings.holder < OUTSIDE_PARTIES)]
    officers = seats.person[seats.person < OUTSIDE_PARTIES]
    key = np.unique(np.concatenate([owners, officers]))
    key = key[generator.random(len(key)) < 0.4]
    pool = np.concatenate([key, persons]) if len(persons) else key
    relative = pool[generator.integers(0, len(pool), len(key))] if len(pool) else key
    older = customers.birth_day[relative] < customers.birth_day[key] - 20 * 365
    younger = customers.birth_day[relative] > customers.birth_day[key] + 20 * 365
    peers = np.where(customers.gender[relative] != customers.gender[key], 0, 3)
    relation = np.select([older, younger], [1, 2], peers)
    good = relative != key
    key, relative, relation = key[good], relative[good], relation[good]
    start = np.maximum(customers.birth_day[key], customers.birth_day[relative])
    start = np.where(relation == 0, month.first_day - 2_000, start)
    return Kinships(
        np.concatenate([key, relative]),
        np.concatenate([relative, key]),
        np.concatenate([relation, INVERSE_RELATION[relation]]),
        np.concatenate([start, start]),
    )


def _guarantees(
    companies: np.ndarray, facilities: Facilities, generator: np.random.Generator, month: Month
) -> Guarantees:
    """Let companies guarantee facilities: singly, each other's, one for many, and some in the past."""
    line = np.flatnonzero(generator.random(len(facilities)) < GUARANTEED_SHARE)
    if len(companies) < 3:
        line = line[:0]
    obligor = facilities.customer[line]
    pattern = generator.choice(len(GUARANTEE_PATTERNS), len(line), p=[0.4, 0.2, 0.25, 0.15])
    hubs = companies[: max(1, len(companies) // 40)]
    single = companies[generator.integers(0, len(companies), len(line))] if len(line) else obligor
    hub = hubs[generator.integers(0, len(hubs), len(line))] if len(line) else obligor
    guarantor = np.where(pattern == 2, hub, single)
    good = guarantor != obligor
    line, obligor, guarantor, pattern = line[good], obligor[good], guarantor[good], pattern[good]
    # the other half of a mutual pair is given for all debts, not for one facility
    back = pattern == 1
    cents = facilities.limit[line]
    start = facilities.granted_day[line]
    end = np.where(pattern == 3, np.maximum(month.first_day - 20, start), facilities.maturity_day[line] + 180)
    return Guarantees(
        guarantor=np.concatenate([guarantor, obligor[back]]),
        obligor=np.concatenate([obligor, guarantor[back]]),
        facility=np.concatenate([line, np.full(back.sum(), -1)]),
        kind=np.concatenate([line % 2, np.zeros(back.sum(), dtype=np.int64)]),
        cents=np.concatenate([cents, cents[back]]),
        from_day=np.concatenate([start, start[back]]),
        to_day=np.concatenate([end, end[back]]),
        pattern=np.concatenate([pattern, pattern[back]]),
    )


def _trade(companies: np.ndarray, generator: np.random.Generator) -> Trade:
    """Give each seller some buyers; for some sellers one of them takes 30 to 80 percent of all sales."""
    if len(companies) < 2:
        nobody = companies[:0]
        return Trade(nobody, nobody, nobody.astype(float))
    sellers = np.sort(companies)
    count = generator.integers(3, 7, len(sellers))
    seller = np.repeat(sellers, count)
    here = companies[generator.integers(0, len(companies), len(seller))]
    outside = OUTSIDE_PARTIES + 3_000_000 + generator.integers(0, 200_000, len(seller))
    buyer = np.where((generator.random(len(seller)) < 0.45) & (here != seller), here, outside)
    first = np.cumsum(count) - count
    depends = generator.random(len(sellers)) < DEPENDENT_SHARE
    weight = generator.gamma(4, 1, len(seller))
    others = np.add.reduceat(weight, first) - weight[first]
    main_share = generator.uniform(0.32, 0.8, len(sellers))
    weight[first] = np.where(depends, others * main_share / (1 - main_share), np.minimum(weight[first], others * 0.3))
    buyer[first] = np.where(depends & (here[first] != sellers), here[first], buyer[first])
    return Trade(seller, buyer, weight / np.repeat(np.add.reduceat(weight, first), count))


def _share_addresses(customers: Customers, companies: np.ndarray, generator: np.random.Generator) -> None:
    pairs = int(len(companies) * SHARED_ADDRESS_SHARE)
    one, other = generator.permutation(companies)[: 2 * pairs].reshape(2, -1)
    for name in ("region", "street", "house"):
        getattr(customers, name)[one] = getattr(customers, name)[other]


def party_ids(number: np.ndarray) -> pa.Array:
    """Return customer numbers, and numbers with X for parties outside the bank."""
    number = np.asarray(number, dtype=np.int64)
    is_outside = number >= OUTSIDE_PARTIES
    outside = identifiers("X", np.where(is_outside, number - OUTSIDE_PARTIES, -1), 8)
    inside = customer_ids(np.where(is_outside, -1, number))
    return pa.compute.coalesce(inside, outside)


def _known(from_day: np.ndarray, to_day: np.ndarray, month: Month) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows begun by the month end and their ends as far as they have come."""
    number = np.flatnonzero(from_day <= month.last_day)
    return number, np.where(to_day[number] <= month.last_day, to_day[number], NEVER)


def _names_of(customers: Customers, party: np.ndarray) -> pa.Array:
    is_inside = party < OUTSIDE_PARTIES
    inside = full_names(customers.take(np.where(is_inside, party, 0)))
    surname = np.array(words.SURNAMES)[party % len(words.SURNAMES)]
    given = np.array(words.GIVEN_MALE)[party // 7 % len(words.GIVEN_MALE)]
    return pa.compute.if_else(pa.array(is_inside), inside, pa.array(np.char.add(surname, given), type=pa.string()))


def shareholding_rows(holdings: Holdings, customers: Customers, month: Month) -> pa.Table:
    """Return the feed ``shareholdings`` as of the last day of a month."""
    number, ended = _known(holdings.from_day, holdings.to_day, month)
    these = holdings.take(number)
    return pa.table(
        {
            "holding_id": identifiers("H", number, 7),
            "position_date": dates(np.full(len(number), month.last_day)),
            "holder_id": party_ids(these.holder),
            "holder_type": list_text(("person", "company"), these.is_company),
            "holder_name": _names_of(customers, these.holder),
            "company_id": customer_ids(these.company),
            "share_ratio": rates(these.share),
            "vote_ratio": rates(these.votes),
            "valid_from": dates(these.from_day),
            "valid_to": dates(ended),
            "source_document": list_text(DOCUMENTS, number % len(DOCUMENTS)),
        }
    )


def seat_rows(seats: Seats, month: Month) -> pa.Table:
    """Return the feed ``board_seats`` as of the last day of a month."""
    number, ended = _known(seats.from_day, seats.to_day, month)
    these = seats.take(number)
    return pa.table(
        {
            "seat_id": identifiers("BS", number, 7),
            "position_date": dates(np.full(len(number), month.last_day)),
            "company_id": customer_ids(these.company),
            "person_id": party_ids(these.person),
            "appointed_by_id": party_ids(these.appointed_by),
            "role_code": list_text(ROLES, these.role),
            "valid_from": dates(these.from_day),
            "valid_to": dates(ended),
            "source_document": list_text(DOCUMENTS, number % 2),
        }
    )


def kinship_rows(kinships: Kinships, month: Month) -> pa.Table:
    """Return the feed ``kinships`` as of the last day of a month."""
    number = np.arange(len(kinships))
    return pa.table(
        {
            "kinship_id": identifiers("KS", number, 7),
            "position_date": dates(np.full(len(number), month.last_day)),
            "person_id": customer_ids(kinships.person),
            "relative_id": customer_ids(kinships.relative),
            "relation_code": list_text(RELATIONS, kinships.relation),
            "valid_from": dates(kinships.from_day),
            "valid_to": dates(np.full(len(number), NEVER)),
        }
    )


def guarantee_rows(guarantees: Guarantees, month: Month) -> pa.Table:
    """Return the feed ``guarantees`` as of the last day of a month; a guarantee states its end from the start."""
    number = np.flatnonzero(guarantees.from_day <= month.last_day)
    these = guarantees.take(number)
    return pa.table(
        {
            "guarantee_id": identifiers("GU", number, 7),
            "position_date": dates(np.full(len(number), month.last_day)),
            "guarantor_customer_id": customer_ids(these.guarantor),
            "obligor_customer_id": customer_ids(these.obligor),
            "facility_id": facility_ids(these.facility),
            "guarantee_type": list_text(GUARANTEE_TYPES, these.kind),
            "currency_code": list_text(["CNY"], np.zeros(len(number))),
            "guaranteed_amount": money(these.cents),
            "valid_from": dates(these.from_day),
            "valid_to": dates(these.to_day),
        }
    )


def invoice_rows(trade: Trade, customers: Customers, income_factor: np.ndarray, seed: int, month: Month) -> pa.Table:
    """Return the feed ``invoices`` of a month: sellers' turnover split among their buyers."""
    generator = stream(seed, "invoices", month.index)
    times = generator.poisson(1.3, len(trade))
    row = np.repeat(np.arange(len(trade)), times)
    count = len(row)
    seller = trade.seller[row]
    is_open = customers.closed_day[seller] == NEVER
    cents = customers.income_cents[seller] * income_factor[seller] * trade.share[row] / np.maximum(times[row], 1)
    cents = np.round(cents * generator.gamma(12, 1 / 12, count) / 100).astype(np.int64) * 100 + 100
    draw = generator.random(count)
    is_note = draw > 1 - CREDIT_NOTE_SHARE
    cents = np.where(is_note, -(cents // 400) * 100 - 100, cents)
    tax = np.round(cents * TAX_RATE).astype(np.int64)
    day = month.first_day + generator.integers(0, month.days, count)
    order = np.lexsort((row, day, seller))
    order = order[is_open[order]]
    seller = seller[order]
    in_month = np.arange(len(order)) - np.searchsorted(seller, seller)
    return pa.table(
        {
            "seller_id": party_ids(seller),
            "invoice_number": identifiers(f"{month.first:%Y%m}", in_month + 1, 5),
            "position_date": dates(np.full(len(order), month.last_day)),
            "buyer_id": party_ids(trade.buyer[row][order]),
            "issued_date": dates(day[order]),
            "amount": money(cents[order]),
            "tax_amount": money(tax[order]),
            "total_amount": money((cents + tax)[order]),
            "currency_code": list_text(["CNY"], np.zeros(len(order))),
            "status_code": list_text(("valid", "void"), draw[order] < VOID_SHARE),
        }
    )
