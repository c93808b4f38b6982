"""Sequential patterns: the same as brute force and as Spark, planted order found, none where the order is random."""

import doctest
from collections import defaultdict
from datetime import date
from itertools import combinations, product
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.mining import sequences
from pipeline.mining.sequences import frequent_sequences, mine_sequences

FIRST_DATE = pd.Timestamp("2025-01-01")
Dates = dict[int, set[str]]


def _events(customers: list[Dates]) -> pd.DataFrame:
    rows = [
        (f"c{number}", FIRST_DATE + pd.Timedelta(days=day), item)
        for number, dates in enumerate(customers)
        for day, items in dates.items()
        for item in sorted(items)
    ]
    return pd.DataFrame(rows, columns=["customer_key", "event_date", "event_code"])


def _occurrences(
    dates: Dates, window: int, max_length: int
) -> dict[tuple[tuple[str, ...], ...], list[tuple[int, ...]]]:
    """Return every pattern of a customer with the days of every occurrence within the window."""
    found = defaultdict(list)
    for count in range(1, len(dates) + 1):
        for days in combinations(sorted(dates), count):
            if days[-1] - days[0] > window:
                continue
            parts = [
                [part for size in range(1, len(dates[day]) + 1) for part in combinations(sorted(dates[day]), size)]
                for day in days
            ]
            for pattern in product(*parts):
                if sum(map(len, pattern)) <= max_length:
                    found[pattern].append(days)
    return found


def _by_brute_force(
    customers: list[Dates], min_support: float, window: int | None, max_length: int, as_of_day: int | None
) -> dict[str, tuple[object, ...]]:
    """Enumerate all occurrences of everything in every customer."""
    span = 10**6 if window is None else window
    occurrences = [_occurrences(dates, span, max_length) for dates in customers]
    found = {}
    for pattern in set().union(*occurrences):
        having = [own[pattern] for own in occurrences if pattern in own]
        if len(having) / len(customers) < min_support - 1e-12:
            continue
        text = " → ".join(" & ".join(element) for element in pattern)
        if len(pattern) == 1:
            found[text] = (len(having), None, None, None, None)
            continue
        tightest = [min(all_days, key=lambda days: (days[-1] - days[0], days[-1], -days[-2])) for all_days in having]
        in_time = [
            own
            for own in occurrences
            if pattern[:-1] in own
            and (as_of_day is None or min(days[-1] for days in own[pattern[:-1]]) <= as_of_day - span)
        ]
        followers = sum(pattern in own for own in in_time)
        found[text] = (
            len(having),
            len(in_time),
            followers,
            median(days[-1] - days[-2] for days in tightest),
            median(days[-1] - days[0] for days in tightest),
        )
    return found


def _compared_columns(found: pd.DataFrame) -> dict[str, tuple[object, ...]]:
    columns = [
        "customer_count",
        "prefix_customer_count",
        "follower_customer_count",
        "median_gap_days",
        "median_span_days",
    ]
    rows = found[columns].astype(object).where(found[columns].notna(), None)
    return dict(zip(found["pattern"], rows.itertuples(index=False, name=None), strict=True))


customer_dates = st.dictionaries(
    st.integers(0, 9), st.sets(st.sampled_from("abc"), min_size=1, max_size=3), min_size=1, max_size=5
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(customer_dates, min_size=1, max_size=8),
    st.sampled_from([0.01, 0.25, 0.5, 1.0]),
    st.sampled_from([None, 0, 1, 3, 6]),
    st.integers(1, 5),
    st.booleans(),
)
def test_patterns_are_those_of_brute_force(
    customers: list[Dates], min_support: float, window: int | None, max_length: int, is_observation_limited: bool
) -> None:
    """Counts, confidences, gaps and spans are those of an enumeration of all occurrences."""
    as_of_day = 11 if is_observation_limited and window is not None else None
    as_of_date = None if as_of_day is None else (FIRST_DATE + pd.Timedelta(days=as_of_day)).date()
    found = frequent_sequences(_events(customers), min_support, window, max_length, as_of_date)
    assert _compared_columns(found) == _by_brute_force(customers, min_support, window, max_length, as_of_day)


def test_quotients_are_those_of_a_hand_worked_case() -> None:
    """Four customers: two do b within ten days of a, one does b too late, one never does a."""
    customers: list[Dates] = [{0: {"a"}, 5: {"b"}}, {1: {"a"}, 2: {"c"}, 9: {"b"}}, {0: {"a"}, 30: {"b"}}, {3: {"c"}}]
    found = frequent_sequences(_events(customers), 0.25, 10, 3).set_index("pattern")
    row = found.loc["a → b"]
    assert (row["customer_count"], row["all_customer_count"], row["support_share"]) == (2, 4, 0.5)
    assert (row["prefix_customer_count"], row["follower_customer_count"]) == (3, 2)
    assert row["confidence_share"] == pytest.approx(2 / 3, abs=1e-9)
    # three of four customers have b at some time
    assert row["lift"] == pytest.approx(2 / 3 / 0.75, abs=1e-9)
    assert (row["median_gap_days"], row["median_span_days"]) == (6.5, 6.5)
    assert row["elements"] == [["a"], ["b"]]
    assert found.loc["a → c → b", "median_gap_days"] == 7
    assert found.loc["a → c → b", "median_span_days"] == 8


def test_customers_without_time_to_follow_do_not_lower_a_confidence() -> None:
    """A prefix completed less than a window before the end of the observation says nothing yet."""
    customers: list[Dates] = [{0: {"a"}, 5: {"b"}}, {0: {"a"}}, {18: {"a"}}, {19: {"a"}, 20: {"b"}}]
    events = _events(customers)
    counted = ["customer_count", "prefix_customer_count", "follower_customer_count", "confidence_share"]
    at_any_time = frequent_sequences(events, 0.25, 10, 2).set_index("pattern").loc["a → b", counted]
    in_time = frequent_sequences(events, 0.25, 10, 2, date(2025, 1, 25)).set_index("pattern").loc["a → b", counted]
    assert at_any_time.tolist() == [2, 4, 2, 0.5]
    assert in_time.tolist() == [2, 2, 1, 0.5]
    nobody = frequent_sequences(events, 0.25, 25, 2, date(2025, 1, 25)).set_index("pattern").loc["a → b"]
    assert nobody["prefix_customer_count"] == 0
    assert np.isnan(nobody["confidence_share"])
    assert np.isnan(nobody["lift"])


def _bank(seed: int, customer_count: int = 1500) -> pd.DataFrame:
    """Draw about ten dates a customer over 180 days, with events of unequal frequency and no order."""
    generator = np.random.default_rng(seed)
    count = customer_count * 10
    weights = 1 / np.arange(1, 13)
    return pd.DataFrame(
        {
            "customer_key": generator.integers(0, customer_count, count),
            "event_date": FIRST_DATE + pd.to_timedelta(generator.integers(0, 180, count), unit="D"),
            "event_code": generator.choice(list("pqrstuvwxyzo"), count, p=weights / weights.sum()),
        }
    )


def _with_chain(events: pd.DataFrame) -> pd.DataFrame:
    """Let a fifth of the customers do A, B about 20 days later and C about 10 days after that."""
    generator = np.random.default_rng(7)
    keys = np.unique(events["customer_key"])[::5]
    begins = generator.integers(0, 140, len(keys))
    seconds = begins + 20 + generator.integers(-3, 4, len(keys))
    thirds = seconds + 10 + generator.integers(-3, 4, len(keys))
    # others do them, too, at any time
    others = generator.choice(np.unique(events["customer_key"]), (3, 300))
    chained = [
        pd.DataFrame(
            {
                "customer_key": np.concatenate([keys, other]),
                "event_date": FIRST_DATE
                + pd.to_timedelta(np.concatenate([days, generator.integers(0, 180, 300)]), unit="D"),
                "event_code": code,
            }
        )
        for code, days, other in zip("ABC", [begins, seconds, thirds], others, strict=True)
    ]
    return pd.concat([events, *chained], ignore_index=True)


def test_a_planted_chain_is_found_and_only_in_its_direction() -> None:
    """The chain stands out of the random orders with its gaps; its reverse does not."""
    found = mine_sequences(_with_chain(_bank(1)), min_support=0.01, window_days=45, max_length=3)
    patterns = found.patterns.set_index("pattern")
    for planted, gap in [("A → B", 20), ("B → C", 10), ("A → C", 30), ("A → B → C", 10)]:
        row = patterns.loc[planted]
        assert not row["is_chance"], planted
        assert row["false_discovery_rate"] < 0.05, planted
        assert abs(row["median_gap_days"] - gap) <= 1, planted
    reverse = [pattern for pattern in ("B → A", "C → B", "C → A") if pattern in patterns.index]
    assert reverse
    assert patterns.loc[reverse, "is_chance"].all()
    assert patterns.index[0] == "A → B → C"


def test_what_a_part_explains_is_redundant() -> None:
    """A common event beside a chain adds nothing to it; the chain of three says more than its parts."""
    patterns = mine_sequences(_with_chain(_bank(1)), min_support=0.01, window_days=45, max_length=3).patterns
    of_chain = patterns[patterns["pattern"].str.contains("A → B|B → C|A → C", regex=True)].set_index("pattern")
    assert not of_chain.loc[["A → B", "B → C", "A → C", "A → B → C"], "is_redundant"].any()
    with_others = of_chain.drop(index=["A → B", "B → C", "A → C", "A → B → C"])
    assert len(with_others) > 20
    assert with_others["is_redundant"].mean() > 0.75
    assert set(with_others["explained_by"]) >= {"A → B", "B → C", "A → C"}


def test_a_random_order_has_next_to_no_patterns_of_meaning() -> None:
    """Where the order is random, nothing gets a low false discovery rate, and few patterns escape all random orders."""
    found = mine_sequences(_bank(2), min_support=0.05, window_days=60, max_length=3)
    patterns = found.patterns
    assert len(patterns) > 100
    assert abs(found.random_pattern_count_mean / len(patterns) - 1) < 0.1
    # 1 in 11 is what chance lets pass
    assert patterns["is_chance"].mean() > 0.8
    assert (patterns["false_discovery_rate"] < 0.1).sum() == 0


def _significant(patterns: pd.DataFrame) -> list[str]:
    return sorted(patterns.loc[(patterns["false_discovery_rate"] <= 0.05) & ~patterns["is_chance"], "pattern"])


def _stationary(seed: int, new_share: float = 0.0) -> pd.DataFrame:
    """Draw purchases that are as likely on each day of a relation; some relations begin late, with an account."""
    generator = np.random.default_rng(seed)
    customers, last_day = 1500, 184
    is_new = generator.random(customers) < new_share
    begins = np.where(is_new, generator.integers(1, 150, customers), 0)
    keys, days = np.nonzero(generator.random((customers, last_day)) < 0.12)
    is_in_relation = days >= begins[keys]
    keys, days = keys[is_in_relation], days[is_in_relation]
    codes = generator.choice(list("abcdef"), len(keys), p=[0.3, 0.25, 0.2, 0.15, 0.05, 0.05])
    return pd.DataFrame(
        {
            "customer_key": np.concatenate([keys, np.flatnonzero(is_new)]),
            "event_date": FIRST_DATE + pd.to_timedelta(np.concatenate([days, begins[is_new]]), unit="D"),
            "event_code": np.concatenate([codes, np.repeat("opening", is_new.sum())]),
        }
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_independent_events_make_nothing_significant(seed: int) -> None:
    """Where every day is like the others there is no order to be found, however frequent the patterns."""
    patterns = mine_sequences(_stationary(seed), 0.01, 60, 2, as_of_date=date(2025, 7, 3)).patterns
    assert len(patterns) >= 36
    assert _significant(patterns) == []


@pytest.mark.parametrize("seed", [1, 2])
def test_an_opening_comes_first_and_leads_to_nothing(seed: int) -> None:
    """An account is opened before it is used: that order is no finding once the opening is pinned, but is if not."""
    events = _stationary(seed, new_share=0.2)
    pinned = mine_sequences(events, 0.01, 60, 2, as_of_date=date(2025, 7, 3), pinned_codes=["opening"]).patterns
    free = mine_sequences(events, 0.01, 60, 2, as_of_date=date(2025, 7, 3)).patterns
    assert pinned["pattern"].str.startswith("opening").sum() == 6
    assert _significant(pinned) == []
    assert "opening → a" in _significant(free)


def test_what_an_opening_does_lead_to_is_found() -> None:
    """Pinning takes nothing from a real order: who opened an account does x within a fortnight, and y at any time."""
    events = _stationary(3, new_share=0.2)
    generator = np.random.default_rng(4)
    openings = events[events["event_code"] == "opening"]
    soon = openings["event_date"] + pd.to_timedelta(generator.integers(1, 15, len(openings)), unit="D")
    later = (FIRST_DATE + pd.Timedelta(days=183) - openings["event_date"]).dt.days
    at_any_time = openings["event_date"] + pd.to_timedelta(1 + generator.random(len(openings)) * later // 1, unit="D")
    added = [openings.assign(event_date=dates, event_code=code) for dates, code in [(soon, "x"), (at_any_time, "y")]]
    # a lone finding needs twenty random orders to reach a rate of 0.05
    found = mine_sequences(
        pd.concat([events, *added]), 0.01, 30, 2, random_orders=20, pinned_codes=["opening"]
    ).patterns
    assert [pattern for pattern in _significant(found) if pattern.startswith("opening")] == ["opening → x"]


def test_pinned_events_stay_where_they_are() -> None:
    """Of p, a and b on three dates the last two change places in one random order of two; p is the first in all."""
    customers: list[Dates] = [{0: {"p"}, 4: {"a"}, 9: {"b"}}] * 400
    patterns = mine_sequences(_events(customers), 0.1, None, 2, pinned_codes=["p", "unknown"]).patterns
    expected = patterns.set_index("pattern")["expected_customer_count"]
    assert (expected["p → a"], expected["p → b"]) == (400, 400)
    assert 180 < expected["a → b"] < 220


def test_confidences_that_a_part_explains_are_those_of_a_hand_worked_case() -> None:
    """After b, 460 of 800 do c: of 400 that is 230, give or take three times 9.9, so 259 is no more and 260 is."""
    rows = [
        ("b → c", ((1,), (2,)), 800, 460),
        ("x → c", ((0,), (2,)), 500, 200),
        ("x → b → c", ((0,), (1,), (2,)), 400, 259),
        ("z → b → c", ((3,), (1,), (2,)), 400, 260),
        ("b & z → c", ((1, 3), (2,)), 100, 57),
        ("w → b → c", ((4,), (1,), (2,)), 0, 0),
    ]
    patterns = pd.DataFrame(rows, columns=["pattern", "numbers", "prefix_customer_count", "follower_customer_count"])
    patterns["confidence_share"] = patterns["follower_customer_count"] / patterns["prefix_customer_count"]
    # of x -> b -> c the part that foretells most is named; nobody has had the time to follow the last yet
    assert sequences._explanations_by_confidence(patterns) == ["", "", "b → c", "", "b → c", ""]


def test_an_unrelated_event_before_a_chain_is_redundant() -> None:
    """Who does p at some time before A goes on to B no more often than others: the longer pattern folds into A → B."""
    patterns = mine_sequences(_with_chain(_bank(1)), min_support=0.01, window_days=45, max_length=3).patterns
    before = patterns[patterns["pattern"].str.fullmatch("[o-z] → A → B")]
    assert len(before) >= 5
    assert before["is_redundant"].all()


def test_shuffling_the_dates_of_a_planted_chain_destroys_it() -> None:
    """The same events of the same customers, on dates in random order, hold no chain."""
    events = _with_chain(_bank(1))
    generator = np.random.default_rng(3)
    places = np.argsort(events["customer_key"].to_numpy() + generator.random(len(events)), kind="stable")
    in_order = np.argsort(events["customer_key"].to_numpy(), kind="stable")
    shuffled = events.copy()
    shuffled.loc[in_order, "event_date"] = events["event_date"].to_numpy()[places]
    patterns = mine_sequences(shuffled, min_support=0.01, window_days=45, max_length=3).patterns
    assert (patterns["false_discovery_rate"] < 0.1).sum() == 0


def test_random_orders_keep_dates_and_elements() -> None:
    """Supports without a window and of one element do not depend on the order, so every random order has them."""
    customers: list[Dates] = [{0: {"a", "b"}, 5: {"a", "b"}, 7: {"c"}}, {1: {"a", "b"}, 3: {"a", "b"}}] * 20
    found = mine_sequences(_events(customers), 0.1, None, 4)
    row = found.patterns.set_index("pattern").loc["a & b → a & b"]
    assert row["expected_customer_count"] == 40
    assert (row["order_lift"], row["random_order_share"], row["is_chance"]) == (1.0, 1.0, True)
    # c is on the third of three dates, which is one of three in a random order: after both one in three times
    expected = found.patterns.set_index("pattern").loc["a → b → c", "expected_customer_count"]
    assert 20 / 3 * 0.5 < expected < 20 / 3 * 1.6


def test_random_orders_of_a_sample_say_much_the_same() -> None:
    """Counts are those of all customers; the expectation of a sample is scaled to all."""
    events = _with_chain(_bank(1))
    of_all = mine_sequences(events, 0.02, 45, 2)
    of_sample = mine_sequences(events, 0.02, 45, 2, random_order_customers=700)
    assert (of_all.random_order_customer_count, of_sample.random_order_customer_count) == (of_all.customer_count, 700)
    both = of_all.patterns.merge(of_sample.patterns, on="pattern", validate="1:1", suffixes=("", "_sample"))
    assert len(both) == len(of_all.patterns) == len(of_sample.patterns)
    assert (both["customer_count"] == both["customer_count_sample"]).all()
    ratio = both["expected_customer_count_sample"].sum() / both["expected_customer_count"].sum()
    assert 0.9 < ratio < 1.1
    chain = both.set_index("pattern").loc["A → B"]
    assert not chain["is_chance_sample"]


def test_result_does_not_depend_on_the_order_of_rows_or_their_repetition() -> None:
    """Events come in any order, and some of them twice."""
    events = _with_chain(_bank(1, 300))
    first = mine_sequences(events, 0.03, 45, 3)
    again = mine_sequences(pd.concat([events, events.iloc[::3]]).sample(frac=1, random_state=1), 0.03, 45, 3)
    pd.testing.assert_frame_equal(first.patterns, again.patterns)
    pd.testing.assert_frame_equal(first.elements, again.elements)


def test_false_discovery_rates_are_those_of_a_hand_worked_case() -> None:
    """Rates are counts of random over observed patterns, one more of the former, and never rise with the order lift."""
    rates = sequences._false_discovery_rates(
        np.array([1.0, 3.0, 2.0, 1.5]), np.array([0.5, 1.2, 1.6, 1.7, 1.0, 2.5]), order_count=2
    )
    # at 3: 1 of 2 orders by 1; at 2: 2 by 2 by 2; at 1.5: 4 by 2 by 3; at 1: 6 by 2 by 4
    assert rates.tolist() == [0.75, 0.5, 0.5, 2 / 3]


def test_the_parts_of_a_pattern_lack_one_item() -> None:
    """An element that loses its only item is gone."""
    assert sequences._with_one_item_less(((1,), (2, 3))) == [((2, 3),), ((1,), (3,)), ((1,), (2,))]


def test_a_long_window_is_no_window() -> None:
    """A window as long as the data limits nothing."""
    events = _bank(4, 200)
    pd.testing.assert_frame_equal(frequent_sequences(events, 0.1, None, 3), frequent_sequences(events, 0.1, 179, 3))


def test_nothing_frequent_is_an_answer() -> None:
    """Two customers that have nothing in common."""
    found = mine_sequences(_events([{0: {"a"}, 1: {"b"}}, {0: {"c"}}]), 1, 10, 2)
    assert found.patterns.empty
    assert found.elements.empty
    assert found.random_pattern_count_mean == 0


def test_one_customer_is_enough() -> None:
    """One customer supports all its patterns, in a random order, too, if there is one date."""
    found = mine_sequences(_events([{0: {"a", "b"}, 1: {"b"}}]), 1, None, 3)
    assert set(found.patterns["pattern"]) == {"a → b", "b → b", "a & b → b"}
    alone = mine_sequences(_events([{0: {"a", "b"}}]), 1, 0, 3)
    assert alone.patterns.empty
    assert alone.elements["pattern"].tolist() == ["a", "a & b", "b"]
    assert alone.patterns.dtypes.astype(str).to_dict() == found.patterns.dtypes.astype(str).to_dict()


@pytest.mark.parametrize("window", [None, 30])
def test_patterns_are_those_of_prefixspan_in_python(window: int | None) -> None:
    """The library on PyPI knows events, not sets of events, and no window: equal where dates have one event each."""
    prefixspan = pytest.importorskip("prefixspan", reason="prefixspan is not installed")
    events = _bank(5, 150).drop_duplicates(["customer_key", "event_date"])
    if window is not None:
        # within 30 days of the first event the window does not matter
        first = events.groupby("customer_key")["event_date"].transform("min")
        events = events[(events["event_date"] - first).dt.days <= window]
    found = frequent_sequences(events, 0.05, window, 10)
    in_order = events.sort_values(["customer_key", "event_date"]).groupby("customer_key")["event_code"].agg(list)
    theirs = prefixspan.PrefixSpan(in_order.tolist()).frequent(max(1, int(np.ceil(0.05 * len(in_order)))))
    assert len(theirs) >= 20
    assert {(" → ".join(pattern), count) for count, pattern in theirs} == set(
        zip(found["pattern"], found["customer_count"], strict=True)
    )


def test_patterns_are_those_of_spark(tmp_path: Path) -> None:
    """Without a window the result is that of Spark's PrefixSpan, sets of events included."""
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    from benchmarks.mining.sequence_contenders import spark_patterns
    from benchmarks.mining.spark import local_spark, missing

    if (reason := missing()) is not None:
        pytest.skip(reason)
    events = _bank(6, 200)
    events["event_date"] = FIRST_DATE + pd.to_timedelta((events["event_date"] - FIRST_DATE).dt.days // 12, unit="D")
    found = frequent_sequences(events, 0.1, None, 4)
    assert found["pattern"].str.contains("&").any()
    in_dates = events.drop_duplicates().sort_values(["customer_key", "event_date", "event_code"])
    elements = in_dates.groupby(["customer_key", "event_date"])["event_code"].agg(list)
    spark = local_spark()
    try:
        theirs = spark_patterns(spark, elements.groupby("customer_key").agg(list).tolist(), 0.1, 4)
    finally:
        spark.stop()
    assert theirs == dict(zip(found["pattern"], found["customer_count"], strict=True))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"min_support": 0.0}, "0.0"),
        ({"min_support": 1.1}, "1.1"),
        ({"window_days": -1}, "-1"),
        ({"max_length": 0}, "0"),
        ({"max_length": 1.5}, "1.5"),
        ({"min_support": "x"}, "'x'"),
        ({"min_support": None}, "None"),
        ({"min_support": float("nan")}, "nan"),
        ({"window_days": 2.5}, "2.5"),
        ({"random_orders": 1}, "1"),
        ({"random_order_customers": 0}, "0"),
        ({"window_days": None, "as_of_date": date(2025, 2, 1)}, "2025-02-01"),
        ({"as_of_date": date(2025, 1, 5)}, "2025-01-06"),
        ({"events": _events([])}, "none"),
        ({"events": _events([{0: {"a"}}]).drop(columns="event_date")}, "no event_date"),
        ({"events": _events([{0: {"a"}}]).assign(event_code=None)}, "1 in event_code"),
        ({"events": _events([{0: {"a"}}]).assign(event_date="soon")}, "soon"),
    ],
)
def test_bad_input_is_told(change: dict[str, object], found: str) -> None:
    """What cannot be mined is refused with what was found."""
    good: dict[str, object] = {
        "events": _events([{0: {"a"}, 5: {"b"}}]),
        "min_support": 0.5,
        "window_days": 10,
        "max_length": 2,
    }
    with pytest.raises(InputError) as error:
        mine_sequences(**(good | change))  # type: ignore[arg-type]
    assert found in error.value.found


def test_the_examples_in_the_docstrings_hold() -> None:
    """Examples are run, so that they stay true."""
    results = doctest.testmod(sequences)
    assert results.attempted > 0
    assert results.failed == 0
