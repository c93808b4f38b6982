"""Association rules over what customers use."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from assets.results import latest_complete_month, picture, policy_in_force, result_specs, write_results
from pipeline.mining.associations import mine_rules
from pipeline.mining.plots import draw_rules
from pipeline.resources import WAREHOUSE_POOL, WarehouseResource
from pipeline.warehouse import load_result_tables

ALL_TABLES = load_result_tables(Path(__file__).with_name("tables.yaml"))
TABLES = {"association_rules": ALL_TABLES["association_rules"]}
RULES_SHOWN = 20
# A card account comes with every credit card: a rule between the two says nothing.
ITEMS_LEFT_OUT = ["product:credit_card_account"]


@dg.multi_asset(
    name="associations",
    specs=result_specs(
        "mining", TABLES, [("features", "customer_items"), ("policy", "policy_association_rules")], {"pandas"}
    ),
    pool=WAREHOUSE_POOL,
)
def association_rules(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult]:
    """Find rules over the items of the latest complete month, within the limits of the policy."""
    with warehouse.connect() as connection:
        month_end_date = latest_complete_month(connection)
        policy = policy_in_force(connection, "policy_association_rules", month_end_date)
        items = connection.execute(
            "select customer_key, item_code from features.customer_items where month_end_date = ?"
            " and item_code not in (select unnest(?))",
            [month_end_date, ITEMS_LEFT_OUT],
        ).df()
        rules = mine_rules(
            items,
            min_support=float(policy["minimum_support_share"]),
            min_confidence=float(policy["minimum_confidence_share"]),
            min_lift=float(policy["minimum_lift"]),
            max_length=int(policy["most_items"]),
            min_improvement=float(policy["minimum_improvement_share"]),
        ).assign(month_end_date=month_end_date, policy_version=policy["policy_version"])
        context.log.info(f"{len(rules)} rules")
        shown = rules.head(RULES_SHOWN)[["antecedent", "consequent", "support_share", "confidence_share", "lift"]]
        yield from write_results(
            context,
            connection,
            "mining",
            TABLES,
            {"association_rules": rules},
            {
                "association_rules": {
                    "strongest": dg.MetadataValue.md(shown.to_markdown(index=False)),
                    "rules": picture(draw_rules(rules)),
                }
            },
        )
