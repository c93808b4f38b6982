"""The models of churn and response through their asset: fitted on a year of months, withdrawn when a feature leaks.

A small bank of one complete month has nothing to fit, and simulating a year would take minutes. So January stands for
each of the eleven months before it, with labels drawn by a hash: more are lost, and more respond, where there was
little to do with the bank. What the simulated bank does in a year is for the acceptance tests.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from small_bank import LoadedBank, copy_home, run_mining_steps

from pipeline.settings import Settings

SCORED_MONTH = "2025-01-31"
LEAKING = "own_transactions_3m_count"

# A draw between 0 and 99 for customer and month, the same on every machine.
DRAW = "('0x' || left(md5(customer_key || '{what}' || months_back), 4))::int % 100"
YEAR = f"""
    create temp table back as select unnest(range(1, 12)) as months_back;

    create temp table active as
    select attrition.*, own_transactions_1m_count <= 5 as is_quiet
    from features.customer_attrition as attrition
    inner join features.customer_months using (customer_key, month_end_date)
    where month_end_date = '{SCORED_MONTH}';

    update features.customer_months set history_months = 12 where month_end_date = '{SCORED_MONTH}';

    insert into features.customer_months by name
    select
        january.* replace (
            last_day(month_end_date - to_months(months_back)) as month_end_date,
            last_day(as_of_date - to_months(months_back)) as as_of_date,
            12 - months_back as history_months
        )
    from features.customer_months as january, back
    where month_end_date = '{SCORED_MONTH}';

    insert into features.customer_attrition by name
    select
        customer_key,
        last_day(month_end_date - to_months(months_back)) as month_end_date,
        last_day(as_of_date - to_months(months_back)) as as_of_date,
        horizon_months,
        last_day(as_of_date - to_months(months_back - horizon_months)) as observed_until_date,
        months_back >= horizon_months as is_fully_observed,
        case
            when months_back >= horizon_months
                then {DRAW.format(what="lost")} < case when is_quiet then 40 else 5 end
        end as is_attrited,
        policy_version
    from active, back;

    delete from features.campaign_offers;

    insert into features.campaign_offers by name
    select
        customer_key,
        'C' || months_back as campaign_id,
        'insurance' as product_code,
        'call' as channel_code,
        feature_month_end_date + 1 as start_date,
        feature_month_end_date + 11 as end_date,
        feature_month_end_date,
        is_control,
        case when not is_control then feature_month_end_date + 5 end as contacted_date,
        feature_month_end_date + 25 as response_until_date,
        feature_month_end_date + 31 as observed_until_date,
        true as is_fully_observed,
        {DRAW.format(what="taken")} < case when is_control then 5 when is_quiet then 15 else 40 end as is_response,
        policy_version
    from (
        select
            active.*,
            months_back,
            last_day(month_end_date - to_months(months_back)) as feature_month_end_date,
            {DRAW.format(what="control")} < 20 as is_control
        from active, back
    );
"""
# Counted from the month-end onwards instead of up to it: who is lost does nothing afterwards.
LEAK = f"""
    update features.customer_months set {LEAKING} = 0
    from features.customer_attrition as attrition
    where attrition.customer_key = customer_months.customer_key
        and attrition.month_end_date = customer_months.month_end_date
        and attrition.is_attrited
"""


@dataclass(frozen=True)
class Fitted:
    """The build file after the two steps, and a way to ask it."""

    warehouse: Path

    def ask(self, query: str) -> pd.DataFrame:
        with duckdb.connect(self.warehouse, read_only=True) as connection:
            return connection.execute(query).df()


@pytest.fixture(scope="module")
def home(loaded_bank: LoadedBank, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(copy_home(loaded_bank.settings.home, tmp_path_factory.mktemp("year") / "home"))


@pytest.fixture(scope="module")
def honest(home: Settings) -> Fitted:
    return _fitted_after(home, YEAR, "honest.duckdb")


@pytest.fixture(scope="module")
def leaking(home: Settings, honest: Fitted) -> Fitted:
    """After a second fit of the same bank, in which one feature has seen the outcome."""
    return _fitted_after(home, LEAK, "leaking.duckdb")


def _fitted_after(home: Settings, change: str, kept_as: str) -> Fitted:
    with duckdb.connect(home.warehouse) as connection:
        connection.execute(change)
    assert run_mining_steps(home, "customer_models", "model_cards") == []
    return Fitted(Path(shutil.copyfile(home.warehouse, home.home / kept_as)))


def test_both_models_are_fitted_and_rank_later_months(honest):
    """Guards the way from features to scores: outcome, version, split by time, and better than chance for certain."""
    outcomes = honest.ask("select model_code, outcome, model_version from mining.model_outcomes order by all")
    assert outcomes["outcome"].tolist() == ["fitted", "fitted"]
    for model, version in outcomes[["model_code", "model_version"]].itertuples(index=False):
        samples = honest.ask(
            "select sample_code, min(month_end_date) as first_, max(month_end_date) as last_,"
            f" sum(event_count) as events from mining.model_samples where model_code = '{model}' group by all"
        ).set_index("sample_code")
        assert samples.loc["train", "last_"] < samples.loc["test", "first_"]
        assert samples.loc[["train", "test"], "events"].min() >= 50
        metrics = honest.ask(
            "select ranking_code, value, lower_bound, upper_bound from mining.model_metrics"
            f" where model_code = '{model}' and model_version = '{version}'"
            " and sample_code = 'test' and metric_code = 'auc'"
        ).set_index("ranking_code")
        assert set(metrics.index) == {"model", "simple_rule", "random"}
        assert metrics.loc["model", "lower_bound"] > metrics.loc["random", "upper_bound"]
        assert metrics.loc["random", "lower_bound"] < 0.5 < metrics.loc["random", "upper_bound"]


def test_each_score_is_what_the_coefficients_give(honest):
    """Guards decision 9, a model is a table: log odds summed in SQL from mining.model_coefficients end in the score."""
    features = honest.ask(
        "select distinct feature from mining.model_coefficients where model_code = 'churn' and feature <> 'intercept'"
    )["feature"]
    scored = honest.ask(
        f"""
        with persons as (
            select customer_key, {", ".join(f"{feature}::double as {feature}" for feature in features)}
            from features.customer_months
            where month_end_date = '{SCORED_MONTH}'
        ),
        values as (
            select * from persons unpivot include nulls (value for feature in ({", ".join(features)}))
        ),
        parts as (
            select customer_key, case
                when value is null then missing_coefficient
                else (least(greatest(
                    if(transform = 'signed_log', sign(value) * ln(1 + abs(value)), value), lower
                ), upper) - centre) / scale * coefficient
            end as part
            from values inner join mining.model_coefficients using (feature)
            where model_code = 'churn'
        ),
        log_odds as (
            select customer_key, sum(part) + (
                select coefficient from mining.model_coefficients
                where model_code = 'churn' and feature = 'intercept'
            ) as log_odds
            from parts group by customer_key
        )
        select probability, 1 / (1 + exp(-log_odds)) as by_hand
        from mining.churn_scores inner join log_odds using (customer_key)
        where month_end_date = '{SCORED_MONTH}'
        """
    )
    assert len(scored) > 400
    assert scored["by_hand"].tolist() == pytest.approx(scored["probability"].tolist(), abs=1e-6)


def test_every_person_scored_has_a_cause_in_two_languages(honest):
    """Guards the call to a customer: who is likeliest to leave comes with reasons, and the score names the first."""
    scored = honest.ask(
        "select customer_key, cause_en, cause_zh, reason_en, reason_zh from mining.churn_scores"
        f" where month_end_date = '{SCORED_MONTH}' and probability_rank_share <= 0.1"
    )
    assert len(scored) > 20
    assert scored.map(lambda text: bool(text)).all(axis=None)
    first = honest.ask("select customer_key, reason_rank, contribution from mining.churn_reasons order by all")
    assert set(scored["customer_key"]) <= set(first["customer_key"])
    assert not first.duplicated(["customer_key", "reason_rank"]).any()
    assert first["reason_rank"].between(1, 3).all()


def test_whom_a_product_is_offered_does_not_hold_it_and_did_not_opt_out(honest):
    """Guards the list of candidates: persons who may be asked, and the product of the campaigns."""
    wrong, scored = honest.ask(
        "select count(*) filter (customer_type <> 'person' or has_marketing_opt_out or has_marketing_opt_out is null"
        f" or status_code = 'closed'), count(*) from mining.propensity_scores left join (from features.customer_months"
        f" where month_end_date = '{SCORED_MONTH}') using (customer_key)"
    ).iloc[0]
    assert wrong == 0
    assert scored > 200
    assert honest.ask("select distinct product_code from mining.propensity_scores").values.tolist() == [["insurance"]]


def test_contacts_are_compared_with_the_random_control(honest):
    """Guards uplift: the effect that was planted lies in the interval, and the tenths add up to all who were chosen."""
    everybody = honest.ask("select * from mining.campaign_uplift_summary").set_index("group_code").loc["all"]
    (planted,) = honest.ask(
        "select avg(is_response::int) filter (not is_control) - avg(is_response::int) filter (is_control)"
        " from features.campaign_offers"
    ).iloc[0]
    assert everybody["lower_bound"] < planted < everybody["upper_bound"]
    assert everybody["lower_bound"] > 0.1
    tenths = honest.ask("select * from mining.campaign_uplift order by score_tenth")
    assert tenths["score_tenth"].tolist() == list(range(1, 11))
    assert tenths["contacted_count"].sum() == everybody["contacted_count"]
    assert tenths["control_count"].sum() == everybody["control_count"]


def test_card_tells_the_figures_of_the_fit(honest):
    """Guards the card against figures of another model or run: the AUC with its interval, the months, the events."""
    metric = honest.ask(
        "select value, lower_bound, upper_bound from mining.model_metrics where model_code = 'churn'"
        " and ranking_code = 'model' and sample_code = 'test' and metric_code = 'auc'"
    ).iloc[0]
    card = _card(honest, "churn")
    told = f"area under the ROC curve: {metric['value']:.3f} (95 % {metric['lower_bound']:.3f} – "
    assert told + f"{metric['upper_bound']:.3f})" in card["metrics"]
    # from the first month with three months of history to the last whose horizon is over
    assert card["data"].startswith("2024-04-30 – 2024-10-31: ")


def test_a_feature_that_has_seen_the_outcome_withdraws_the_scores(leaking):
    """Guards the leakage gate where it counts: the outcome names the feature, and last month's scores are gone."""
    outcomes = leaking.ask("from mining.model_outcomes").set_index("model_code")
    assert outcomes.loc["churn", "outcome"] == "leakage_suspected"
    assert LEAKING in outcomes.loc["churn", "reason_en"]
    assert LEAKING in outcomes.loc["churn", "reason_zh"]
    assert outcomes["model_version"].isna().loc["churn"]
    for table in ("churn_scores", "churn_reasons"):
        assert leaking.ask(f"select count(*) as n from mining.{table}")["n"].item() == 0, table
    for table in ("model_coefficients", "model_metrics", "model_lift", "model_calibration"):
        assert leaking.ask(f"select count(*) as n from mining.{table} where model_code = 'churn'")["n"].item() == 0
    suspected = leaking.ask("select feature, auc from mining.model_leakage where model_code = 'churn' and is_suspected")
    assert suspected["feature"].tolist() == [LEAKING]
    assert suspected["auc"].item() > 0.95


def test_the_card_says_why_there_are_no_scores(leaking):
    """Guards whoever looks for the list of this month: the card tells it was withdrawn, and why."""
    card = _card(leaking, "churn")
    assert LEAKING in card["outcome"]
    assert card["metrics"] == "none"


def _card(fitted: Fitted, model: str) -> pd.Series:
    cards = fitted.ask(f"select section_code, text_en from mining.model_cards where model_code = '{model}'")
    return cards.set_index("section_code")["text_en"]
