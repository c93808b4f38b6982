"""Association rules over what persons use."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
from pydantic import Field

from assets.results import (
    FEATURES,
    IS_PERSON,
    latest_complete_month,
    names_of,
    picture,
    policy_in_force,
    result_specs,
    rows_shown,
    write_mined,
)
from pipeline.mining.associations import mine_rules
from pipeline.mining.item_names import named_items
from pipeline.mining.outcomes import outcome_of_rules, too_few_customers
from pipeline.mining.rule_plots import draw_rule_matrix, draw_rules
from pipeline.resources import WAREHOUSE_POOL, WarehouseResource
from pipeline.warehouse import load_result_tables

ALL_TABLES = load_result_tables(Path(__file__).with_name("tables.yaml"))
TABLES = {name: ALL_TABLES[name] for name in ("association_rules", "frequent_itemsets", "association_outcomes")}
RULES_SHOWN = 20
# What comes with a product or a purchase by its nature: a rule between the two says nothing.
ITEMS_LEFT_OUT = ["product:credit_card_account", "channel:card", "channel:pos"]


class AssociationConfig(dg.Config):
    """How rules are compared with chance."""

    seed: int = Field(1, description="Of the random tables; the same seed gives the same rates.")


@dg.multi_asset(
    name="associations",
    specs=result_specs(
        "mining", TABLES, [("features", "customer_items"), FEATURES, ("policy", "policy_association_rules")], {"pandas"}
    ),
    pool=WAREHOUSE_POOL,
)
def association_rules(
    context: dg.AssetExecutionContext, config: AssociationConfig, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult]:
    """Find rules over the items of persons in the latest complete month, within the limits of the policy."""
    with warehouse.connect() as connection:
        month_end_date = latest_complete_month(connection)
        policy = policy_in_force(connection, "policy_association_rules", month_end_date)
        items = connection.execute(
            "select customer_key, item_code from features.customer_items where month_end_date = ?"
            " and item_code not in (select unnest(?))"
            f" and {IS_PERSON}",
            [month_end_date, ITEMS_LEFT_OUT],
        ).df()
        names = names_of(connection, "features.customer_items", "item")
        frames: dict[str, pd.DataFrame] = {}
        metadata: dict[str, dict[str, Any]] = {}
        customer_count = items["customer_key"].nunique()
        if customer_count < policy["least_customers"]:
            outcome = too_few_customers(customer_count, policy["least_customers"])
        else:
            found = mine_rules(
                items,
                min_support=float(policy["minimum_support_share"]),
                min_confidence=float(policy["minimum_confidence_share"]),
                min_lift=float(policy["minimum_lift"]),
                max_length=int(policy["most_items"]),
                min_improvement=float(policy["minimum_improvement_share"]),
                random_tables=int(policy["random_tables"]),
                seed=config.seed,
            )
            rules = found.rules
            is_beyond_chance = rules["false_discovery_rate"] <= float(policy["highest_false_discovery_rate"])
            rules["is_significant"] = is_beyond_chance & ~rules["is_chance"]
            outcome = outcome_of_rules(found)
            for side in ("antecedent", "consequent"):
                for language, of_language in names.items():
                    rules[f"{side}_{language}"] = named_items(rules[f"{side}_items"], of_language)
            frames = {"association_rules": rules, "frequent_itemsets": found.itemsets}
            told = rules[rules["is_significant"] & ~rules["is_redundant"]].head(RULES_SHOWN)
            columns = [
                "antecedent_en",
                "consequent_en",
                "support_share",
                "confidence_share",
                "lift",
                "false_discovery_rate",
            ]
            metadata = {
                "association_rules": {
                    "strongest": rows_shown(told[columns]),
                    "rules": picture(draw_rules(rules, names["en"])),
                    "matrix": picture(draw_rule_matrix(rules, names["en"])),
                }
            }
        stamp = {"month_end_date": month_end_date, "policy_version": policy["policy_version"]}
        yield from write_mined(context, connection, TABLES, "association_outcomes", outcome, stamp, frames, metadata)
