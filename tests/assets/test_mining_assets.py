"""The mining steps on a loaded warehouse: the same tables each time, and no results from half a month."""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import duckdb
import pytest
from content import content_hashes, differing
from small_bank import LAST_DATE, LoadedBank, refresh_mining

from assets.mining.associations import ITEMS_LEFT_OUT
from assets.mining.sequences import EVENTS_LEFT_OUT
from assets.results import latest_complete_month
from pipeline.definitions import build_definitions
from pipeline.errors import InputError
from pipeline.serving.builds import MINING_STEPS
from pipeline.serving.reading import query_snapshot
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.warehouse import ResultTable, load_result_tables

RESULT_TABLES: dict[str, dict[str, ResultTable]] = {
    schema: load_result_tables(PROJECT_ROOT / "assets" / schema / "tables.yaml") for schema in ("mining", "credit")
}
OUTCOMES = {
    "mining.segment_outcomes": 1,
    "mining.association_outcomes": 1,
    "mining.sequence_outcomes": 1,
    "mining.model_outcomes": 2,
    "credit.default_model_outcomes": 1,
}
MODELS = ["associations", "churn", "default", "propensity", "segments", "sequences"]
SECTIONS = ["purpose", "target", "data", "outcome", "metrics", "limits"]
# What the policy demands before anything is looked for.
LEAST_CUSTOMERS = {
    "policy.policy_segments": "segments",
    "policy.policy_association_rules": "associations",
    "policy.policy_sequences": "sequences",
}
# What the steps with such a policy write beside their outcome.
MINED = (
    "customer_segments",
    "segment_profiles",
    "segment_behaviours",
    "segment_centroids",
    "segment_criteria",
    "segment_drift",
    "segment_movements",
    "association_rules",
    "frequent_itemsets",
    "sequence_patterns",
)


@pytest.fixture
def warehouse(loaded_bank: LoadedBank) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(loaded_bank.settings.warehouse, read_only=True) as connection:
        yield connection


def test_mined_again_the_tables_are_the_same(copy_of_bank, loaded_bank):
    """Guards the seeds: segments, rules and the model are recomputed from scratch and end in the same content."""
    with duckdb.connect(copy_of_bank.warehouse) as connection:
        for (table,) in connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where schema_name in ('mining', 'credit')"
        ).fetchall():
            connection.execute(f"delete from {table}")
    refresh_mining(copy_of_bank)
    assert differing(content_hashes(copy_of_bank), loaded_bank.hashes) == {}


def test_results_are_of_the_latest_complete_month(loaded_bank):
    """Guards against comparing 26 days of one customer with 31 of another: the unfinished month is not mined."""
    with duckdb.connect(loaded_bank.settings.warehouse, read_only=True) as connection:
        months = {
            connection.execute(f"select distinct month_end_date from {table}").fetchall()[0][0]
            for table in (
                "mining.customer_segments",
                "mining.association_rules",
                "mining.sequence_patterns",
                "mining.model_outcomes",
                "credit.default_model_outcomes",
            )
        }
        ((newest,),) = connection.execute("select max(month_end_date) from features.customer_months").fetchall()
    assert {str(month)[:10] for month in months} == {"2025-01-31"}
    assert newest > LAST_DATE


def test_without_a_complete_month_there_is_nothing_to_mine():
    """Guards the message of a first week: what is missing, and what to do."""
    with duckdb.connect() as connection:
        connection.execute(
            "create schema features; create schema intermediate;"
            "create table features.customer_months as"
            " select unnest([date '2024-12-31', date '2025-01-31']) as month_end_date;"
            "create table intermediate.int_months as"
            " select month_end_date, false as is_complete from features.customer_months"
        )
        with pytest.raises(InputError, match="load the rest of the month first"):
            latest_complete_month(connection)
        connection.execute("update intermediate.int_months set is_complete = true where month_end_date = '2024-12-31'")
        assert latest_complete_month(connection) == date(2024, 12, 31)


def test_every_result_table_is_there_and_described(warehouse):
    """Guards a reader with nothing but the file: each table and column of the definitions, typed, with its meaning."""
    described = {
        f"{schema}.{name}": {column: (kind.lower(), meaning) for column, (kind, meaning) in table.columns.items()}
        for schema, tables in RESULT_TABLES.items()
        for name, table in tables.items()
    }
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for table, column, kind, comment in warehouse.execute(
        "select schema_name || '.' || table_name, column_name, lower(data_type), comment from duckdb_columns()"
        " where schema_name in ('mining', 'credit')"
    ).fetchall():
        found.setdefault(table, {})[column] = (kind, comment)
    assert found == described
    without = warehouse.execute(
        "select table_name from duckdb_tables() where schema_name in ('mining', 'credit') and comment is null"
    ).fetchall()
    assert without == []


def test_every_step_says_what_came_of_it(warehouse):
    """Guards silence: one outcome per model, with a reason in both languages, whether or not there is a result."""
    for table, models in OUTCOMES.items():
        rows = warehouse.execute(f"select outcome, reason_en, reason_zh from {table}").fetchall()
        assert len(rows) == models, table
        for outcome, reason_en, reason_zh in rows:
            assert outcome in {"segmented", "no_structure", "found", "nothing_found", "insufficient_data"}
            assert any(character.isdigit() for character in reason_en), f"{table} gives no figure: {reason_en}"
            assert is_chinese(reason_zh), table


def test_every_model_has_its_card(warehouse):
    """Guards whoever acts on a model: six cards of six sections in both languages, with the outcome of the run."""
    cards = warehouse.execute(
        "select model_code, section_code, position, text_en, text_zh from mining.model_cards"
        " order by model_code, position"
    ).fetchall()
    assert [card[:3] for card in cards] == [
        (model, section, position) for model in MODELS for position, section in enumerate(SECTIONS, start=1)
    ]
    assert [card[:2] for card in cards if not card[3] or is_chinese(card[3]) or not is_chinese(card[4])] == []
    told = {model: text for model, section, _, text, _ in cards if section == "outcome"}
    reasons = warehouse.execute(
        "select 'segments', reason_en from mining.segment_outcomes"
        " union all select 'associations', reason_en from mining.association_outcomes"
        " union all select 'sequences', reason_en from mining.sequence_outcomes"
        " union all select model_code, reason_en from mining.model_outcomes"
        " union all select 'default', reason_en from credit.default_model_outcomes"
    ).fetchall()
    assert told == dict(reasons)
    ((stability,),) = warehouse.execute("select stability from mining.segment_criteria where is_chosen").fetchall()
    ((figures,),) = warehouse.execute(
        "select text_en from mining.model_cards where model_code = 'segments' and section_code = 'metrics'"
    ).fetchall()
    assert f"{stability:.3f}" in figures


def test_the_table_of_centres_alone_assigns_customers(warehouse):
    """Guards assignment in SQL by anybody: bent, clipped, scaled, weighted, nearest, by the table's columns alone."""
    derivations = warehouse.execute("select distinct behaviour, derivation from mining.segment_centroids").fetchall()
    values = " union all ".join(
        f"select customer_key, '{behaviour}' as behaviour, ({derivation})::double as value from persons"
        for behaviour, derivation in derivations
    )
    found = warehouse.execute(
        f"""
        with persons as (
            select * from features.customer_months
            where month_end_date = '2025-01-31' and customer_type = 'person' and transactions_3m_count > 0
        ),
        behaviours as ({values}),
        bent as (
            select *, case
                when measure in ('amount', 'count') then sign(value) * ln(1 + abs(value) / unit)
                when measure = 'composition' then sqrt(value)
                else value
            end as bent_value
            from behaviours inner join mining.segment_centroids using (behaviour)
        ),
        distances as (
            select customer_key, segment_code, sqrt(sum(power(scaled_centre - case
                when bent_value is null then 0
                else (least(greatest(bent_value, lower), upper) - centre) / scale * weight
            end, 2))) as distance
            from bent group by all
        )
        select customer_key, arg_min(segment_code, distance), min(distance) from distances group by all order by all
        """
    ).fetchall()
    held = warehouse.execute(
        "select customer_key, segment_code, centre_distance from mining.customer_segments order by all"
    ).fetchall()
    assert len(held) > 400
    assert [row[:2] for row in found] == [row[:2] for row in held]
    assert [row[2] for row in found] == pytest.approx([row[2] for row in held], abs=1e-6)


def test_significant_is_what_the_policy_says(warehouse):
    """Guards the flag that a reader filters by, and the outcome against calling found what is only frequent."""
    for table, policy, outcomes in (
        ("association_rules", "policy_association_rules", "association_outcomes"),
        ("sequence_patterns", "policy_sequences", "sequence_outcomes"),
    ):
        ((rows, significant, chance, wrong),) = warehouse.execute(
            "select count(*), count(*) filter (is_significant), count(*) filter (is_chance),"
            " count(*) filter (is_significant <> (not is_chance and lift >= minimum_lift"
            " and false_discovery_rate <= highest_false_discovery_rate))"
            f" from mining.{table}, policy.{policy}"
        ).fetchall()
        assert wrong == 0, table
        assert 0 < chance < rows, f"{table}: nothing here tells the flag from a constant"
        told = warehouse.execute(
            f"select outcome, found_count, significant_count, chance_count from mining.{outcomes}"
        ).fetchall()
        assert told == [("found" if significant else "nothing_found", rows, significant, chance)], table


def test_rules_and_patterns_are_of_persons(warehouse):
    """Guards against rules of what companies alone have: companies with items are there and are not counted."""
    for table, codes, left_out, outcomes in (
        ("customer_items", "item_code", ITEMS_LEFT_OUT, "association_outcomes"),
        ("customer_events", "event_code", EVENTS_LEFT_OUT, "sequence_outcomes"),
    ):
        counts = dict(
            warehouse.execute(
                "with types as (select distinct customer_key, customer_type from features.customer_months)"
                " select customer_type, count(distinct customer_key)"
                f" from features.{table} join types using (customer_key)"
                f" where month_end_date = '2025-01-31' and {codes} not in (select unnest(?)) group by all",
                [left_out],
            ).fetchall()
        )
        ((mined,),) = warehouse.execute(f"select customer_count from mining.{outcomes}").fetchall()
        assert counts["company"] > 0, table
        assert mined == counts["person"], table


def test_too_few_customers_give_no_result_and_a_reason(copy_of_bank: Settings):
    """Guards a young bank: the run succeeds, no earlier result stays beside the new outcome, readers know why."""
    with duckdb.connect(copy_of_bank.warehouse) as connection:
        for policy in LEAST_CUSTOMERS:
            connection.execute(f"update {policy} set least_customers = 100000")

    refresh_mining(copy_of_bank)

    with duckdb.connect(copy_of_bank.warehouse, read_only=True) as connection:
        counts = {table: connection.execute(f"select count(*) from mining.{table}").fetchone()[0] for table in MINED}
    assert counts == dict.fromkeys(MINED, 0)
    told = query_snapshot(
        copy_of_bank,
        "analysts",
        "select model_code, text_en from mining.model_cards where section_code = 'outcome' order by model_code",
    )
    reasons = dict(told.itertuples(index=False))
    for model in LEAST_CUSTOMERS.values():
        assert "the policy demands at least 100,000" in reasons[model]


def test_the_snapshot_comes_after_every_step(loaded_bank):
    """Guards readers against last month's scores beside this month's segments: whatever mining writes comes first."""
    graph = build_definitions(loaded_bank.settings).resolve_asset_graph()
    before, waiting = set(), [dg.AssetKey(["ops", "publications"])]
    while waiting:
        parents = graph.get(waiting.pop()).parent_keys - before
        before |= parents
        waiting += parents
    steps = {graph.get(key).assets_def.op.name for key in before if key.path[0] in RESULT_TABLES}
    assert steps == set(MINING_STEPS)


def is_chinese(text: str) -> bool:
    """Tell whether a text has a Chinese character."""
    return any("\u4e00" <= character <= "\u9fff" for character in text)
