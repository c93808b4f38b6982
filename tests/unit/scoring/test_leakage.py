"""The canary: what looks into the future is found, what does not is left alone."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from pipeline.scoring.leakage import moved_scores, plant_future, single_feature_findings
from pipeline.scoring.time_split import month_periods

KEY = ["customer_key", "month_end_date"]


def _training_rows(rows: int = 4_000) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(0)
    is_event = random.random(rows) < 0.05
    frame = pd.DataFrame(
        {
            "next_month_count": np.where(is_event, 0, random.poisson(12, rows)),
            "minus_next_month_count": -np.where(is_event, 0, random.poisson(12, rows)),
            "closed_day": np.where(is_event, random.integers(1, 28, rows), np.nan),
            "reason_not_asked": np.where(is_event, np.nan, random.integers(1, 28, rows)),
            "honest_count": random.poisson(np.where(is_event, 4, 8)),
            "noise": random.normal(size=rows),
            "empty": np.nan,
            "constant": 1,
        }
    )
    return frame, is_event


def test_features_of_the_future_are_found() -> None:
    """A count after the outcome is found in either direction, and so is a date that only one class has."""
    frame, is_event = _training_rows()
    findings = single_feature_findings(frame, is_event, list(frame.columns), 0.95).set_index("feature")
    assert set(findings.index[findings["is_suspected"]]) == {
        "next_month_count",
        "minus_next_month_count",
        "closed_day",
        "reason_not_asked",
    }
    assert findings["auc"].is_monotonic_decreasing
    assert findings.loc[["empty", "constant"], "auc"].tolist() == [0.5, 0.5]
    assert 0.8 < findings.loc["honest_count", "auc"] < 0.95


def test_a_subtle_leak_is_not_found() -> None:
    """The limit of the search, so that nobody takes silence for proof: a leak of two customers in ten passes."""
    frame, is_event = _training_rows()
    random = np.random.default_rng(1)
    knows = is_event & (random.random(len(is_event)) < 0.2)
    leaky = frame.assign(noise=frame["noise"] + 10 * knows)
    finding = single_feature_findings(leaky, is_event, ["noise"], 0.95).iloc[0]
    assert finding["auc"] > 0.55
    assert not finding["is_suspected"]


def _customer_months() -> pd.DataFrame:
    months = pd.date_range("2025-01-31", periods=6, freq="ME")
    frame = pd.DataFrame(
        {
            "customer_key": np.repeat(["a", "b", "c"], 6),
            "month_end_date": np.tile(months, 3),
            "horizon_months": 2,
            "count": range(18),
        }
    )
    is_event = pd.array([True, False, None] * 6, dtype="boolean")
    return month_periods(frame).assign(is_event=is_event)


def test_planted_future_leaves_the_past_alone() -> None:
    """What was known at the end of March is as it was; labels of later windows, later rows and new rows are not."""
    rows = _customer_months()
    planted = plant_future(rows, date(2025, 3, 31), ["count"], 0)
    assert len(planted) == 18 + 3
    kept, is_past = planted.iloc[:18], (rows["month_end_date"] <= "2025-03-31").to_numpy()
    assert (kept.loc[is_past, "count"] == rows.loc[is_past, "count"]).all()
    assert (kept.loc[~is_past, "count"] >= 3_000).all()
    is_known = (rows["outcome_end_date"] <= "2025-03-31").to_numpy()
    assert kept.loc[is_known, "is_event"].equals(rows.loc[is_known, "is_event"])
    assert not kept.loc[~is_known, "is_event"].equals(rows.loc[~is_known, "is_event"])
    assert kept.loc[~is_known, "is_event"].notna().all()
    assert (planted.iloc[18:]["month_end_date"] == pd.Timestamp("2026-03-31")).all()
    assert not planted.duplicated(KEY).any()


@pytest.mark.parametrize("window", ["future", "past"])
def test_a_model_that_looks_ahead_is_caught(window: str) -> None:
    """A score that takes the mean over all months moves with the future; one over past months does not."""

    def scores(rows: pd.DataFrame) -> pd.DataFrame:
        if window == "past":
            rows = rows[rows["month_end_date"] <= "2025-03-31"]
        return rows.assign(score=rows["count"] - rows.groupby("customer_key")["count"].transform("mean"))

    rows = _customer_months()
    as_of = date(2025, 3, 31)
    moved = moved_scores(scores(rows), scores(plant_future(rows, as_of, ["count"], 0)), KEY, "score", as_of)
    assert len(moved) == {"future": 9, "past": 0}[window]
    assert list(moved.columns) == [*KEY, "score_before", "score_after"]


def test_appeared_and_vanished_scores_have_moved() -> None:
    """A score that is there only with one of the futures depends on it, too."""
    before = _customer_months().rename(columns={"count": "score"})
    moved = moved_scores(before, before.iloc[1:], KEY, "score", date(2025, 6, 30))
    assert len(moved) == 1
    assert moved["score_after"].isna().all()
