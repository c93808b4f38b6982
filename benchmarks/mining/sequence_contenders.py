"""Ways to find frequent sequences: ours, the PrefixSpan of PyPI, and that of Spark.

Belongs here: the same events for each of them, and how each is called. Does not belong here: measuring.

Every customer has twenty events on dates of their own, because the library on PyPI knows no sets of events; nor do the
peers know a window. Ours also measures gaps, spans and confidences, which the peers do not.
"""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.mining.harness import Contender, missing_library
from benchmarks.mining.spark import cached_frame, missing
from pipeline.mining.sequences import ELEMENT_SEPARATOR, ITEM_SEPARATOR, frequent_sequences

EVENTS_PER_CUSTOMER = 20
CODES = 60
SEED = 11
MIN_SUPPORT = 0.05
MAX_LENGTH = 4


def _codes(customers: int) -> np.ndarray:
    """Draw what happens on each date, of Zipf-like popularity; every fifth customer does three things in turn."""
    generator = np.random.default_rng(SEED)
    popularity = 1 / np.arange(1, CODES + 1) ** 0.8
    drawn = generator.choice(CODES, (customers, EVENTS_PER_CUSTOMER), p=popularity / popularity.sum())
    drawn[::5, [4, 9, 14]] = [CODES - 3, CODES - 2, CODES - 1]
    return drawn


def _names() -> np.ndarray:
    return np.array([f"mcc:{5000 + code}" for code in range(CODES)], dtype=object)


def dated_events(customers: int) -> pd.DataFrame:
    """Return the events of so many customers.

    Parameters
    ----------
    customers : int
        Each has 20 events within about 300 days.

    Returns
    -------
    DataFrame
        ``customer_key, event_date, event_code``, in random order.
    """
    generator = np.random.default_rng(SEED + 1)
    days = np.cumsum(generator.integers(1, 30, (customers, EVENTS_PER_CUSTOMER)), axis=1).ravel()
    events = pd.DataFrame(
        {
            "customer_key": np.repeat(np.arange(customers), EVENTS_PER_CUSTOMER),
            "event_date": np.datetime64("2025-01-01", "s") + days.astype("timedelta64[D]"),
            "event_code": pd.Series(_names()[_codes(customers).ravel()], dtype="str"),
        }
    )
    return events.iloc[generator.permutation(len(events))]


def _find_ours(events: pd.DataFrame) -> int:
    return len(frequent_sequences(events, MIN_SUPPORT, None, MAX_LENGTH))


def _prepare_prefixspan(customers: int) -> Any:
    from prefixspan import PrefixSpan

    miner = PrefixSpan(_names()[_codes(customers)].tolist())
    miner.maxlen = MAX_LENGTH
    return miner


def _find_by_prefixspan(miner: Any) -> int:
    return len(miner.frequent(int(np.ceil(MIN_SUPPORT * len(miner._db)))))


def spark_patterns(spark: Any, customers: list[list[list[str]]], min_support: float, max_length: int) -> dict[str, int]:
    """Let Spark find the frequent sequences of a small data set.

    Parameters
    ----------
    spark : SparkSession
        From `spark.local_spark`.
    customers : list
        The elements of each customer in order, each a list of different items.
    min_support, max_length
        As in `frequent_sequences`.

    Returns
    -------
    dict
        Customers by pattern, written as `frequent_sequences` writes it.
    """
    from pyspark.ml.fpm import PrefixSpan

    frame = spark.createDataFrame([(elements,) for elements in customers], "sequence array<array<string>>").cache()
    found = PrefixSpan(minSupport=min_support, maxPatternLength=max_length).findFrequentSequentialPatterns(frame)
    return {
        ELEMENT_SEPARATOR.join(ITEM_SEPARATOR.join(sorted(element)) for element in row.sequence): row.freq
        for row in found.collect()
    }


def _prepare_spark(customers: int) -> Any:
    codes = pa.array(_names()[_codes(customers).ravel()], pa.string())
    elements = pa.ListArray.from_arrays(np.arange(len(codes) + 1, dtype=np.int32), codes)
    ends = np.arange(0, len(codes) + 1, EVENTS_PER_CUSTOMER, dtype=np.int32)
    return cached_frame(pa.table({"sequence": pa.ListArray.from_arrays(ends, elements)}))


def _find_by_spark(frame: Any) -> int:
    from pyspark.ml.fpm import PrefixSpan

    miner = PrefixSpan(minSupport=MIN_SUPPORT, maxPatternLength=MAX_LENGTH)
    return int(miner.findFrequentSequentialPatterns(frame).count())


CONTENDERS = {
    "frequent_sequences": Contender(dated_events, _find_ours),
    "prefixspan (PyPI)": Contender(_prepare_prefixspan, _find_by_prefixspan, missing_library("prefixspan")),
    "Spark PrefixSpan local[2]": Contender(_prepare_spark, _find_by_spark, missing),
}
