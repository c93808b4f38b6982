"""Segments: planted groups come back, noise is called noise, and nothing depends on the order of the rows."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from segment_policy import segment_policy
from sklearn.metrics import adjusted_rand_score

from pipeline.errors import InputError
from pipeline.mining.segment_behaviours import Behaviour, Block, Measure
from pipeline.mining.segment_choice import SegmentPolicy
from pipeline.mining.segments import fit_segments


def _behaviour(column: str, measure: Measure, block: Block) -> Behaviour:
    return Behaviour(
        column,
        block,
        measure,
        (column,),
        f"{column}::double",
        column,
        f"{column}数",
        f"much {column}",
        f"little {column}",
        f"{column}多",
        f"{column}少",
    )


BALANCE = _behaviour("balance", "amount", "value")
CARD_USE = _behaviour("card_use", "count", "behaviour")
CASH_SHARE = _behaviour("cash_share", "share", "behaviour")
THREE = (BALANCE, CARD_USE, CASH_SHARE)
SHARES = tuple(_behaviour(behaviour.column, "share", "needs") for behaviour in THREE)
QUICK = segment_policy(fewest_segments=2, most_segments=6, random_tables=5)


def _planted(customers: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Four groups: rich and poor, users of cards and of cash; money is log-normal, as money is."""
    random = np.random.default_rng(seed)
    group = random.integers(4, size=customers)
    is_rich, is_card_user = group % 2 == 1, group >= 2
    features = pd.DataFrame(
        {
            "customer_key": [f"c{number:06d}" for number in random.permutation(customers)],
            "balance": np.exp(random.normal(np.where(is_rich, 12, 7), 0.5)).round(2),
            "card_use": random.poisson(np.where(is_card_user, 40, 2)),
            "cash_share": random.beta(np.where(is_card_user, 2, 20), np.where(is_card_user, 20, 2)),
        }
    )
    return features, group


def _shuffled(features: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Shuffle every column by itself: each distribution stays, what goes together is lost."""
    random = np.random.default_rng(seed)
    own = {name: random.permutation(features[name].to_numpy()) for name in features.columns.drop("customer_key")}
    return pd.DataFrame({"customer_key": features["customer_key"], **own})


@pytest.mark.parametrize("draw", [0, 1])
def test_planted_groups_come_back(draw: int) -> None:
    """The chosen number and the assignment are those planted, also in a sample with heavy-tailed money."""
    features, group = _planted(1_000, draw)
    found = fit_segments(features, 1, QUICK, THREE, "balance")
    assert found.outcome == "segmented"
    assert found.segment_count == 4
    assert found.is_stable
    assert found.silhouette > 0.5
    assert found.stability > 0.95
    assert (found.profiles["jaccard_stability"] > 0.9).all()
    by_key = found.assignments.set_index("customer_key").loc[features["customer_key"], "segment_code"]
    assert adjusted_rand_score(group, by_key) > 0.95
    assert "4 segments" in found.reason_en
    assert "4 个分群" in found.reason_zh


@pytest.mark.parametrize("draw", [0, 1])
def test_shuffled_columns_have_no_segments(draw: int) -> None:
    """The same customers without what goes together, two-humped columns and all, must not be sold as segments."""
    features, _ = _planted(1_000, draw)
    found = fit_segments(_shuffled(features, draw), 1, QUICK, THREE, "balance")
    assert found.outcome == "no_structure"
    assert found.segment_count == 1
    assert set(found.assignments["segment_code"]) == {"S1"}
    assert found.profiles[["segment_code", "customer_count", "customer_share"]].to_numpy().tolist() == [["S1", 1000, 1]]
    assert set(found.centroids["segment_code"]) == {"S1"}
    assert found.reason_en.startswith("No structure")
    assert found.reason_zh.startswith("无结构")


def test_one_cloud_has_no_segments() -> None:
    """Independent normal columns are one cloud, however stably k-means cuts it."""
    random = np.random.default_rng(5)
    cloud = pd.DataFrame(random.normal(size=(1_000, 3)), columns=["balance", "card_use", "cash_share"])
    cloud["customer_key"] = [f"c{number}" for number in range(len(cloud))]
    assert fit_segments(cloud, 1, QUICK, SHARES, "balance").outcome == "no_structure"


def test_a_composition_alone_has_no_segments() -> None:
    """Shares of few purchases fall apart by arithmetic; only if shuffled as one do they not pass for structure."""
    random = np.random.default_rng(2)
    shares = pd.DataFrame(random.dirichlet([0.05, 0.05, 0.05], size=1_000), columns=["food", "travel", "car"])
    features = shares.assign(balance=random.normal(size=1_000), customer_key=[f"c{number}" for number in range(1_000)])
    alone = (*(_behaviour(name, "composition", "needs") for name in shares), _behaviour("balance", "share", "value"))
    one_whole = tuple(replace(behaviour, whole="purchases") for behaviour in alone[:3]) + alone[3:]
    three = segment_policy(3, 3, random_tables=5)
    assert fit_segments(features, 1, three, one_whole, "balance").outcome == "no_structure"
    assert fit_segments(features, 1, three, alone, "balance").outcome == "segmented"


def test_same_result_in_any_order_of_rows() -> None:
    """A rerun on rows in another order gives identical codes, distances, names and figures."""
    features, _ = _planted(800)
    first = fit_segments(features, 3, QUICK, THREE, "balance")
    second = fit_segments(features.sample(frac=1, random_state=9), 3, QUICK, THREE, "balance")
    for field in fields(first):
        one, two = getattr(first, field.name), getattr(second, field.name)
        if isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, two, check_exact=True)
        else:
            assert one == two


def test_codes_fall_with_the_median_of_the_ranking_behaviour() -> None:
    """S1 has the highest median; the code of a segment must not depend on how k-means numbered it."""
    features, _ = _planted(800)
    for seed in range(3):
        found = fit_segments(features, seed, segment_policy(4, 4, random_tables=2), THREE, "balance")
        codes = found.assignments.merge(features, on="customer_key").groupby("segment_code")["balance"].median()
        assert list(codes.index) == ["S1", "S2", "S3", "S4"]
        assert codes.is_monotonic_decreasing


def test_profiles_add_up_to_the_customers() -> None:
    """Sizes, means and medians of the profiles are those of the customers assigned, recomputed here."""
    features, _ = _planted(500)
    found = fit_segments(features, 0, segment_policy(4, 4, random_tables=2), THREE, "balance")
    merged = features.merge(found.assignments, on="customer_key")
    assert found.profiles["customer_count"].sum() == 500
    assert found.profiles["customer_share"].sum() == pytest.approx(1, abs=1e-5)
    assert len(found.behaviours) == 12
    for row in found.behaviours.itertuples():
        own = merged.loc[merged["segment_code"] == row.segment_code, row.behaviour]
        assert row.mean_value == pytest.approx(own.mean(), abs=1e-5)
        assert row.median_value == pytest.approx(own.median(), abs=1e-5)
        assert row.bank_mean_value == pytest.approx(features[row.behaviour].mean(), abs=1e-5)


def test_constant_behaviour_is_left_out_and_told() -> None:
    """A bank without a card system still has segments; the column that says nothing is named, not scaled by zero."""
    features, _ = _planted(500)
    found = fit_segments(features.assign(card_use=0), 0, segment_policy(2, 4, random_tables=2), THREE, "card_use")
    assert found.constant_behaviours == ("card_use",)
    assert set(found.behaviours["behaviour"]) == {"balance", "cash_share"}
    assert set(found.centroids["behaviour"]) == {"balance", "cash_share"}
    assert found.reason_en.endswith("Left out, as the same for all or known of nobody: card_use.")
    assert found.reason_zh.endswith("未计入（全体相同或均无数据）：card_use数。")
    assert (
        "Left out" not in fit_segments(features, 0, segment_policy(2, 4, random_tables=2), THREE, "balance").reason_en
    )


def test_divisions_that_miss_the_policy_are_told() -> None:
    """A policy that no number meets: the result says so rather than choose silently."""
    features, _ = _planted(600)
    found = fit_segments(features, 0, segment_policy(3, 4, smallest_share=0.6, random_tables=2), THREE, "balance")
    assert found.outcome == "segmented"
    assert not found.is_stable
    assert not found.criterion["is_eligible"].any()
    assert found.criterion["is_chosen"].sum() == 1
    assert "no number met the policy" in found.reason_en


def test_unknown_values_count_as_the_mean() -> None:
    """A customer of whom a behaviour is not known is divided by the others."""
    features, group = _planted(1_000)
    unknown = features.assign(cash_share=features["cash_share"].mask(features.index % 10 == 0))
    found = fit_segments(unknown, 1, segment_policy(4, 4, random_tables=2), THREE, "balance")
    by_key = found.assignments.set_index("customer_key").loc[features["customer_key"], "segment_code"]
    assert adjusted_rand_score(group, by_key) > 0.95


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.iloc[:0], "features is empty"),
        (lambda frame: frame.iloc[:1], "no behaviour varies"),
        (lambda frame: frame.drop(columns="balance"), "features lacks columns"),
        (lambda frame: frame.assign(balance=np.nan), "only nulls in balance"),
        (lambda frame: frame.assign(balance="much"), "behaviours that are no numbers(.|\n)*balance is str"),
        (lambda frame: frame.assign(card_use=np.where(frame.index < 2, np.inf, 1.0)), "infinite(.|\n)*2 in card_use"),
        (lambda frame: frame.assign(customer_key=frame["customer_key"].mask(frame.index == 7)), "1 in customer_key"),
        (lambda frame: pd.concat([frame, frame.iloc[:1]]), "features has a key more than once"),
        (lambda frame: frame.assign(balance=1, card_use=1, cash_share=1), "no behaviour varies"),
        (lambda frame: frame.iloc[:4], "too few customers"),
    ],
)
def test_bad_features_are_refused(change: object, message: str) -> None:
    """Each kind of bad input has its message; none reaches scikit-learn."""
    features, _ = _planted(100)
    with pytest.raises(InputError, match=message):
        fit_segments(change(features), 0, segment_policy(2, 4), THREE, "balance")  # type: ignore[operator]


@pytest.mark.parametrize("seed", [-1, 0.5])
def test_impossible_seeds_are_refused(seed: int) -> None:
    """A seed that NumPy would not take is told by its name."""
    features, _ = _planted(50)
    with pytest.raises(InputError, match="seed is out of its range"):
        fit_segments(features, seed, QUICK, THREE, "balance")


@pytest.mark.parametrize("policy", [segment_policy(1, 2), segment_policy(5, 4), segment_policy(random_tables=0)])
def test_impossible_policies_are_refused(policy: SegmentPolicy) -> None:
    """A single segment has no silhouette; the caller is told instead of meeting scikit-learn's message."""
    features, _ = _planted(50)
    with pytest.raises(InputError, match="cannot be followed"):
        fit_segments(features, 0, policy, THREE, "balance")
