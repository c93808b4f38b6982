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
from landing_files import CHANNEL_FEEDS, sidecars
from sklearn.metrics import adjusted_rand_score
from small_bank import load_all, load_days

from pipeline.partitions import dates_between
from pipeline.settings import Settings
from pipeline.simulator.bank import simulate

pytestmark = pytest.mark.acceptance

CUSTOMERS, MONTHS, SEED = 20_000, 12, 1
FIRST, LAST = date(2025, 1, 1), date(2025, 12, 31)
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
    simulate(CUSTOMERS, MONTHS, SEED, settings.home, FIRST)
    simulated = time.monotonic()
    load_all(settings)
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
    }
    assert sorted(told) == dates_between(FIRST, LAST)
    assert {day: found.get(day, (0, Decimal(0))) for day in told} == told


def test_segments_recover_the_planted_ones(bank, warehouse, record_property):
    """Guards segmentation: far from chance, on behaviour alone; planted segments overlap in it, so far from 1 too."""
    rows = warehouse.execute(
        f"select truth.segment, segments.segment_code from mining.customer_segments as segments"
        " join core.dim_customer as customers on customers.customer_key = segments.customer_key and is_current"
        f" join '{bank.settings.truth}/customers.parquet' as truth on truth.customer_id = customers.customer_id"
        " order by truth.customer_id"
    ).fetchall()
    planted, found = zip(*rows, strict=True)
    index = adjusted_rand_score(planted, found)
    record_property(
        "segments: customers, planted, found, adjusted Rand index",
        f"{len(rows):,}, {len(set(planted))}, {len(set(found))}, {index:.3f}",
    )
    assert len(rows) > CUSTOMERS / 2
    assert index > 0.2


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
        ).fetchall()
    ]
    found = [trait for trait, items in bundles.items() if any(len(items & rule) >= 2 for rule in rules)]
    spurious = sum(not any(len(items & rule) >= 2 for items in bundles.values()) for rule in rules)
    record_property(
        "rules: bundles planted, found; rules, rules about no bundle",
        f"{len(bundles)}, {len(found)}; {len(rules)}, {spurious}",
    )
    assert len(found) == len(bundles)


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
