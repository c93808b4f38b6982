"""The same contenders where a few baskets hold every item; FP-growth in Python suffers from these (mlxtend#909).

Belongs here: naming the baskets. Does not belong here: the contenders (``itemset_contenders``).
"""

from benchmarks.mining.baskets import with_giant_baskets
from benchmarks.mining.itemset_contenders import contenders_over

CONTENDERS = contenders_over(with_giant_baskets)
