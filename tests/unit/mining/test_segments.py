"""Segments: planted groups come back, noise is called noise, and nothing depends on the order of the rows."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from pipeline.errors import InputError
from pipeline.mining.segments import BEHAVIOURS, Behaviour, active_persons, fit_segments


def _behaviour(column: str, measure: str) -> Behaviour:
    return Behaviour(
        column, measure, column, f"{column}数", f"much {column}", f"little {column}", f"{column}多", f"{column}少"
    )


BALANCE = _behaviour("balance", "amount")
CARD_USE = _behaviour("card_use", "count")
CASH_SHARE = _behaviour("cash_share", "share")
THREE = (BALANCE, CARD_USE, CASH_SHARE)


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


@pytest.mark.parametrize("draw", [0, 1, 2])
def test_planted_groups_come_back(draw: int) -> None:
    """The chosen number and the assignment are those planted, also in a sample with heavy-tailed money."""
    features, group = _planted(3_000, draw)
    found = fit_segments(features, 1, range(2, 8), THREE, "balance")
    assert found.segment_count == 4
    assert found.is_stable
    assert found.has_structure
    assert found.silhouette > 0.5
    assert found.stability > 0.95
    by_key = found.assignments.set_index("customer_key").loc[features["customer_key"], "segment_code"]
    assert adjusted_rand_score(group, by_key) > 0.95


def test_shuffled_columns_have_no_segments() -> None:
    """Independent behaviours must not be sold as segments: their silhouette is low."""
    features, _ = _planted(3_000)
    random = np.random.default_rng(5)
    noise = pd.DataFrame(
        {
            "customer_key": features["customer_key"],
            **{name: random.normal(size=len(features)) for name in ("balance", "card_use", "cash_share")},
        }
    )
    as_shares = tuple(_behaviour(name, "share") for name in ("balance", "card_use", "cash_share"))
    found = fit_segments(noise, 1, range(2, 8), as_shares, "balance")
    assert found.silhouette < 0.25
    assert not found.has_structure


def test_same_result_in_any_order_of_rows() -> None:
    """A rerun on rows in another order gives identical codes, distances, names and figures."""
    features, _ = _planted(800)
    first = fit_segments(features, 3, range(2, 6), THREE, "balance")
    second = fit_segments(features.sample(frac=1, random_state=9), 3, range(2, 6), THREE, "balance")
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
        found = fit_segments(features, seed, [4], THREE, "balance")
        codes = found.assignments.merge(features, on="customer_key").groupby("segment_code")["balance"].median()
        assert list(codes.index) == ["S1", "S2", "S3", "S4"]
        assert codes.is_monotonic_decreasing


def test_profiles_add_up_to_the_customers() -> None:
    """Sizes, means and medians of the profiles are those of the customers assigned, recomputed here."""
    features, _ = _planted(500)
    found = fit_segments(features, 0, [4], THREE, "balance")
    merged = features.merge(found.assignments, on="customer_key")
    assert found.profiles["customer_count"].sum() == 500
    assert found.profiles["customer_share"].sum() == pytest.approx(1, abs=1e-5)
    for row in found.behaviours.itertuples():
        own = merged.loc[merged["segment_code"] == row.segment_code, row.behaviour]
        assert row.mean_value == pytest.approx(own.mean(), abs=1e-5)
        assert row.median_value == pytest.approx(own.median(), abs=1e-5)
        assert row.bank_mean_value == pytest.approx(features[row.behaviour].mean(), abs=1e-5)


def test_assignment_is_the_nearest_centre_of_the_stored_tables() -> None:
    """Scaling and centroids as stored are enough to assign a customer: no model file is needed."""
    features, _ = _planted(500)
    found = fit_segments(features, 0, [4], THREE, "balance")
    scaled = {}
    for row in found.scaling.itertuples():
        column = features[row.behaviour].to_numpy(dtype=float)
        if row.measure != "share":
            column = np.sign(column) * np.log1p(np.abs(column) / row.unit)
        scaled[row.behaviour] = ((column - row.centre) / row.scale).clip(-4, 4)
    centres = found.behaviours.pivot(index="segment_code", columns="behaviour", values="scaled_centre")
    distances = np.sqrt(
        sum((scaled[name][:, None] - centres[name].to_numpy()[None, :]) ** 2 for name in centres.columns)
    )
    nearest = pd.Series(centres.index[distances.argmin(axis=1)], index=features["customer_key"])
    stored = found.assignments.set_index("customer_key")
    assert (nearest.loc[stored.index] == stored["segment_code"]).all()
    smallest = pd.Series(distances.min(axis=1), index=features["customer_key"]).loc[stored.index]
    assert np.allclose(smallest, stored["centre_distance"], atol=1e-4)


def test_names_tell_the_behaviour_in_words() -> None:
    """A segment's name says in both languages what sets it apart, and no two names are the same."""
    features, _ = _planted(1_000)
    profiles = fit_segments(features, 0, [4], THREE, "balance").profiles
    assert profiles["name_en"].is_unique
    assert profiles["name_zh"].is_unique
    assert profiles["name_en"].str.lower().str.split(", ").map(frozenset).is_unique
    assert not profiles["name_en"].str.contains("(S", regex=False).any()
    assert all("much" in name.lower() or "little" in name.lower() for name in profiles["name_en"])
    first = profiles.iloc[0]
    assert first["description_en"].startswith(f"{first['customer_count']:,} customers (")
    assert "balance" in first["description_en"]
    assert "balance数" in first["description_zh"]


def test_constant_behaviour_is_left_out_and_told() -> None:
    """A bank without a card system still has segments; the column that says nothing is named, not scaled by zero."""
    features, _ = _planted(500)
    found = fit_segments(features.assign(card_use=0), 0, [2, 3], THREE, "card_use")
    assert found.constant_behaviours == ("card_use",)
    assert set(found.behaviours["behaviour"]) == {"balance", "cash_share"}


def test_unstable_candidates_are_not_called_stable() -> None:
    """One cloud cut into seven has no stable cut: the result must say so rather than choose silently."""
    random = np.random.default_rng(0)
    cloud = pd.DataFrame(random.normal(size=(400, 3)), columns=["balance", "card_use", "cash_share"])
    cloud["customer_key"] = [f"c{number}" for number in range(400)]
    as_shares = tuple(_behaviour(name, "share") for name in ("balance", "card_use", "cash_share"))
    found = fit_segments(cloud, 0, [7, 8], as_shares, "balance")
    assert not found.is_stable
    assert not found.criterion["is_eligible"].any()
    assert found.criterion["is_chosen"].sum() == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.iloc[:0], "features is empty"),
        (lambda frame: frame.drop(columns="balance"), "features lacks columns"),
        (lambda frame: frame.assign(balance=frame["balance"].mask(frame.index == 7)), "1 in balance"),
        (lambda frame: pd.concat([frame, frame.iloc[:1]]), "features has a key more than once"),
        (lambda frame: frame.assign(balance=1, card_use=1, cash_share=1), "no behaviour varies"),
        (lambda frame: frame.iloc[:4], "too few customers"),
    ],
)
def test_bad_features_are_refused(change: object, message: str) -> None:
    """Each kind of bad input has its message; none reaches scikit-learn."""
    features, _ = _planted(100)
    with pytest.raises(InputError, match=message):
        fit_segments(change(features), 0, [2, 4], THREE, "balance")  # type: ignore[operator]


def test_one_segment_is_no_candidate() -> None:
    """A single segment has no silhouette; the caller is told instead of meeting scikit-learn's message."""
    features, _ = _planted(50)
    with pytest.raises(InputError, match="at least 2"):
        fit_segments(features, 0, [1, 2], THREE, "balance")


def test_active_persons_and_their_behaviour() -> None:
    """Only persons who did something are divided; what is null for want of an account or a flow is nothing."""
    columns = ["customer_key", "customer_type", "transactions_3m_count", "deposit_average_balance_3m_amount"]
    columns += ["inflow_3m_amount", "salary_inflow_3m_amount", "cash_3m_share", "counter_transactions_3m_count"]
    rows = [
        ("paid", "person", 5, 70.0, 200.0, 150.0, 0.25, 3),
        ("idle", "person", 0, 70.0, 200.0, 150.0, 0.25, 3),
        ("firm", "company", 5, 70.0, 200.0, 150.0, 0.25, 3),
        ("card", "person", 5, None, 0.0, 0.0, None, 0),
    ]
    persons = active_persons(pd.DataFrame(rows, columns=columns)).set_index("customer_key")
    assert list(persons.columns) == [behaviour.column for behaviour in BEHAVIOURS]
    assert list(persons.loc["paid"]) == [70, 200, 0.75, 0.25, 3]
    assert list(persons.loc["card"]) == [0, 0, 0, 0, 0]


def test_active_persons_needs_its_columns() -> None:
    """A feature table of another version is told apart, not divided on what is left."""
    with pytest.raises(InputError, match="no customer_type"):
        active_persons(pd.DataFrame({"customer_key": ["a"]}))
