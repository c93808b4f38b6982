"""Propensity: planted responders are found in later campaigns, and the uplift is what the contact brought.

Tempting clean-ups that these tests guard against: learning from the control group's answers, taking a likely response
for one that the contact caused, and offering to those who opted out or hold the product.
"""

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.mining.propensity import (
    PROPENSITY_FEATURES,
    PropensityModel,
    eligible_candidates,
    fit_propensity_model,
)
from pipeline.scoring.leakage import moved_scores, plant_future
from pipeline.scoring.uplift import uplift_within_strata

COLUMNS = [feature.column for feature in PROPENSITY_FEATURES]
STARTS = pd.to_datetime(["2025-02-05", "2025-04-05", "2025-06-05", "2025-08-05", "2025-10-05"])
PRODUCTS = np.array(["savings_account", "credit_card", "savings_account", "credit_card", "savings_account"])
AS_OF = date(2025, 12, 31)


def _offers(customers: int = 1_200, seed: int = 0) -> pd.DataFrame:
    """Five campaigns, a quarter control: contact adds 30 points for those who buy often, and nothing for others."""
    random = np.random.default_rng(seed)
    campaign = np.repeat(np.arange(len(STARTS)), customers)
    size = len(campaign)
    offers = pd.DataFrame(
        {
            "customer_key": np.tile([f"c{number:05d}" for number in range(customers)], len(STARTS)),
            "campaign_id": [f"CP{number}" for number in campaign],
            "product_code": PRODUCTS[campaign],
            "start_date": STARTS[campaign],
            "feature_month_end_date": (STARTS - pd.offsets.MonthEnd(1))[campaign],
            "response_until_date": (STARTS + pd.Timedelta(days=34))[campaign],
            "is_control": random.random(size) < 0.25,
            "history_months": 6,
            **{column: random.gamma(2, 1, size).round(3) for column in COLUMNS},
        }
    )
    offers["contacted_date"] = offers["start_date"].where(~offers["is_control"])
    buys_often = random.random(size) < 0.3
    offers["purchases_3m_count"] = np.where(buys_often, random.integers(20, 60, size), random.integers(0, 10, size))
    chance = 0.03 + 0.3 * (buys_often & ~offers["is_control"])
    offers["is_response"] = pd.array(random.random(size) < chance, dtype="boolean")
    return offers


def _candidates(customers: int = 200, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "customer_key": [f"n{number:05d}" for number in range(customers)],
            "month_end_date": pd.Timestamp("2025-12-31"),
            "customer_type": "person",
            "status_code": "active",
            "has_marketing_opt_out": False,
            **{column: random.gamma(2, 1, customers).round(3) for column in COLUMNS},
        }
    )
    return frame.assign(purchases_3m_count=random.integers(0, 60, customers))


def _eligible(customers: pd.DataFrame) -> pd.DataFrame:
    nothing_held = pd.DataFrame(columns=["customer_key", "product_code"])
    return eligible_candidates(customers, nothing_held, ["savings_account", "credit_card"])


def _fitted(offers: pd.DataFrame, as_of: date = AS_OF, bootstraps: int = 40, tested: int = 2) -> PropensityModel:
    return fit_propensity_model(offers, _eligible(_candidates()), 1, as_of, 10, tested, 0.2, 0.95, bootstraps)


@pytest.fixture(scope="module")
def offers() -> pd.DataFrame:
    return _offers()


@pytest.fixture(scope="module")
def model(offers: pd.DataFrame) -> PropensityModel:
    return _fitted(offers)


def test_learns_from_contacted_of_earlier_campaigns(offers: pd.DataFrame, model: PropensityModel) -> None:
    """Two latest campaigns are tested, three earlier ones learnt from; the control group is in neither."""
    samples = model.event_model.samples.set_index("month_end_date")
    assert samples["sample_code"].tolist() == ["train"] * 3 + ["test"] * 2
    contacted = offers[~offers["is_control"]].groupby("feature_month_end_date").size()
    assert samples["row_count"].tolist() == contacted.tolist()


def test_planted_responders_are_found(model: PropensityModel) -> None:
    """In later campaigns the model lifts far more than recency, which was planted to say nothing."""
    metrics = model.event_model.metrics.set_index(["ranking_code", "sample_code", "metric_code"])
    lift, simple = (metrics.loc[(code, "test", "lift_at_budget")] for code in ("model", "simple_rule"))
    assert lift["lower_bound"] > 2
    assert lift["lower_bound"] > simple["upper_bound"]
    assert simple["lower_bound"] < 1 < simple["upper_bound"]
    top = model.scores[model.scores["probability_rank_share"] <= 0.2]
    assert (top["theme_code"] == "spending").all()
    assert (top["reason_en"] == "buys often").all()


def test_uplift_is_counted_by_hand(offers: pd.DataFrame, model: PropensityModel) -> None:
    """All tenths together are all who were chosen for the tested campaigns; both campaigns weigh by their pairs."""
    tested = offers[offers["campaign_id"].isin(["CP3", "CP4"])]
    total = model.uplift_summary.set_index("group_code").loc["all"]
    assert total["contacted_count"] == (~tested["is_control"]).sum()
    assert total["control_count"] == tested["is_control"].sum()
    assert model.uplift["contacted_count"].sum() == total["contacted_count"]
    differences, weights = [], []
    for _, campaign in tested.groupby("campaign_id"):
        contacted, control = campaign[~campaign["is_control"]], campaign[campaign["is_control"]]
        differences.append(contacted["is_response"].mean() - control["is_response"].mean())
        weights.append(len(contacted) * len(control) / len(campaign))
    assert total["uplift_share"] == pytest.approx(np.average(differences, weights=weights))
    assert total["contacted_response_share"] - total["control_response_share"] == pytest.approx(total["uplift_share"])
    answered = tested.assign(group="all", is_event=tested["is_response"].astype(bool))
    expected = uplift_within_strata(answered, "group", "campaign_id").loc["all"]
    bounds = ["lower_bound", "upper_bound"]
    assert total[bounds].tolist() == pytest.approx(expected[bounds].tolist())


def test_campaigns_of_different_base_rates_have_no_uplift_of_their_own() -> None:
    """Nobody is moved; the last two campaigns differ in base rate and control share, and the uplift is none.

    Pooled over both, it would be some 8 points, and certain.
    """
    offers = _offers(2_000, seed=4)
    random = np.random.default_rng(6)
    is_fourth, is_fifth = (offers["campaign_id"].eq(code).to_numpy() for code in ("CP3", "CP4"))
    control_share = np.select([is_fourth, is_fifth], [0.5, 0.1], 0.25)
    is_control = random.random(len(offers)) < control_share
    changed = offers.assign(
        is_control=is_control,
        contacted_date=offers["start_date"].where(~is_control),
        is_response=random.random(len(offers)) < np.select([is_fourth, is_fifth], [0.02, 0.2], 0.1),
    )
    tested = changed[is_fourth | is_fifth].groupby("is_control")["is_response"].mean()
    assert tested[False] - tested[True] > 0.07
    total = _fitted(changed, bootstraps=2).uplift_summary.set_index("group_code").loc["all"]
    assert total["lower_bound"] < 0 < total["upper_bound"]
    assert abs(total["uplift_share"]) < 0.02


def test_uplift_is_of_assignment(offers: pd.DataFrame, model: PropensityModel) -> None:
    """Who could not be reached is compared as to be contacted, though nothing is learnt from them."""
    is_tested = offers["campaign_id"].isin(["CP3", "CP4"])
    is_unreached = is_tested & ~offers["is_control"] & (np.random.default_rng(8).random(len(offers)) < 0.3)
    reached = _fitted(offers.assign(contacted_date=offers["contacted_date"].mask(is_unreached)), bootstraps=2)
    counts = [one.uplift_summary.set_index("group_code").loc["all"] for one in (reached, model)]
    assert counts[0]["contacted_count"] == counts[1]["contacted_count"]
    assert counts[0]["uplift_share"] == counts[1]["uplift_share"]
    assert len(reached.event_model.test_predictions) == len(model.event_model.test_predictions) - is_unreached.sum()


def test_offers_without_features_are_counted(offers: pd.DataFrame, model: PropensityModel) -> None:
    """A campaign before the first month-end cannot be learnt from: left out as if it were not there, and told."""
    first = offers[offers["campaign_id"] == "CP0"].assign(
        campaign_id="CP-1", start_date=pd.Timestamp("2025-01-05"), product_code="fund"
    )
    unknown = first.assign(history_months=np.nan, **dict.fromkeys(COLUMNS, np.nan))
    found = _fitted(pd.concat([unknown, offers], ignore_index=True))
    assert "; 1,200 offers left out" in found.event_model.reason_en
    assert "1,200 条" in found.event_model.reason_zh
    assert "left out" not in model.event_model.reason_en
    pd.testing.assert_frame_equal(found.scores, model.scores, check_exact=True)
    pd.testing.assert_frame_equal(found.uplift, model.uplift, check_exact=True)


def test_products_that_no_training_campaign_offered_are_not_scored(offers: pd.DataFrame) -> None:
    """The tested campaigns offer a fund for the first time: nobody gets a score for it, and the reason says so."""
    is_tested = offers["campaign_id"].isin(["CP3", "CP4"])
    nothing_held = pd.DataFrame(columns=["customer_key", "product_code"])
    candidates = eligible_candidates(_candidates(), nothing_held, ["savings_account", "credit_card", "fund"])
    given = offers.assign(product_code=offers["product_code"].mask(is_tested, "fund"))
    found = fit_propensity_model(given, candidates, 1, AS_OF, 10, 2, 0.2, 0.95, 2)
    assert set(found.scores["product_code"]) == set(found.reasons["product_code"]) == {"savings_account", "credit_card"}
    assert found.event_model.reason_en.endswith("because no campaign of the training offered it: fund")
    assert found.event_model.reason_zh.endswith("不评分：fund")


def test_planted_uplift_is_where_the_score_is_high(model: PropensityModel) -> None:
    """30 points in the highest tenths, none in the lowest; the intervals hold what was planted."""
    uplift = model.uplift.set_index("score_tenth")
    assert uplift.index.tolist() == list(range(1, 11))
    for tenth, planted in ((1, 0.3), (2, 0.3), (9, 0.0), (10, 0.0)):
        assert uplift.loc[tenth, "lower_bound"] < planted < uplift.loc[tenth, "upper_bound"]
    assert uplift.loc[1, "lower_bound"] > uplift.loc[10, "uplift_share"]
    budget = model.uplift_summary.set_index("group_code").loc["budget"]
    assert budget["contacted_count"] == uplift.loc[[1, 2], "contacted_count"].sum()


def test_response_without_uplift_is_told_apart() -> None:
    """Those who buy often respond anyway, contacted or not: the score is high, and the uplift is none."""
    offers = _offers(seed=2)
    random = np.random.default_rng(5)
    chance = np.where(offers["purchases_3m_count"] >= 20, 0.33, 0.03)
    anyway = _fitted(offers.assign(is_response=random.random(len(offers)) < chance), bootstraps=2)
    top = anyway.uplift.set_index("score_tenth").loc[1]
    assert top["contacted_response_share"] > 0.2
    assert top["lower_bound"] < 0 < top["upper_bound"]


def test_candidates_are_scored_per_product(model: PropensityModel) -> None:
    """One row per candidate and product, ranked within the product; those who buy often come first."""
    assert len(model.scores) == 400
    assert model.scores.groupby("product_code").size().to_dict() == {"credit_card": 200, "savings_account": 200}
    candidates = _eligible(_candidates())
    both = model.scores.merge(candidates, on=["customer_key", "product_code"])
    top = both[both["probability_rank_share"] <= 0.1]
    assert (top["purchases_3m_count"] >= 20).all()
    assert not model.scores.isna().any().any()
    assert set(model.reasons["reason_rank"]) == {1, 2, 3}
    # that an offer is popular with all is no reason of a customer's
    assert not model.reasons["feature"].str.startswith("is_offer").any()


def test_who_may_be_offered_what() -> None:
    """Not to companies, closed relations, those who opted out or may have, nor what is held."""
    customers = _candidates(6).assign(
        customer_type=["person", "company", "person", "person", "person", "person"],
        status_code=["active", "active", "closed", "active", "active", "active"],
        has_marketing_opt_out=pd.array([False, False, False, True, None, False], dtype="boolean"),
    )
    holdings = pd.DataFrame({"customer_key": ["n00000", "n00003"], "product_code": ["credit_card", "credit_card"]})
    found = eligible_candidates(customers, holdings, ["savings_account", "credit_card", "credit_card"])
    assert found[["customer_key", "product_code"]].values.tolist() == [
        ["n00000", "savings_account"],
        ["n00005", "credit_card"],
        ["n00005", "savings_account"],
    ]


@settings(max_examples=5, deadline=None)
@given(st.sampled_from(["2025-09-15", "2025-10-04", "2025-11-30"]), st.integers(0, 1_000))
def test_no_future_moves_a_score(day: str, seed: int) -> None:
    """The canary: later campaigns altered, later answers turned, campaigns planted: the same scores up to the date."""
    offers = _offers(300, seed % 2)
    as_of = date.fromisoformat(day)
    rows = offers.assign(
        month_end_date=offers["feature_month_end_date"],
        period_start_date=offers["start_date"],
        outcome_end_date=offers["response_until_date"],
        is_event=offers["is_response"],
    )
    altered = plant_future(rows, as_of, COLUMNS, seed)
    is_new = np.arange(len(altered)) >= len(offers)
    altered["campaign_id"] = altered["campaign_id"].mask(is_new, "planted")
    planted = altered.assign(
        feature_month_end_date=altered["month_end_date"],
        start_date=altered["period_start_date"],
        response_until_date=altered["outcome_end_date"],
        is_response=altered["is_event"],
    )
    before, after = (_fitted(given_rows, as_of, 2, 1) for given_rows in (offers, planted))
    assert before.event_model.outcome == "fitted"
    key = ["customer_key", "month_end_date", "campaign_id"]
    assert moved_scores(before.event_model.scores, after.event_model.scores, key, "probability", as_of).empty
    pd.testing.assert_frame_equal(before.uplift, after.uplift, check_exact=True)


def test_a_feature_computed_after_the_answer_is_found(offers: pd.DataFrame) -> None:
    """The number of products counted after the campaign, in place of before: found and named, nothing published."""
    leaky = offers.assign(products_held_count=1 + offers["is_response"].astype("int64"))
    found = _fitted(leaky, bootstraps=2)
    assert found.event_model.outcome == "leakage_suspected"
    assert "products_held_count" in found.event_model.reason_en
    assert found.scores.empty


def test_same_columns_without_a_model(offers: pd.DataFrame, model: PropensityModel) -> None:
    """No campaign yet is no error, and leaves tables with the columns of a fitted model."""
    empty = _fitted(offers.iloc[:0])
    assert empty.event_model.outcome == "insufficient_data"
    for name in ("scores", "reasons", "uplift", "uplift_summary"):
        assert getattr(empty, name).empty
        assert getattr(empty, name).dtypes.to_dict() == getattr(model, name).dtypes.to_dict()


def test_same_result_in_any_order_of_rows(offers: pd.DataFrame, model: PropensityModel) -> None:
    """A rerun gives the same tables bit by bit, however offers and candidates come."""
    candidates = _eligible(_candidates()).sample(frac=1, random_state=1)
    again = fit_propensity_model(offers.sample(frac=1, random_state=2), candidates, 1, AS_OF, 10, 2, 0.2, 0.95, 40)
    for name in ("scores", "reasons", "uplift", "uplift_summary"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(model, name), check_exact=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda offers: offers.drop(columns="purchases_3m_count"), "no purchases_3m_count"),
        (lambda offers: pd.concat([offers, offers.iloc[:1]]), "has a key more than once"),
        (lambda offers: offers.assign(is_control=None), "in is_control"),
    ],
)
def test_bad_frames_are_refused(
    offers: pd.DataFrame, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    """Bad input is told in words."""
    with pytest.raises(InputError, match=message):
        _fitted(change(offers))
