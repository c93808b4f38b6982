"""A simulated bank of 20,000 customers and a year: every check, every control total, and what mining recovers."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb
import pytest
from content import content_hashes, differing
from dagster_record import checks_not_passed
from landing_files import CHANNEL_FEEDS, multiply_amounts, sidecars
from sklearn.metrics import adjusted_rand_score
from small_bank import load_days, refresh_mining

from pipeline.partitions import dates_between
from pipeline.settings import Settings
from pipeline.simulator.bank import simulate

pytestmark = pytest.mark.acceptance

CUSTOMERS, MONTHS, SEED = 20_000, 12, 1
FIRST, LAST = date(2025, 1, 1), date(2025, 12, 31)
# a month more lies in landing, from which a future is planted
MONTHS_SIMULATED = MONTHS + 1
NEXT_DATE = date(2026, 1, 1)
DAYS_LOADED_AGAIN = date(2025, 11, 29), date(2025, 12, 1)


@dataclass(frozen=True)
class Bank:
    """The loaded bank, and how long it took."""

    settings: Settings
    simulated_seconds: float
    loaded_seconds: float


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    settings = Settings(tmp_path_factory.mktemp("large") / "home")
    began = time.monotonic()
    simulate(CUSTOMERS, MONTHS_SIMULATED, SEED, settings.home, FIRST)
    simulated = time.monotonic()
    load_days(settings, FIRST, LAST)
    return Bank(settings, simulated - began, time.monotonic() - simulated)


@pytest.fixture
def warehouse(bank: Bank) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(bank.settings.warehouse, read_only=True) as connection:
        yield connection


def test_every_check_passes(bank, warehouse, record_property):
    """Guards the whole: no test of dbt and no check of the pipeline fails on a year of a bank."""
    ((rows, total),) = warehouse.execute("select count(*), sum(amount) from core.fct_transactions").fetchall()
    record_property(f"{CUSTOMERS:,} customers, {MONTHS} months: transactions", f"{rows:,}, {total:,} CNY")
    record_property("simulated in, seconds", round(bank.simulated_seconds))
    record_property("loaded, mined and published in, seconds", round(bank.loaded_seconds))
    assert checks_not_passed(bank.settings) == []


@pytest.mark.parametrize("channel", CHANNEL_FEEDS)
def test_rows_and_amounts_per_date_are_those_of_the_sidecars(bank, warehouse, channel):
    """Guards money in = money out on every date of the year; this bank drops no damaged rows."""
    found = {
        day: (rows, amount)
        for day, rows, amount in warehouse.execute(
            "select business_date, count(*), sum(amount) from core.fct_transactions"
            " where channel_code = ? group by business_date",
            [channel],
        ).fetchall()
    }
    told = {
        day: (int(sidecar["rows"]), Decimal(sidecar["amount_total"]))
        for day, sidecar in sidecars(bank.settings, CHANNEL_FEEDS[channel]).items()
        if day <= LAST
    }
    assert sorted(told) == dates_between(FIRST, LAST)
    assert {day: found.get(day, (0, Decimal(0))) for day in told} == told


def test_segments_recover_the_planted_ones(bank, warehouse, record_property):
    """Guards segmentation: from needs, behaviour, value and age alone, most of what was planted comes back."""
    rows = warehouse.execute(
        f"select truth.segment, segments.segment_code from mining.customer_segments as segments"
        " join core.dim_customer as customers on customers.customer_key = segments.customer_key and is_current"
        f" join '{bank.settings.truth}/customers.parquet' as truth on truth.customer_id = customers.customer_id"
        " where month_end_date = ? order by truth.customer_id",
        [LAST],
    ).fetchall()
    planted, found = zip(*rows, strict=True)
    index = adjusted_rand_score(planted, found)
    record_property(
        "segments: customers, planted, found, adjusted Rand index",
        f"{len(rows):,}, {len(set(planted))}, {len(set(found))}, {index:.3f}",
    )
    assert len(rows) > CUSTOMERS / 2
    assert index > 0.5


def test_rules_recover_the_planted_bundles(bank, warehouse, record_property):
    """Guards association rules: categories planted to be bought together stand in a rule with each other."""
    bundles: dict[str, set[str]] = {}
    for trait, code in duckdb.sql(
        f"select trait, merchant_category_code from '{bank.settings.truth}/category_bundles.parquet' order by all"
    ).fetchall():
        bundles.setdefault(trait, set()).add(f"mcc:{code}")
    rules = [
        {*antecedent, *consequent}
        for antecedent, consequent in warehouse.execute(
            "select antecedent_items, consequent_items from mining.association_rules"
            " where is_significant and not is_redundant"
        ).fetchall()
    ]
    found = [trait for trait, items in bundles.items() if any(len(items & rule) >= 2 for rule in rules)]
    ((told, chance, random_mean),) = warehouse.execute(
        "select found_count, chance_count, random_count_mean from mining.association_outcomes"
    ).fetchall()
    record_property("rules: bundles planted, found", f"{len(bundles)}, {len(found)}")
    record_property(
        "rules within the limits, also in random tables, mean of a random table; significant and not redundant",
        f"{told:,}, {chance:,}, {random_mean:,.1f}; {len(rules):,}",
    )
    assert len(found) == len(bundles)


def test_sequences_recover_the_planted_chains(bank, warehouse, record_property):
    """Guards sequences: each step of a planted chain follows the one before, about as many days later as planted."""
    steps = duckdb.sql(
        "select 'mcc:' || lag(merchant_category_code) over chain || ' → mcc:' || merchant_category_code as pattern,"
        f" median_gap_days from '{bank.settings.truth}/purchase_chains.parquet'"
        " window chain as (partition by chain order by step) qualify step > 0 order by all"
    ).fetchall()
    found = {
        pattern: (gap, significant)
        for pattern, gap, significant in warehouse.execute(
            "select pattern, median_gap_days, is_significant from mining.sequence_patterns"
        ).fetchall()
    }
    ((reason,),) = warehouse.execute("select reason_en from mining.sequence_outcomes").fetchall()
    record_property("sequences", reason)
    for pattern, planted_gap in steps:
        record_property(
            f"  {pattern}: planted gap, found gap and whether significant", f"{planted_gap}, {found.get(pattern)}"
        )
    significant = [pattern for pattern, _ in steps if pattern in found and found[pattern][1]]
    assert len(significant) >= len(steps) * 0.75


def test_churn_is_foretold_with_its_cause(bank, warehouse, record_property):
    """Guards the churn warning: on later months it beats recency at the contact budget, and names the planted cause."""
    ((reason,),) = warehouse.execute(
        "select reason_en from mining.model_outcomes where model_code = 'churn'"
    ).fetchall()
    record_property("churn model", reason)
    metrics = _test_metrics(warehouse, "churn", record_property)
    assert metrics["model", "auc"][1] > metrics["simple_rule", "auc"][2]
    assert metrics["model", "lift_at_budget"][0] > metrics["simple_rule", "lift_at_budget"][0]
    assert metrics["model", "lift_at_budget"][1] > metrics["random", "lift_at_budget"][2]
    # who was in the notice of a planted departure at the last month-end, and what the warning says of them
    rows = warehouse.execute(
        "select truth.cause, scores.cause_code, count(*) from mining.churn_scores as scores"
        " join core.dim_customer as customers on customers.customer_key = scores.customer_key and is_current"
        f" join '{bank.settings.truth}/attrition.parquet' as truth on truth.customer_id = customers.customer_id"
        " where scores.month_end_date = ? and probability_rank_share <= 0.1"
        " and truth.first_month between ? and ? group by all order by all",
        [LAST, MONTHS - 2, MONTHS],
    ).fetchall()
    expected = {
        "salary_moved": {"salary_gone"},
        "complaint": {"complaint"},
        "fees": {"fees"},
        "better_rate": {"balance_moved_out"},
    }
    hits = {
        cause: (
            sum(n for c, found, n in rows if c == cause and found in codes),
            sum(n for c, _, n in rows if c == cause),
        )
        for cause, codes in expected.items()
    }
    for cause, (hit, of) in hits.items():
        record_property(f"  planted cause {cause}: named first, of those warned", f"{hit}, {of}")
    assert sum(hit for hit, _ in hits.values()) > sum(of for _, of in hits.values()) / 3


def test_propensity_ranks_later_campaigns(warehouse, record_property):
    """Guards propensity: fitted on earlier campaigns, no worse than chance on later ones, and the uplift is told."""
    ((outcome, reason),) = warehouse.execute(
        "select outcome, reason_en from mining.model_outcomes where model_code = 'propensity'"
    ).fetchall()
    record_property("propensity model", f"{outcome}: {reason}")
    assert outcome == "fitted"
    metrics = _test_metrics(warehouse, "propensity", record_property)
    assert metrics["model", "auc"][0] > 0.5
    for group, uplift, lower, upper in warehouse.execute(
        "select group_code, uplift_share, lower_bound, upper_bound from mining.campaign_uplift_summary order by all"
    ).fetchall():
        record_property(f"  uplift of {group}", f"{uplift:.3f} ({lower:.3f} to {upper:.3f})")
    ((offered_twice, of_opted_out),) = warehouse.execute(
        "select count(*) - count(distinct customer_key || product_code),"
        " count(*) filter (has_marketing_opt_out is distinct from false)"
        " from mining.propensity_scores join features.customer_months using (customer_key, month_end_date)"
    ).fetchall()
    assert (offered_twice, of_opted_out) == (0, 0)


def _test_metrics(warehouse, model_code, record_property) -> dict[tuple[str, str], tuple[float, float, float]]:
    rows = warehouse.execute(
        "select ranking_code, metric_code, value, lower_bound, upper_bound from mining.model_metrics"
        " where model_code = ? and sample_code = 'test' and value is not null order by all",
        [model_code],
    ).fetchall()
    for ranking, metric, value, lower, upper in rows:
        record_property(f"  test {metric} of {ranking}", f"{value:.3f} ({lower:.3f} to {upper:.3f})")
    return {(ranking, metric): (value, lower, upper) for ranking, metric, value, lower, upper in rows}


def test_default_model_is_fitted_and_ranks_later_defaults(warehouse, record_property):
    """Guards the model: a year of a bank is enough to fit one, and on later months it beats days past due."""
    ((outcome, reason),) = warehouse.execute("select outcome, reason_en from credit.default_model_outcomes").fetchall()
    metrics = warehouse.execute(
        "select model_code, metric_code, value, lower_bound, upper_bound, event_count from credit.model_metrics"
        " where sample_code = 'test' and lower_bound is not null order by all"
    ).fetchall()
    record_property("default model", f"{outcome}: {reason}")
    for model, metric, value, lower, upper, events in metrics:
        record_property(f"  test {metric} of {model}", f"{value:.3f} ({lower:.3f} to {upper:.3f}), {events} defaults")
    assert outcome == "fitted"
    auc = {model: (lower, upper) for model, metric, _, lower, upper, _ in metrics if metric == "auc"}
    # whoever is behind today is what a bank knows without a model
    assert auc["default_logistic"][0] > auc["current_days_past_due"][1]
    ((scores, wrong),) = warehouse.execute(
        "select count(*), count(*) filter (probability_of_default not between 0 and 1) from credit.credit_scores"
    ).fetchall()
    assert scores > 0
    assert wrong == 0


def test_days_loaded_again_change_nothing(bank, record_property):
    """Guards idempotence at size: three days around a month's end, loaded, built and mined again."""
    before = content_hashes(bank.settings)
    began = time.monotonic()
    load_days(bank.settings, *DAYS_LOADED_AGAIN)
    record_property("three of its days loaded again in, seconds", round(time.monotonic() - began))
    assert differing(content_hashes(bank.settings), before) == {}


def test_planted_future_moves_no_score(bank):
    """Guards every model against the future: a later date with a thousandfold of every amount, mined again."""
    before = content_hashes(bank.settings)
    multiply_amounts(bank.settings, NEXT_DATE)
    load_days(bank.settings, NEXT_DATE)
    refresh_mining(bank.settings)
    moved = differing(content_hashes(bank.settings), before).keys()
    # else nothing was planted
    assert {"core.fct_transactions", "features.customer_months", "features.customer_events"} <= moved
    assert {table for table in moved if table.startswith(("mining.", "credit."))} == set()
