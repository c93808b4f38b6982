"""The split by time: no training outcome is younger than the first test day, on hand-made and on random calendars."""

from datetime import date

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.scoring.time_split import SAMPLE_CODES, month_periods, sample_table, split_by_time


def _months(first: str, count: int, horizon_months: int) -> pd.DataFrame:
    months = pd.date_range(first, periods=count, freq="ME")
    rows = pd.DataFrame(
        {"month_end_date": months, "horizon_months": horizon_months, "history_months": range(1, count + 1)}
    )
    return month_periods(rows).assign(is_event=pd.array([False] * count, dtype="boolean"))


def test_split_of_a_year_by_hand() -> None:
    """At the end of the year, three months ahead: tested on August and September, learnt up to April."""
    samples = split_by_time(_months("2025-01-31", 12, 3), date(2025, 12, 31), 2, 3)
    assert samples.tolist() == ["short_history"] * 2 + ["train"] * 2 + ["gap"] * 3 + ["test"] * 2 + ["not_observed"] * 3


def test_campaigns_are_split_by_their_first_day() -> None:
    """Two campaigns on one day are one period; a campaign whose window reaches into the tested one is the gap."""
    days = pd.to_datetime(["2025-01-05", "2025-03-05", "2025-05-05", "2025-05-05", "2025-07-05"])
    rows = pd.DataFrame(
        {
            "period_start_date": days,
            "outcome_end_date": pd.to_datetime(["2025-02-08", "2025-05-05", "2025-06-08", "2025-06-20", "2025-08-08"]),
            "history_months": 6,
            "is_event": [True, False, True, False, None],
        }
    )
    samples = split_by_time(rows, date(2025, 7, 31), 1, 3)
    assert samples.tolist() == ["train", "gap", "test", "test", "not_observed"]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 20), st.integers(1, 6), st.integers(1, 4), st.integers(1, 4), st.integers(0, 25), st.integers(0, 99)
)
def test_nothing_learnt_was_unknown_at_the_first_test(
    months: int, horizon: int, tested: int, history: int, known: int, seed: int
) -> None:
    """Whatever the calendar: training windows end before the first test day, tested ones by the date, in any order."""
    rows = _months("2024-01-31", months, horizon)
    as_of = (pd.Timestamp("2024-01-31") + pd.offsets.MonthEnd(known)).date()
    samples = split_by_time(rows, as_of, tested, history)
    assert set(samples) <= set(SAMPLE_CODES)
    test, train = rows[samples == "test"], rows[samples == "train"]
    assert len(test) <= tested
    assert (test["outcome_end_date"] <= pd.Timestamp(as_of)).all()
    if len(train):
        assert train["outcome_end_date"].max() < test["period_start_date"].min()
    order = np.random.default_rng(seed).permutation(months)
    assert split_by_time(rows.iloc[order], as_of, tested, history).sort_index().equals(samples)


def test_counts_by_month_and_sample() -> None:
    """Rows and events are counted where they are; a month can be in two samples."""
    rows = pd.DataFrame(
        {
            "month_end_date": pd.to_datetime(["2025-01-31"] * 3 + ["2025-02-28"]),
            "sample_code": ["train", "train", "short_history", "test"],
            "is_event": [True, False, False, True],
        }
    )
    assert sample_table(rows).iloc[:, 1:].values.tolist() == [["short_history", 1, 0], ["train", 2, 1], ["test", 1, 1]]
    assert sample_table(rows.iloc[:0]).empty
