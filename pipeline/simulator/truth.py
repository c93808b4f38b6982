"""What was planted, as tables that tests compare with what was found.

Belongs here: the tables of ``truth/``. Does not belong here: anything that reaches the landing zone.
"""

import numpy as np
import pyarrow as pa

from pipeline.simulator import accounts, contacts, ownership, parties
from pipeline.simulator.accounts import Book
from pipeline.simulator.attrition import Cause, Departures, End
from pipeline.simulator.chains import CHAINS, STEP_PROBABILITY, Starts
from pipeline.simulator.codes import Segment
from pipeline.simulator.parties import Customers
from pipeline.simulator.stress import NO_CURE, Episodes
from pipeline.simulator.text import dates, list_text, money, optional


def planted(
    customers: Customers,
    book: Book,
    episodes: Episodes,
    departures: Departures,
    starts: Starts,
    ties: ownership.Ties,
    responses: contacts.Responses,
) -> dict[str, pa.Table]:
    """Return what was planted, by name of the truth table."""
    everybody = np.arange(len(customers))
    traits = {f"has_{name}": pa.array(customers.bears(i)) for i, name in enumerate(parties.TRAIT_NAMES)}
    bundles = [
        (name, code)
        for name, codes in zip(parties.TRAIT_NAMES, parties.TRAIT_CATEGORIES, strict=True)
        for code in codes
    ]
    campaign = responses.campaign
    return {
        "customers": pa.table(
            {
                "customer_id": parties.customer_ids(everybody),
                "segment": list_text([segment.name.lower() for segment in Segment], customers.segment),
                "risk": pa.array(customers.risk),
                "contentment": pa.array(customers.contentment),
                "since_date": dates(customers.since_day),
                "closed_date": dates(customers.closed_day),
                **traits,
            }
        ),
        "opening_balances": pa.table(
            {
                "account_id": accounts.account_ids(np.arange(len(book.accounts))),
                "opening_balance_amount": money(book.accounts.opening_balance),
            }
        ),
        "arrears_episodes": pa.table(
            {
                "customer_id": parties.customer_ids(episodes.customer),
                "first_month": pa.array(episodes.first_month),
                "strain_months": pa.array(episodes.strain_months),
                "missed_months": pa.array(episodes.missed_months),
                "is_cured": pa.array(episodes.missed_months < NO_CURE),
            }
        ),
        "category_bundles": pa.table(
            {"trait": [name for name, _ in bundles], "merchant_category_code": [code for _, code in bundles]}
        ),
        "ownership_structures": ties.structures,
        "guarantee_patterns": pa.table(
            {
                "guarantor_customer_id": parties.customer_ids(ties.guarantees.guarantor),
                "obligor_customer_id": parties.customer_ids(ties.guarantees.obligor),
                "pattern": list_text(ownership.GUARANTEE_PATTERNS, ties.guarantees.pattern),
            }
        ),
        "trade_shares": pa.table(
            {
                "seller_id": ownership.party_ids(ties.trade.seller),
                "buyer_id": ownership.party_ids(ties.trade.buyer),
                "share": pa.array(ties.trade.share),
            }
        ),
        "campaign_effects": pa.table(
            {
                "campaign_id": contacts.campaign_ids(campaign),
                "customer_id": parties.customer_ids(responses.customer),
                "base_probability": pa.array(responses.base_probability),
                "uplift": pa.array(responses.uplift),
            }
        ),
        "attrition": _attrition(departures),
        "purchase_chains": _purchase_chains(),
        "chain_starts": pa.table(
            {
                "customer_id": parties.customer_ids(starts.customer),
                "chain": list_text([chain.name for chain in CHAINS], starts.chain),
                "start_date": dates(starts.day),
            }
        ),
    }


def _attrition(departures: Departures) -> pa.Table:
    """Return the departures; months are indexes of simulated months, and who stays has no end."""
    stays = departures.end == End.STAYS
    return pa.table(
        {
            "customer_id": parties.customer_ids(departures.customer),
            "cause": list_text([cause.name.lower() for cause in Cause], departures.cause),
            "first_month": pa.array(departures.first_month),
            "notice_months": pa.array(departures.notice_months),
            "is_false_alarm": pa.array(stays),
            "end": list_text([end.name.lower() for end in End], departures.end),
            "end_month": optional(pa.array(departures.end_month), ~stays),
        }
    )


def _purchase_chains() -> pa.Table:
    """Return the steps of the chains; the first has neither a gap nor a probability to follow another one."""
    steps = [
        (chain.name, step, code, STEP_PROBABILITY if step else None, gap if step else None)
        for chain in CHAINS
        for step, (code, gap) in enumerate(zip(chain.categories, chain.median_gap_days, strict=True))
    ]
    names = ("chain", "step", "merchant_category_code", "step_probability", "median_gap_days")
    return pa.table(dict(zip(names, map(pa.array, zip(*steps, strict=True)), strict=True)))
