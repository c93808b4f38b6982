"""Drift and movements: counted again another way, and against figures worked by hand."""

from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import InputError
from pipeline.mining.segment_drift import segment_drift, segment_movements

MONTHS = [date(2025, 1, 31), date(2025, 2, 28), date(2025, 3, 31)]


def _assignments(seed: int = 0, segments: int = 11) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frames = []
    for month in MONTHS:
        present = np.flatnonzero(random.random(400) < 0.8)
        frames.append(
            pd.DataFrame(
                {
                    "customer_key": [f"c{number:03}" for number in present],
                    "month_end_date": month,
                    "segment_code": [f"S{code}" for code in random.integers(1, segments + 1, size=len(present))],
                    "centre_distance": random.random(len(present)),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def test_stability_index_by_hand() -> None:
    """From halves to 3 : 1 the index is 0.25 ln 1.5 - 0.25 ln 0.5; the fitted month itself has 0."""
    rows = [("a", "S1"), ("b", "S1"), ("c", "S2"), ("d", "S2")]
    later = [("a", "S1"), ("b", "S1"), ("c", "S1"), ("d", "S2")]
    assignments = pd.concat(
        pd.DataFrame(own, columns=["customer_key", "segment_code"]).assign(month_end_date=month, centre_distance=0.5)
        for month, own in zip(MONTHS, [rows, later], strict=False)
    )
    drift = segment_drift(assignments, MONTHS[0])
    index = drift.groupby("month_end_date")["population_stability_index"].first()
    assert index[MONTHS[0]] == 0
    assert index[MONTHS[1]] == pytest.approx(0.25 * np.log(1.5) - 0.25 * np.log(0.5), abs=1e-6)
    assert drift["share_change"].iloc[2:].tolist() == [0.25, -0.25]
    assert drift["share_change"].iloc[:2].isna().all()


def test_drift_counts_every_customer_once() -> None:
    """Per month the counts add up to the customers, the shares to one, and segments stand in order of their number."""
    assignments = _assignments()
    drift = segment_drift(assignments, MONTHS[2])
    by_month = drift.groupby("month_end_date")
    assert (by_month["customer_count"].sum() == assignments.groupby("month_end_date").size()).all()
    assert np.allclose(by_month["customer_share"].sum(), 1, atol=1e-5)
    assert drift["segment_code"].tolist() == [f"S{number}" for number in range(1, 12)] * 3
    own = assignments[(assignments["month_end_date"] == MONTHS[1]) & (assignments["segment_code"] == "S10")]
    row = drift[(drift["month_end_date"] == MONTHS[1]) & (drift["segment_code"] == "S10")].iloc[0]
    assert row["mean_centre_distance"] == pytest.approx(own["centre_distance"].mean(), abs=1e-6)


def test_an_empty_segment_stays_in_the_table() -> None:
    """A segment that nobody is in any more has count 0 and a finite index, rather than no row."""
    assignments = _assignments(segments=3)
    emptied = assignments[(assignments["month_end_date"] != MONTHS[1]) | (assignments["segment_code"] != "S2")]
    drift = segment_drift(emptied, MONTHS[0])
    row = drift[(drift["month_end_date"] == MONTHS[1]) & (drift["segment_code"] == "S2")].iloc[0]
    assert row["customer_count"] == 0
    assert np.isnan(row["mean_centre_distance"])
    assert 1 < row["population_stability_index"] < 100


def test_movements_equal_a_count_customer_by_customer() -> None:
    """Each customer's pair of segments, looked up one by one, gives the same table."""
    assignments = _assignments(3, 4)
    looked_up: dict[tuple[object, ...], int] = {}
    of_customer = {
        (row.customer_key, row.month_end_date): row.segment_code for row in assignments.itertuples(index=False)
    }
    for earlier, month in pairwise(MONTHS):
        for customer in assignments["customer_key"].unique():
            pair = tuple(of_customer.get((customer, when), "none") for when in (earlier, month))
            if pair != ("none", "none"):
                looked_up[(month, *pair)] = looked_up.get((month, *pair), 0) + 1
    moved = segment_movements(assignments.sample(frac=1, random_state=1))
    assert (
        dict(zip(moved.iloc[:, :3].itertuples(index=False, name=None), moved["customer_count"], strict=True))
        == looked_up
    )
    assert moved["from_segment_code"].iloc[-1] == "none"


def test_movements_stand_in_order_of_the_segments_numbers() -> None:
    """S10 comes after S9, none after all; a pair that nobody took has no row."""
    moved = segment_movements(_assignments())
    number = {**{f"S{code}": code for code in range(1, 12)}, "none": 12}
    order = [
        (row.month_end_date, number[row.from_segment_code], number[row.to_segment_code]) for row in moved.itertuples()
    ]
    assert order == sorted(order)
    assert (moved["customer_count"] > 0).all()
    assert ("none", "none") not in set(zip(moved["from_segment_code"], moved["to_segment_code"], strict=True))


def test_one_month_moves_nobody() -> None:
    """With a single month there is no month before: an empty table, not an error."""
    assignments = _assignments()
    assert segment_movements(assignments[assignments["month_end_date"] == MONTHS[0]]).empty


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.iloc[:0], "assignments is empty"),
        (lambda frame: frame.drop(columns="centre_distance"), "no centre_distance"),
        (lambda frame: pd.concat([frame, frame.iloc[:1]]), "a key more than once"),
        (lambda frame: frame.assign(segment_code=frame["segment_code"].mask(frame.index == 0)), "1 in segment_code"),
        (lambda frame: frame[frame["month_end_date"] != MONTHS[0]], "fitted to is not among"),
    ],
)
def test_bad_assignments_are_refused(change: object, message: str) -> None:
    """Each kind of bad input has its message."""
    with pytest.raises(InputError, match=message):
        segment_drift(change(_assignments()), MONTHS[0])  # type: ignore[operator]
