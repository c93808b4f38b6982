"""Sequential patterns: what customers do after what, within how many days, and whether the order means anything.

Belongs here: frequent sequences of dated events, their measures, and the comparison with random orders. Does not belong
here: what an event is (dbt), the walk through all patterns (``sequence_search``) and which of them are worth a campaign
(policy).

A customer's sequence is its dates in order; the element of a date is the set of the events of that date. A pattern is a
list of such sets. A customer supports it if its sequence has dates d1 < d2 < ... whose elements contain the pattern's
sets in turn, with dn - d1 <= the window (Agrawal and Srikant 1995, ICDE, 3-14, with the maximum span of cSPADE).

How chance is told. In a random order each customer keeps its dates and its elements, but which element is on which date
is drawn at random. What is as frequent there says nothing about order, however large its support or lift. That holds as
far as the elements of a customer are exchangeable: any of them could as well have stood on another of its dates.

- What could not, like the opening of an account before its first use, is pinned: its date keeps its element in every
  random order, and the others are drawn among the rest.
- What has a season, or comes on the same day of the calendar for many like the letters of a campaign, stands before
  what comes later in the year for that reason alone. Random orders cannot tell, and the false discovery rate of such
  patterns is too low.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.errors import InputError
from pipeline.frames import require_columns, require_rows, require_share, require_values, require_whole_number
from pipeline.mining.sequence_search import (
    Bools,
    Extension,
    Ints,
    Occurrences,
    Pattern,
    Sequences,
    is_new,
    ranges,
    walk,
)

ELEMENT_SEPARATOR = " → "
ITEM_SEPARATOR = " & "
DECIMALS = 9  # of every quotient of counts
SURPRISING_DEVIATIONS = 3  # standard deviations
# what 1 % of them do is known to 7 % of itself; time and memory of the random orders rise with them
RANDOM_ORDER_CUSTOMERS = 20_000

MEASURED = ["in_time_count", "follower_customer_count", "median_gap_days", "median_span_days"]
FREQUENT_COLUMNS = {
    "pattern": "str",
    "elements": "object",
    "element_count": "int64",
    "item_count": "int64",
    "customer_count": "int64",
    "all_customer_count": "int64",
    "support_share": "float64",
    "prefix_customer_count": "Int64",
    "follower_customer_count": "Int64",
    "confidence_share": "float64",
    "lift": "float64",
    "median_gap_days": "float64",
    "median_span_days": "float64",
}
PATTERN_COLUMNS = FREQUENT_COLUMNS | {
    "expected_customer_count": "float64",
    "order_lift": "float64",
    "random_order_share": "float64",
    "false_discovery_rate": "float64",
    "is_chance": "bool",
    "explained_by": "str",
    "is_redundant": "bool",
}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SequencePatterns:
    """What follows what.

    Attributes
    ----------
    patterns : DataFrame
        Patterns of at least two elements, as `mine_sequences` describes them.
    elements : DataFrame
        The frequent sets of events of one date, which patterns are made of: the columns of `frequent_sequences`.
    customer_count : int
        Customers with at least one event.
    random_order_customer_count : int
        How many of them the random orders were drawn for.
    random_order_count : int
        How many random orders were drawn.
    random_pattern_count_mean : float
        How many patterns of at least two elements reach the support in a random order, on average.
    """

    patterns: pd.DataFrame
    elements: pd.DataFrame
    customer_count: int
    random_order_customer_count: int
    random_order_count: int
    random_pattern_count_mean: float


def mine_sequences(
    events: pd.DataFrame,
    min_support: float,
    window_days: int | None,
    max_length: int,
    as_of_date: date | None = None,
    random_orders: int = 10,
    random_order_customers: int = RANDOM_ORDER_CUSTOMERS,
    seed: int = 1,
    pinned_codes: Collection[str] = (),
) -> SequencePatterns:
    """Find what follows what, and compare it with random orders of the same events.

    With c(P) the number of customers that support pattern P and e(P) its mean over random orders, the order lift is
    c / e. A random order k has the same measure, c_k over the mean of the other random orders. For an observed pattern
    of order lift r

        FDR(r) = (1 + #{P and k: P frequent in k, order lift in k >= r}) / random_orders / #{P: order lift >= r}

    which is the share of the observed patterns so far above expectation that a random order gives as well. The one
    more keeps what no random order reached from passing for impossible (Phipson and Smyth 2010, Stat. Appl. Genet.
    Mol. Biol. 9, 39): a lone pattern cannot have a rate below 1 / random_orders. The false discovery rate is the least
    FDR at r or below, at most 1 (an empirical q-value; Storey and Tibshirani 2003, PNAS 100, 9440-9445).

    Parameters
    ----------
    events : DataFrame
        ``customer_key, event_date, event_code``: a row that comes twice counts once; times of day do not count.
        Customers without an event are not known here: supports are shares of the customers with at least one.
    min_support : float
        Smallest share of customers that support a pattern, above 0.
    window_days : int or None
        Most days from the first to the last element; None for no limit.
    max_length : int
        Most items in a pattern, over all its elements; at least 1.
    as_of_date : date, optional
        The last day of the observation. With it, confidences are those of the customers whose first completion of the
        prefix (the pattern without its last element) lies at least the window before that day: the others have not
        had the time to follow. Without it, all count.
    random_orders : int
        How many random orders are drawn, at least 2. With 10, a pattern of no meaning escapes `is_chance` once in 11
        times; the false discovery rate tells how often that may have happened.
    random_order_customers : int
        If there are more customers, the random orders, and what is observed beside them, are those of a random sample
        of so many. Only the columns after ``median_span_days`` depend on it.
    seed : int
        Of the sample and the random orders.
    pinned_codes : collection of str
        Events that could have come on no other of the customer's dates. A date with one of them keeps its events in
        every random order, so a pattern of such events alone is always one of chance.

    Returns
    -------
    SequencePatterns
        ``patterns`` has the columns of `frequent_sequences` and ``expected_customer_count`` (mean over the random
        orders, scaled to all customers), ``order_lift`` (observed over expected; infinite if no random order has the
        pattern), ``random_order_share`` (of the random orders that have it for at least as many customers),
        ``false_discovery_rate``, ``is_chance`` (at least one of them has), ``explained_by`` (the pattern with one item
        less that has the highest order lift, if that is all there is to it: the observed count exceeds the expected one
        times that lift by at most three standard deviations of a Poisson count; or the pattern that lacks one item
        before the last element and has the highest confidence, if the longer one foretells no better: its followers
        exceed that confidence by at most three standard deviations of a binomial count; otherwise '') and
        ``is_redundant`` (it is explained). The farthest above expectation first: by false discovery rate, then order
        lift, then support.

    Raises
    ------
    InputError
        If columns are missing, there are no events or nulls, a date is none or later than `as_of_date`, or a limit is
        out of its range.

    Examples
    --------
    >>> days = pd.to_datetime(["2025-01-01", "2025-01-11", "2025-01-21"])
    >>> events = pd.concat(
    ...     pd.DataFrame({"customer_key": key, "event_date": days, "event_code": list("abc")}) for key in range(40)
    ... )
    >>> found = mine_sequences(events, min_support=0.5, window_days=15, max_length=2)
    >>> found.patterns[["pattern", "customer_count", "median_gap_days", "is_chance"]].to_dict("records")[0]
    {'pattern': 'a → b', 'customer_count': 40, 'median_gap_days': 10.0, 'is_chance': False}
    """
    _check_limits(min_support, window_days, max_length, as_of_date)
    require_whole_number("random_orders", random_orders, 2)
    require_whole_number("random_order_customers", random_order_customers, 1)
    sequences = _sequences_of(events, window_days, as_of_date, pinned_codes)
    sequences = _with_frequent_items(sequences, _least(min_support, sequences.customers_per_order))
    frequent = _frequent_sequences(sequences, min_support, window_days, max_length, as_of_date)
    orders = _random_orders_of(
        _sample(sequences, random_order_customers, np.random.default_rng(seed)),
        random_orders,
        np.random.default_rng([seed, 1]),
    )
    least = _least(min_support, orders.customers_per_order)
    counts = _counts_by_order(orders, frequent["numbers"].tolist(), least, max_length)
    is_pattern = frequent["element_count"] >= 2
    patterns, random_pattern_count_mean = _compared(
        frequent[is_pattern], counts, random_orders, least, sequences.customers_per_order / orders.customers_per_order
    )
    return SequencePatterns(
        patterns=_typed(patterns, PATTERN_COLUMNS),
        elements=_typed(frequent[~is_pattern], FREQUENT_COLUMNS),
        customer_count=sequences.customers_per_order,
        random_order_customer_count=orders.customers_per_order,
        random_order_count=random_orders,
        random_pattern_count_mean=random_pattern_count_mean,
    )


def frequent_sequences(
    events: pd.DataFrame,
    min_support: float,
    window_days: int | None,
    max_length: int,
    as_of_date: date | None = None,
) -> pd.DataFrame:
    """Find all frequent patterns, those of one element among them; without a window exactly those of PrefixSpan.

    Parameters
    ----------
    events, min_support, window_days, max_length, as_of_date
        As in `mine_sequences`.

    Returns
    -------
    DataFrame
        One row per pattern, the largest support first, then by text: ``pattern`` (as 'a → b & c'), ``elements`` (the
        same as a list of lists), ``element_count``, ``item_count``, ``customer_count`` (that support it),
        ``all_customer_count``, ``support_share``, and, null for patterns of one element, ``prefix_customer_count``
        (with the pattern without its last element, and time to follow), ``follower_customer_count`` (those of them
        that support the pattern), ``confidence_share`` (their quotient), ``lift`` (confidence over the share of all
        customers that ever have the last element, whatever the window), ``median_gap_days`` (from the last but one
        element to the last) and ``median_span_days`` (from the first to the last). Gaps and spans are those of each
        customer's tightest occurrence: the shortest span, the earliest end among these, the latest last but one
        element within.

    Raises
    ------
    InputError
        As `mine_sequences`.

    Examples
    --------
    >>> events = pd.DataFrame(
    ...     {
    ...         "customer_key": [1, 1, 1, 2, 2],
    ...         "event_date": pd.to_datetime(["2025-01-01", "2025-01-09", "2025-01-09", "2025-01-01", "2025-01-05"]),
    ...         "event_code": list("abcab"),
    ...     }
    ... )
    >>> found = frequent_sequences(events, min_support=1, window_days=30, max_length=2)
    >>> found[["pattern", "customer_count", "confidence_share", "median_gap_days"]].to_dict("records")[1]
    {'pattern': 'a → b', 'customer_count': 2, 'confidence_share': 1.0, 'median_gap_days': 6.0}
    """
    _check_limits(min_support, window_days, max_length, as_of_date)
    sequences = _sequences_of(events, window_days, as_of_date)
    sequences = _with_frequent_items(sequences, _least(min_support, sequences.customers_per_order))
    return _typed(_frequent_sequences(sequences, min_support, window_days, max_length, as_of_date), FREQUENT_COLUMNS)


def _check_limits(min_support: float, window_days: int | None, max_length: int, as_of_date: date | None) -> None:
    require_share("min_support", min_support)
    require_whole_number("max_length", max_length, 1)
    if window_days is not None:
        require_whole_number("window_days", window_days, 0)
    elif as_of_date is not None:
        raise InputError(
            "without a window nobody's time to follow is ever over",
            expected="no as_of_date where there is no window",
            found=str(as_of_date),
            where="as_of_date",
            action="set a window, or leave as_of_date out",
        )


def _least(min_support: float, customer_count: int) -> int:
    """Return the smallest whole number of customers that reaches the share."""
    return max(1, math.ceil(min_support * customer_count - 1e-9))


def _sequences_of(
    events: pd.DataFrame, window_days: int | None, as_of_date: date | None, pinned_codes: Collection[str] = ()
) -> Sequences:
    days = _days_of(events, as_of_date)
    first_day = int(days.min())
    width = int(days.max()) - first_day + 1
    items, item_names = pd.factorize(events["event_code"], sort=True)
    customers, customer_names = pd.factorize(events["customer_key"], sort=True)
    # one number per row that sorts by customer, day and item
    rows = customers.astype(np.int64)
    rows *= width
    rows += days - first_day
    rows *= len(item_names)
    rows += items
    rows.sort()
    rows = rows[is_new(rows)]
    event_items = (rows % len(item_names)).astype(np.min_scalar_type(len(item_names)))
    rows //= len(item_names)
    is_new_date = is_new(rows)
    dates = rows[is_new_date]
    positions = (np.cumsum(is_new_date) - 1).astype(np.int32)
    is_pinned = np.zeros(len(dates), dtype=bool)
    is_pinned[positions[np.asarray(pd.Index(item_names).isin(list(pinned_codes)))[event_items]]] = True
    days_from_first = dates % width
    window = width if window_days is None else window_days
    within_window = dates + np.minimum(window, width - 1 - days_from_first)
    return Sequences(
        customers=(dates // width).astype(np.int32),
        days=(days_from_first + first_day).astype(np.int32),
        reaches=(np.searchsorted(dates, within_window, side="right") - 1).astype(np.int32),
        is_pinned=is_pinned,
        positions=positions,
        items=event_items,
        item_names=pd.Index(item_names),
        customers_per_order=len(customer_names),
    )


def _days_of(events: pd.DataFrame, as_of_date: date | None) -> Ints:
    """Check the events and return the day number of each, counted from 1970-01-01."""
    columns = ["customer_key", "event_date", "event_code"]
    require_columns(events, columns, "events")
    require_rows(events, "events")
    require_values(events, columns, "events")
    dates = pd.to_datetime(events["event_date"], errors="coerce")
    if dates.isna().any():
        raise InputError(
            "events have dates that are none",
            expected="a date in every row of event_date",
            found=str(events["event_date"][dates.isna()].iloc[0]),
            where="events, event_date",
            action="convert the column in the query",
        )
    if as_of_date is not None and dates.max() >= pd.Timestamp(as_of_date) + pd.Timedelta(days=1):
        raise InputError(
            "events lie after the end of the observation",
            expected=f"no event after {as_of_date}",
            found=str(dates.max().date()),
            where="events, event_date",
            action="select the events up to as_of_date",
        )
    return dates.to_numpy().astype("datetime64[D]").astype(np.int64)


def _with_frequent_items(sequences: Sequences, least: int) -> Sequences:
    """Leave out events that too few customers have; their dates stay, because random orders use them."""
    keys = sequences.items.astype(np.int64) * sequences.customers_per_order + sequences.customers[sequences.positions]
    keys.sort()
    counts = np.bincount(keys[is_new(keys)] // sequences.customers_per_order, minlength=len(sequences.item_names))
    is_frequent = counts >= least
    numbers = np.cumsum(is_frequent) - 1
    kept = is_frequent[sequences.items]
    return replace(
        sequences,
        positions=sequences.positions[kept],
        items=numbers[sequences.items[kept]].astype(np.min_scalar_type(max(1, int(is_frequent.sum())))),
        item_names=sequences.item_names[is_frequent],
    )


def _frequent_sequences(
    sequences: Sequences, min_support: float, window_days: int | None, max_length: int, as_of_date: date | None
) -> pd.DataFrame:
    """Return the frequent patterns with their measures; ``numbers`` are their items as numbers."""
    least = _least(min_support, sequences.customers_per_order)
    last_day_to_begin = np.iinfo(np.int32).max
    if as_of_date is not None and window_days is not None:
        last_day_to_begin = int(np.datetime64(as_of_date, "D").astype(np.int64)) - window_days
    rows = [
        {"numbers": found.pattern, "customer_count": int(found.counts[0])}
        | _measured(found.occurrences, sequences, last_day_to_begin, is_single=len(found.pattern) == 1)
        for found in walk(sequences, max_length, lambda pattern, kind, counts: counts[:, 0] >= least)
    ]
    frequent = pd.DataFrame(rows, columns=["numbers", "customer_count", *MEASURED])
    return _completed(frequent, sequences)


def _measured(
    occurrences: Occurrences, sequences: Sequences, last_day_to_begin: int, is_single: bool
) -> dict[str, object]:
    """Return how many customers had time to go on after the pattern, how many had it before it, gap and span."""
    days = sequences.days
    firsts = np.flatnonzero(occurrences.is_first)
    in_time = int((days[occurrences.ends[firsts]] <= last_day_to_begin).sum())
    if is_single:
        return dict(zip(MEASURED, [in_time, None, np.nan, np.nan], strict=True))
    spans = days[occurrences.ends] - days[occurrences.starts]
    # the smallest of span and number together is the shortest span and the earliest end among these
    numbered = spans.astype(np.int64) * len(spans) + np.arange(len(spans))
    tightest = np.minimum.reduceat(numbered, firsts) % len(spans)
    gaps = days[occurrences.ends[tightest]] - days[occurrences.previous[tightest]]
    followers = int((days[occurrences.completions[firsts]] <= last_day_to_begin).sum())
    return dict(
        zip(MEASURED, [in_time, followers, float(np.median(gaps)), float(np.median(spans[tightest]))], strict=True)
    )


def _completed(frequent: pd.DataFrame, sequences: Sequences) -> pd.DataFrame:
    """Add texts and quotients; all that a pattern begins and ends with is frequent, so its counts are at hand."""
    numbers = frequent["numbers"]
    counts = dict(zip(numbers, frequent["customer_count"], strict=True))
    in_time = dict(zip(numbers, frequent["in_time_count"], strict=True))
    all_customers = sequences.customers_per_order
    names = [str(name) for name in sequences.item_names]
    elements = [[[names[item] for item in element] for element in pattern] for pattern in numbers]
    prefix_counts = pd.array([in_time[pattern[:-1]] if len(pattern) > 1 else None for pattern in numbers], "Int64")
    followers = frequent["follower_customer_count"].astype("Int64")
    # nobody may have had the time to follow
    confidences = followers.astype("Float64") / pd.Series(prefix_counts).replace(0, pd.NA).astype("Float64")
    last_element_shares = np.array([counts[pattern[-1:]] for pattern in numbers], dtype=float) / all_customers
    completed = frequent.assign(
        pattern=[ELEMENT_SEPARATOR.join(map(ITEM_SEPARATOR.join, pattern)) for pattern in elements],
        elements=pd.Series(elements, dtype=object),
        element_count=[len(pattern) for pattern in numbers],
        item_count=[sum(map(len, pattern)) for pattern in numbers],
        all_customer_count=all_customers,
        support_share=(frequent["customer_count"] / all_customers).round(DECIMALS),
        prefix_customer_count=prefix_counts,
        follower_customer_count=followers,
        confidence_share=confidences.round(DECIMALS),
        lift=(confidences / last_element_shares).round(DECIMALS),
    )
    return completed.sort_values(["customer_count", "pattern"], ascending=[False, True], ignore_index=True)


def _typed(patterns: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    return patterns[list(columns)].astype(columns).reset_index(drop=True)


def _sample(sequences: Sequences, customer_count: int, generator: np.random.Generator) -> Sequences:
    """Return the sequences of so many customers drawn at random, or all if there are no more."""
    if customer_count >= sequences.customers_per_order:
        return sequences
    drawn = np.zeros(sequences.customers_per_order, dtype=bool)
    drawn[generator.choice(sequences.customers_per_order, customer_count, replace=False)] = True
    keeps_position = drawn[sequences.customers]
    keeps_event = keeps_position[sequences.positions]
    new_positions = (np.cumsum(keeps_position) - 1).astype(np.int32)
    new_customers = (np.cumsum(drawn) - 1).astype(np.int32)
    return replace(
        sequences,
        customers=new_customers[sequences.customers[keeps_position]],
        days=sequences.days[keeps_position],
        reaches=new_positions[sequences.reaches[keeps_position]],
        is_pinned=sequences.is_pinned[keeps_position],
        positions=new_positions[sequences.positions[keeps_event]],
        items=sequences.items[keeps_event],
        customers_per_order=customer_count,
    )


def _random_orders_of(sequences: Sequences, count: int, generator: np.random.Generator) -> Sequences:
    """Return the observed order and, behind it, so many random ones of what is not pinned, as more customers."""
    position_count = len(sequences.customers)
    begins = np.searchsorted(sequences.positions, np.arange(position_count, dtype=np.int32), side="left")
    ends = np.searchsorted(sequences.positions, np.arange(position_count, dtype=np.int32), side="right")
    movable = np.flatnonzero(~sequences.is_pinned)
    customers = sequences.customers[movable]
    drawn = np.arange(position_count)
    positions, items = [sequences.positions], [sequences.items]
    for order in range(1, count + 1):
        # customers stay where they are, because whole numbers are farther apart than random fractions
        drawn[movable] = movable[np.argsort(customers + generator.random(len(movable)), kind="stable")]
        places, events = ranges(begins[drawn], ends[drawn])
        positions.append(places + np.int32(order * position_count))
        items.append(sequences.items[events])
    orders = np.repeat(np.arange(count + 1, dtype=np.int32), position_count)
    return replace(
        sequences,
        customers=np.tile(sequences.customers, count + 1) + orders * np.int32(sequences.customers_per_order),
        days=np.tile(sequences.days, count + 1),
        reaches=np.tile(sequences.reaches, count + 1) + orders * np.int32(position_count),
        is_pinned=np.tile(sequences.is_pinned, count + 1),
        positions=np.concatenate(positions),
        items=np.concatenate(items),
        order_count=count + 1,
    )


def _counts_by_order(orders: Sequences, observed: list[Pattern], least: int, max_length: int) -> dict[Pattern, Ints]:
    """Return customers by order of the observed patterns and of those that are frequent in any order."""
    extensions: dict[tuple[Pattern, Extension], list[int]] = {}
    for pattern in observed:
        *before, last = pattern
        extends_date = len(last) > 1
        prefix = (*before, last[:-1]) if extends_date else tuple(before)
        extensions.setdefault((prefix, "same date" if extends_date else "later"), []).append(last[-1])

    def choose(pattern: Pattern, kind: Extension, counts: Ints) -> Bools:
        chosen = np.asarray((counts >= least).any(axis=1))
        chosen[extensions.get((pattern, kind), [])] = True
        return chosen

    # copies, because a row would keep the counts of all items
    return {found.pattern: found.counts.copy() for found in walk(orders, max_length, choose)}


def _compared(
    patterns: pd.DataFrame,
    counts_by_order: dict[Pattern, Ints],
    order_count: int,
    least: int,
    customers_per_sampled: float,
) -> tuple[pd.DataFrame, float]:
    """Add how the random orders compare; the second value is how many patterns these have on average."""
    observed = _stacked([counts_by_order.get(numbers) for numbers in patterns["numbers"]], order_count)
    anywhere = _stacked([counts for pattern, counts in counts_by_order.items() if len(pattern) > 1], order_count)
    random = anywhere[:, 1:]
    expected = observed[:, 1:].mean(axis=1)
    others_mean = (random.sum(axis=1, keepdims=True) - random) / (order_count - 1)
    random_lifts = _quotients(random, others_mean)[random >= least]
    order_lifts = _quotients(observed[:, 0], expected)
    as_frequent_share = (observed[:, 1:] >= observed[:, :1]).mean(axis=1)
    compared = patterns.assign(
        expected_customer_count=(expected * customers_per_sampled).round(DECIMALS),
        order_lift=order_lifts.round(DECIMALS),
        random_order_share=as_frequent_share.round(DECIMALS),
        false_discovery_rate=_false_discovery_rates(order_lifts, random_lifts, order_count).round(DECIMALS),
        is_chance=as_frequent_share > 0,
        explained_by=[
            by_order or by_confidence
            for by_order, by_confidence in zip(
                _explanations_by_order(patterns, observed[:, 0], expected, order_lifts),
                _explanations_by_confidence(patterns),
                strict=True,
            )
        ],
    )
    compared["is_redundant"] = compared["explained_by"] != ""
    strongest_first = compared.sort_values(
        ["false_discovery_rate", "order_lift", "customer_count", "pattern"], ascending=[True, False, False, True]
    )
    return strongest_first, len(random_lifts) / order_count


def _explanations_by_order(patterns: pd.DataFrame, observed: Ints, expected: Floats, order_lifts: Floats) -> list[str]:
    """Return the pattern with one item less whose order lift accounts for each pattern, or '' if none does."""
    texts = dict(zip(patterns["numbers"], patterns["pattern"], strict=True))
    lifts = dict(zip(patterns["numbers"], order_lifts.tolist(), strict=True))
    explanations = []
    for pattern, count, chance in zip(patterns["numbers"], observed.tolist(), expected.tolist(), strict=True):
        best = max(_with_one_item_less(pattern), key=lambda shorter: lifts.get(shorter, 0.0), default=())
        lift = lifts.get(best, 0.0)
        is_explained = lift > 1 and count <= chance * lift + SURPRISING_DEVIATIONS * math.sqrt(chance * lift)
        explanations.append(texts[best] if is_explained else "")
    return explanations


def _explanations_by_confidence(patterns: pd.DataFrame) -> list[str]:
    """Return the pattern with one item less, but the same end, that foretells this end as well, or '' if none does."""
    texts = dict(zip(patterns["numbers"], patterns["pattern"], strict=True))
    # a pattern whose prefix nobody had the time to follow foretells nothing yet
    confidences = dict(
        zip(patterns["numbers"], patterns["confidence_share"].astype("Float64").fillna(0).tolist(), strict=True)
    )
    explanations = []
    for pattern, prefixes, followers in zip(
        patterns["numbers"], patterns["prefix_customer_count"], patterns["follower_customer_count"], strict=True
    ):
        # a last element alone has no confidence, and is not in the table
        shorter = [
            (*before, pattern[-1]) for before in _with_one_item_less(pattern[:-1]) if (*before, pattern[-1]) in texts
        ]
        best = max(shorter, key=lambda one: confidences[one], default=())
        share = confidences.get(best, 0.0)
        noise = SURPRISING_DEVIATIONS * math.sqrt(prefixes * share * (1 - share))
        is_explained = share > 0 and prefixes > 0 and followers <= prefixes * share + noise
        explanations.append(texts[best] if is_explained else "")
    return explanations


def _with_one_item_less(pattern: Pattern) -> list[Pattern]:
    shorter: list[Pattern] = []
    for place, element in enumerate(pattern):
        for item in element:
            rest = tuple(other for other in element if other != item)
            shorter.append((*pattern[:place], *([rest] if rest else []), *pattern[place + 1 :]))
    return shorter


def _stacked(counts: list[Ints | None], order_count: int) -> Ints:
    """Return one row per pattern; one that the sample has nowhere is zero in all orders."""
    rows = [np.zeros(order_count + 1, dtype=np.int64) if row is None else row for row in counts]
    return np.array(rows, dtype=np.int64).reshape(-1, order_count + 1)


def _quotients(counts: Ints, expected: Floats) -> Floats:
    """Return counts over expected ones: infinite where none is expected, 0 where none is there either."""
    none_expected = np.where(counts > 0, np.inf, 0.0)
    return np.divide(counts, expected, out=none_expected, where=expected > 0)


def _false_discovery_rates(lifts: Floats, random_lifts: Floats, order_count: int) -> Floats:
    rising = np.argsort(lifts, kind="stable")
    at_least = len(lifts) - np.searchsorted(lifts[rising], lifts[rising], side="left")
    random_at_least = len(random_lifts) - np.searchsorted(np.sort(random_lifts), lifts[rising], side="left")
    rates = np.empty(len(lifts))
    rates[rising] = np.minimum.accumulate(np.minimum(1.0, (1 + random_at_least) / order_count / at_least))
    return rates
