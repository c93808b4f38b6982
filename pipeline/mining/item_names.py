"""Names for people in place of item and event codes.

Belongs here: the texts of rules and patterns in a language. Does not belong here: what a code is called (dbt seeds).
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from pipeline.mining.associations import ITEM_SEPARATOR
from pipeline.mining.sequences import ELEMENT_SEPARATOR


def named_items(items: pd.Series, names: Mapping[str, str]) -> pd.Series:
    """Write lists of codes as text; a code without a name stands for itself.

    Examples
    --------
    >>> named_items(pd.Series([["mcc:4511", "x"]]), {"mcc:4511": "Airlines"}).tolist()
    ['Airlines & x']
    """
    return pd.Series([_named(codes, names) for codes in items], index=items.index, dtype="str")


def named_elements(elements: pd.Series, names: Mapping[str, str]) -> pd.Series:
    """Write lists of lists of codes as text, in order.

    Examples
    --------
    >>> named_elements(pd.Series([[["mcc:4511"], ["mcc:7011", "x"]]]), {"mcc:4511": "Airlines"}).tolist()
    ['Airlines → mcc:7011 & x']
    """
    texts = [ELEMENT_SEPARATOR.join(_named(codes, names) for codes in pattern) for pattern in elements]
    return pd.Series(texts, index=elements.index, dtype="str")


def _named(codes: Sequence[str], names: Mapping[str, str]) -> str:
    return ITEM_SEPARATOR.join(names.get(code, code) for code in codes)
