"""Contacts with customers: interactions, campaigns with a control group, surveys, and products taken up.

Belongs here: the feeds ``interactions``, ``campaigns``, ``campaign_responses``, ``surveys``. Does not belong here: what
a taken product does afterwards (accounts, payments).
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.simulator.accounts import Book
from pipeline.simulator.attrition import Engagement
from pipeline.simulator.columns import Columns
from pipeline.simulator.months import NEVER, SECONDS_PER_DAY, Month
from pipeline.simulator.organisation import manager_ids
from pipeline.simulator.parties import Customers, customer_ids
from pipeline.simulator.randomness import pick, stream
from pipeline.simulator.stress import Stress
from pipeline.simulator.text import dates, identifiers, list_text, optional, rates

CHANNELS = ("call_centre", "web", "mobile", "wechat")
PURPOSES = ("inquiry", "login", "payment", "application", "complaint", "offer", "service")
OUTCOMES = ("resolved", "escalated", "abandoned", "accepted", "declined")
COMPLAINT, OFFER = PURPOSES.index("complaint"), PURPOSES.index("offer")

# contacts a month, and the channel they take, by segment
CONTACTS = np.array([0.45, 0.60, 0.50, 0.55, 0.28, 0.50, 0.90])
CHANNEL_SHARES = np.array(
    [
        (0.03, 0.07, 0.45, 0.45),
        (0.05, 0.10, 0.55, 0.30),
        (0.10, 0.15, 0.50, 0.25),
        (0.25, 0.25, 0.40, 0.10),
        (0.65, 0.08, 0.12, 0.15),
        (0.12, 0.18, 0.40, 0.30),
        (0.30, 0.50, 0.15, 0.05),
    ]
)
# of contacts that are neither complaint nor offer
PURPOSE_SHARES = np.array([0.26, 0.34, 0.20, 0.04, 0.0, 0.0, 0.16])
COMPLAINTS = 0.008
STRAINED_COMPLAINTS, STRAINED_CALLS = 0.35, 0.8
SCORED_SHARE = 0.3
WITH_MANAGER_SHARE = 0.25
# what dissatisfaction that ends in leaving takes from contentment
DISSATISFACTION = 1.2

CAMPAIGN_EVERY_MONTHS = 2
CAMPAIGN_PRODUCTS = ("savings_account", "credit_card")
CAMPAIGN_NAMES = (("Save for spring", "春季储蓄计划"), ("Card for every day", "日常消费信用卡"))
CHOSEN_SHARE = 0.25
CONTROL_SHARE = 0.25
# probability of taking the product within the campaign, uncontacted, for the average customer, and what a contact
# adds, by segment
BASE_RESPONSE = np.array([0.018, 0.027, 0.024, 0.030, 0.015, 0.021, 0.0])
UPLIFT = np.array([0.030, 0.075, 0.045, 0.060, 0.005, -0.008, 0.0])
# what a standard deviation more of purchases, of balance in incomes, of contentment adds to the logarithm of the base
ACTIVITY_WEIGHT, WEALTH_WEIGHT, CONTENTMENT_WEIGHT = 0.7, 0.5, 0.4
ACTIVITY_SPREAD, WEALTH_SPREAD = 0.5, 0.8
TYPICAL_INCOMES_HELD = 3.5
LARGEST_BASE_RESPONSE = 0.4
ORGANIC_SAVINGS = 0.004
SURVEY_SHARE = 0.012


@dataclass
class Interactions(Columns):
    """Contacts of a month; ``second`` counts from the start of the month."""

    customer: np.ndarray
    second: np.ndarray
    channel: np.ndarray
    purpose: np.ndarray
    outcome: np.ndarray
    duration: np.ndarray
    score: np.ndarray  # 0 for none
    campaign: np.ndarray
    manager: np.ndarray


@dataclass
class Campaigns(Columns):
    """Campaigns in the order of their numbers."""

    product: np.ndarray
    channel: np.ndarray
    start_day: np.ndarray
    end_day: np.ndarray


@dataclass
class Responses(Columns):
    """Customers chosen for campaigns."""

    campaign: np.ndarray
    customer: np.ndarray
    is_control: np.ndarray
    contacted_day: np.ndarray
    responded_day: np.ndarray
    base_probability: np.ndarray
    uplift: np.ndarray


def start_campaign(campaigns: Campaigns, month: Month) -> None:
    """Plan the month's campaign, if it has one."""
    if month.index % CAMPAIGN_EVERY_MONTHS == 0:
        number = len(campaigns)
        campaigns.append(
            Campaigns(
                np.array([number % len(CAMPAIGN_PRODUCTS)]),
                np.array([(number * 2 + 2) % len(CHANNELS)]),
                np.array([month.first_day + 4]),
                np.array([month.first_day + 24]),
            )
        )


def response_chances(
    customers: Customers, book: Book, engagement: Engagement, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return each chosen customer's probability to respond without contact, and what a contact adds.

    The probability grows with what the bank can see before the campaign: purchases, balances, and contentment as
    surveys and contacts show it. The uplift depends on the segment alone. Who leaves responds less, whatever is done.
    """
    these = customers.take(chosen)
    deposits = book.accounts.balance[book.current_of[chosen]].astype(float)
    savings = book.savings_of[chosen]
    deposits += np.where(savings >= 0, book.accounts.balance[savings], 0)
    incomes = np.maximum(deposits, 0) / np.maximum(these.income_cents, 1)
    wealth = np.clip(np.log((incomes + 0.1) / TYPICAL_INCOMES_HELD) / WEALTH_SPREAD, -2, 2)
    purchases = np.clip((these.activity - 1) / ACTIVITY_SPREAD, -2, 3)
    growth = ACTIVITY_WEIGHT * purchases + WEALTH_WEIGHT * wealth + CONTENTMENT_WEIGHT * these.contentment
    # half the variance less, so that the segment's mean stays near its base
    variance = ACTIVITY_WEIGHT**2 + WEALTH_WEIGHT**2 + CONTENTMENT_WEIGHT**2
    base = np.minimum(BASE_RESPONSE[these.segment] * np.exp(growth - variance / 2), LARGEST_BASE_RESPONSE)
    presence = engagement.activity[chosen]
    # a contact cannot take away more than there is
    uplift = np.maximum(UPLIFT[these.segment], -base)
    return base * presence, uplift * presence


def run_campaign(
    campaigns: Campaigns,
    responses: Responses,
    customers: Customers,
    book: Book,
    engagement: Engagement,
    seed: int,
    month: Month,
) -> tuple[np.ndarray, np.ndarray, str | None]:
    """Choose, contact and let respond; return who took the product, on which days, and the product."""
    none = np.zeros(0, dtype=np.int64)
    running = np.flatnonzero(campaigns.start_day >= month.first_day)
    if len(running) == 0:
        return none, none, None
    number = int(running[0])
    product = CAMPAIGN_PRODUCTS[campaigns.product[number]]
    generator = stream(seed, "campaign", month.index)
    holds = book.savings_of >= 0 if product == "savings_account" else book.card_account_of >= 0
    eligible = (
        ~customers.is_company
        & ~customers.opt_out
        & (customers.closed_day == NEVER)
        & (customers.since_day < month.first_day)
        & ~holds
    )
    chosen = np.flatnonzero(eligible & (generator.random(len(customers)) < CHOSEN_SHARE))
    is_control = generator.random(len(chosen)) < CONTROL_SHARE
    contacted = campaigns.start_day[number] + generator.integers(0, 12, len(chosen))
    base, uplift = response_chances(customers, book, engagement, chosen)
    responds = generator.random(len(chosen)) < base + ~is_control * uplift
    responded = contacted + generator.integers(0, 9, len(chosen))
    responses.append(
        Responses(
            np.full(len(chosen), number),
            chosen,
            is_control,
            np.where(is_control, NEVER, contacted),
            np.where(responds, responded, NEVER),
            base,
            uplift,
        )
    )
    return chosen[responds], responded[responds], product


def take_up_savings(
    customers: Customers, book: Book, engagement: Engagement, seed: int, month: Month
) -> tuple[np.ndarray, np.ndarray]:
    """Return persons who open a savings account unasked in a month, and the days."""
    generator = stream(seed, "organic", month.index)
    draw = generator.random(len(customers))
    free = (book.savings_of < 0) & ~customers.is_company & (customers.closed_day == NEVER)
    free &= (customers.since_day < month.first_day) & ~engagement.is_leaving
    takers = np.flatnonzero(free & (draw < ORGANIC_SAVINGS))
    return takers, month.first_day + generator.integers(1, month.days, len(takers))


def interact(
    customers: Customers,
    stress: Stress,
    engagement: Engagement,
    manager: np.ndarray,
    campaigns: Campaigns,
    responses: Responses,
    seed: int,
    month: Month,
) -> Interactions:
    """Return the contacts of a month."""
    generator = stream(seed, "interactions", month.index)
    living = (customers.closed_day > month.first_day).astype(float)
    trouble = (stress.is_strained | stress.is_missing).astype(float)
    ordinary = generator.poisson(CONTACTS[customers.segment] * engagement.activity * living)
    complaints = generator.poisson((COMPLAINTS * engagement.activity + STRAINED_COMPLAINTS * trouble) * living)
    complaints += engagement.complaints * (living > 0)
    calls = generator.poisson(STRAINED_CALLS * trouble * living)
    customer = np.repeat(np.tile(np.arange(len(customers)), 3), np.concatenate([ordinary, complaints, calls]))
    count = len(customer)
    is_complaint = np.zeros(count, dtype=bool)
    is_complaint[ordinary.sum() : ordinary.sum() + complaints.sum()] = True
    is_call = np.arange(count) >= ordinary.sum() + complaints.sum()
    channel = np.where(is_call, 0, pick(generator, CHANNEL_SHARES[customers.segment[customer]]))
    purpose = np.where(
        is_complaint, COMPLAINT, pick(generator, np.broadcast_to(PURPOSE_SHARES, (count, len(PURPOSES))))
    )
    draw = generator.random(count)
    outcome = np.where(draw < np.where(is_complaint, 0.55, 0.86), 0, np.where(draw < 0.92, 1, 2))
    second = generator.integers(0, month.days, count) * SECONDS_PER_DAY + generator.integers(0, 15 * 3600, count)

    asked = np.flatnonzero((responses.contacted_day >= month.first_day) & (responses.contacted_day != NEVER))
    offered = responses.take(asked)
    offer_second = (offered.contacted_day - month.first_day).astype(np.int64) * SECONDS_PER_DAY
    offer_second += generator.integers(3_600, 10 * 3_600, len(asked))
    customer = np.concatenate([customer, offered.customer])
    channel = np.concatenate([channel, campaigns.channel[offered.campaign]])
    purpose = np.concatenate([purpose, np.full(len(asked), OFFER)])
    # at the moment of the offer it is known only whether the customer took it on the spot
    outcome = np.concatenate([outcome, np.where(offered.responded_day == offered.contacted_day, 3, 4)])
    second = np.concatenate([second, offer_second])
    campaign = np.concatenate([np.full(count, -1), offered.campaign])

    pleased = customers.contentment[customer] + generator.normal(0, 0.8, len(customer)) - 2.0 * (purpose == COMPLAINT)
    pleased -= DISSATISFACTION * engagement.is_dissatisfied[customer]
    score = np.clip(np.round(3.8 + 0.7 * pleased), 1, 5).astype(np.int64)
    seen = (second // SECONDS_PER_DAY + month.first_day >= customers.since_day[customer]) & (
        second // SECONDS_PER_DAY + month.first_day <= customers.closed_day[customer]
    )
    with_manager = generator.random(len(customer)) < WITH_MANAGER_SHARE
    contacts = Interactions(
        customer=customer,
        second=second,
        channel=channel,
        purpose=purpose,
        outcome=outcome,
        duration=np.round(generator.gamma(1.5, 120, len(customer)) * np.where(channel == 0, 1.6, 1.0)).astype(np.int64)
        + 3,
        score=np.where(generator.random(len(customer)) < SCORED_SHARE, score, 0),
        campaign=campaign,
        manager=np.where(with_manager, manager[customer], -1),
    ).take(seen)
    return contacts.take(np.lexsort((contacts.purpose, contacts.customer, contacts.second)))


def interaction_rows(contacts: Interactions, month: Month) -> pa.Table:
    """Return the feed ``interactions`` of a month with the column ``file_date``."""
    day = dates(month.first_day + contacts.second // SECONDS_PER_DAY)
    started = contacts.second.astype(np.int64) + month.first_day * SECONDS_PER_DAY
    return pa.table(
        {
            "file_date": day,
            "interaction_id": identifiers(f"I{month.first:%Y%m}", np.arange(len(contacts)), 9),
            "customer_id": customer_ids(contacts.customer),
            "channel_code": list_text(CHANNELS, contacts.channel),
            "interaction_date": day,
            "started_at": pa.array(started).cast(pa.timestamp("s")),
            "duration_seconds": pa.array(contacts.duration),
            "purpose_code": list_text(PURPOSES, contacts.purpose),
            "outcome_code": list_text(OUTCOMES, contacts.outcome),
            "satisfaction_score": optional(pa.array(contacts.score), contacts.score > 0),
            "campaign_id": campaign_ids(contacts.campaign),
            "manager_id": manager_ids(contacts.manager),
        }
    )


def campaign_ids(number: np.ndarray) -> pa.Array:
    """Return campaign numbers; -1 gives null."""
    return identifiers("CP", number, 4)


def campaign_rows(campaigns: Campaigns, month: Month) -> pa.Table:
    """Return the feed ``campaigns`` as of the first day of a month: those begun or planned for the month."""
    number = np.arange(len(campaigns))
    names = np.array(CAMPAIGN_NAMES)[campaigns.product]
    return pa.table(
        {
            "campaign_id": campaign_ids(number),
            "position_date": dates(np.full(len(number), month.first_day)),
            "name_en": pa.array(np.char.add(np.char.add(names[:, 0], " "), (number + 1).astype(str)), type=pa.string()),
            "name_zh": pa.array(np.char.add(names[:, 1], (number + 1).astype(str)), type=pa.string()),
            "product_code": list_text(CAMPAIGN_PRODUCTS, campaigns.product),
            "channel_code": list_text(CHANNELS, campaigns.channel),
            "start_date": dates(campaigns.start_day),
            "end_date": dates(campaigns.end_day),
            "control_share": rates(np.full(len(number), CONTROL_SHARE)),
        }
    )


def response_rows(responses: Responses, month: Month) -> pa.Table:
    """Return the feed ``campaign_responses`` as of the last day of a month."""
    return pa.table(
        {
            "campaign_id": campaign_ids(responses.campaign),
            "customer_id": customer_ids(responses.customer),
            "position_date": dates(np.full(len(responses), month.last_day)),
            "is_control": pa.array(responses.is_control.astype(bool)),
            "contacted_date": dates(responses.contacted_day),
            "responded_date": dates(responses.responded_day),
        }
    )


def survey_rows(customers: Customers, stress: Stress, engagement: Engagement, seed: int, month: Month) -> pa.Table:
    """Return the feed ``surveys`` of a month: scores that hang together through the customer's contentment."""
    generator = stream(seed, "surveys", month.index)
    asked = generator.random(len(customers)) < SURVEY_SHARE
    asked &= (customers.since_day < month.first_day) & (customers.closed_day == NEVER) & ~engagement.is_gone
    customer = np.flatnonzero(asked)
    latent = customers.contentment[customer] - 1.2 * (stress.is_strained | stress.is_missing)[customer]
    latent -= DISSATISFACTION * engagement.is_dissatisfied[customer]

    def score(mean: float, weight: float) -> pa.Array:
        noise = generator.normal(0, 1, len(customer))
        return pa.array(
            np.clip(np.round(mean + 1.6 * (weight * latent + (1 - weight) * noise)), 1, 10).astype(np.int64)
        )

    answered = np.sort(month.first_day + generator.integers(0, month.days, len(customer)))
    channel = generator.integers(0, 5, len(customer))
    return pa.table(
        {
            "survey_id": identifiers(f"Q{month.first:%Y%m}", np.arange(len(customer)), 6),
            "position_date": dates(np.full(len(customer), month.last_day)),
            "customer_id": customer_ids(customer),
            "answered_date": dates(answered),
            "channel_code": list_text((*CHANNELS, "branch"), channel),
            "image_score": score(7.2, 0.5),
            "expectation_score": score(7.6, 0.3),
            "perceived_quality_score": score(7.0, 0.75),
            "perceived_value_score": score(6.7, 0.65),
            "satisfaction_score": score(6.9, 0.85),
        }
    )
