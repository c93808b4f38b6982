"""Synthetic shopping baskets for the itemset contenders: 400 items of Zipf-like popularity, about ten in a basket.

Belongs here: the data of the itemset problems. Does not belong here: running anything on it.
"""

import numpy as np
from scipy.sparse import csr_matrix, vstack

ITEMS = 400
SEED = 7
CHUNK = 5_000  # baskets drawn at once: memory stays small beside what the contenders need
GIANT_BASKETS = 20


def synthetic_baskets(rows: int) -> csr_matrix:
    """Draw baskets of items that are independent, with popularities like Zipf's law.

    Parameters
    ----------
    rows : int
        Number of baskets.

    Returns
    -------
    csr_matrix of bool, shape (rows, 400)
        About ten items in a basket. At a support of 0.5 % about 4,800 sets are frequent, of up to five items.
    """
    generator = np.random.default_rng(SEED)
    popularity = np.minimum(0.45, 1.55 / np.arange(1, ITEMS + 1) ** 0.93).astype(np.float32)
    order = generator.permutation(ITEMS)
    indices, lengths = [], []
    for first in range(0, rows, CHUNK):
        bought = generator.random((CHUNK, ITEMS), dtype=np.float32)[: rows - first] < popularity
        lengths.append(bought.sum(axis=1))
        indices.append(order[np.nonzero(bought)[1]].astype(np.int32))
    starts = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int32)
    cells = np.concatenate(indices)
    baskets = csr_matrix((np.ones(len(cells), dtype=bool), cells, starts), shape=(rows, ITEMS))
    baskets.sort_indices()
    return baskets


def with_giant_baskets(rows: int) -> csr_matrix:
    """Make the last baskets hold every item: wholesalers among the customers, or test data.

    Parameters
    ----------
    rows : int
        Number of baskets, more than the twenty giant ones.

    Returns
    -------
    csr_matrix of bool, shape (rows, 400)
        As `synthetic_baskets`, but for the last twenty baskets.
    """
    giant = csr_matrix(np.ones((GIANT_BASKETS, ITEMS), dtype=bool))
    return vstack([synthetic_baskets(rows - GIANT_BASKETS), giant], format="csr")
