"""Who finds frequent itemsets: our engine on each kind of table, mlxtend, the C library pyfim, and Spark.

Belongs here: how each of them is fed and called. Does not belong here: the baskets (``baskets``) and the clock
(``harness``). pyfim wants lists of Python numbers; it is timed with them ready, and with making them from a matrix. Its
result is a list of tuples, ours and mlxtend's a DataFrame of frozensets.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.sparse import csr_matrix

from benchmarks.mining.baskets import synthetic_baskets
from benchmarks.mining.harness import Contender, missing_library
from benchmarks.mining.spark import cached_frame, missing
from pipeline.mining.itemsets import frequent_itemsets

MIN_SUPPORT = 0.005


def contenders_over(baskets: Callable[[int], csr_matrix]) -> dict[str, Contender]:
    """List the contenders on baskets of one kind.

    Parameters
    ----------
    baskets : callable
        From the number of rows to a 0/1 matrix.

    Returns
    -------
    dict of str to Contender
        Ours on a dense frame first: that is what mlxtend gets, too.
    """

    def prepared(form: Callable[[csr_matrix], Any]) -> Callable[[int], Any]:
        return lambda rows: form(baskets(rows))

    pyfim = missing_library("fim")
    return {
        "ours, dense frame": Contender(prepared(dense_frame), with_ours),
        "ours, sparse frame": Contender(prepared(sparse_frame), with_ours),
        "ours, csr matrix": Contender(prepared(csr_matrix), with_ours),
        "mlxtend fpgrowth, dense frame": Contender(prepared(dense_frame), with_mlxtend, missing_library("mlxtend")),
        "pyfim eclat, lists ready": Contender(prepared(lists), with_pyfim_eclat, pyfim),
        "pyfim fpgrowth, lists ready": Contender(prepared(lists), with_pyfim_fpgrowth, pyfim),
        "pyfim eclat, from csr matrix": Contender(
            prepared(csr_matrix), lambda matrix: with_pyfim_eclat(lists(matrix)), pyfim
        ),
        "Spark FPGrowth, 2 threads": Contender(prepared(spark_frame), with_spark, missing),
    }


def dense_frame(matrix: csr_matrix) -> pd.DataFrame:
    """Return the matrix as a frame of booleans."""
    return pd.DataFrame(matrix.toarray(), copy=False)


def sparse_frame(matrix: csr_matrix) -> pd.DataFrame:
    """Return the matrix as a frame of sparse columns."""
    return pd.DataFrame.sparse.from_spmatrix(matrix)  # type: ignore[attr-defined]


def lists(matrix: csr_matrix) -> list[list[int]]:
    """Return the items of each basket as Python numbers."""
    items, ends = matrix.indices.tolist(), matrix.indptr.tolist()
    return [items[start:end] for start, end in itertools.pairwise(ends)]


def spark_frame(matrix: csr_matrix) -> Any:
    """Let Spark hold the baskets in memory."""
    items = pa.ListArray.from_arrays(pa.array(matrix.indptr.astype(np.int32)), pa.array(matrix.indices))
    return cached_frame(pa.table({"items": items}))


def with_ours(table: pd.DataFrame | csr_matrix) -> int:
    """Find the sets with this project's engine."""
    return len(frequent_itemsets(table, MIN_SUPPORT))


def with_mlxtend(table: pd.DataFrame) -> int:
    """Find the sets with mlxtend."""
    from mlxtend.frequent_patterns import fpgrowth

    return len(fpgrowth(table, MIN_SUPPORT))


def with_pyfim_eclat(baskets: list[list[int]]) -> int:
    """Find the sets with pyfim's Eclat, the faster of its algorithms on these baskets."""
    import fim

    return len(fim.eclat(baskets, supp=100 * MIN_SUPPORT))


def with_pyfim_fpgrowth(baskets: list[list[int]]) -> int:
    """Find the sets with pyfim's FP-growth."""
    import fim

    return len(fim.fpgrowth(baskets, supp=100 * MIN_SUPPORT))


def with_spark(frame: Any) -> int:
    """Find the sets with Spark's parallel FP-growth."""
    from pyspark.ml.fpm import FPGrowth

    return int(FPGrowth(minSupport=MIN_SUPPORT).fit(frame).freqItemsets.count())


CONTENDERS = contenders_over(synthetic_baskets)
