"""What was planted, as tables that tests compare with what was found.

Belongs here: the tables of ``truth/``. Does not belong here: anything that reaches the landing zone.
"""

import numpy as np
import pyarrow as pa

from pipeline.simulator import accounts, contacts, ownership, parties
from pipeline.simulator.accounts import Book
from pipeline.simulator.codes import Segment
from pipeline.simulator.parties import Customers
from pipeline.simulator.stress import NO_CURE, Episodes
from pipeline.simulator.text import dates, list_text, money


def planted(
    customers: Customers, book: Book, episodes: Episodes, ties: ownership.Ties, responses: contacts.Responses
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
                "base_probability": pa.array(contacts.BASE_RESPONSE[customers.segment[responses.customer]]),
                "uplift": pa.array(contacts.UPLIFT[customers.segment[responses.customer]]),
            }
        ),
    }
