"""Pictures of sequential patterns, as PNG bytes for whoever shows them.

Belongs here: drawing what ``sequences`` found. Does not belong here: computing it.
Texts are English, because the fonts that matplotlib carries have no Chinese characters.
"""

import textwrap
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pipeline.mining.sequences import ELEMENT_SEPARATOR, ITEM_SEPARATOR
from pipeline.pictures import WIDEST, png_of

PATTERNS_SHOWN = 15
LABEL_WIDTH = 46  # characters a line, of two
OBSERVED_COLOUR = "#2a6f97"
EXPECTED_COLOUR = "#c8553d"


def draw_sequences(patterns: pd.DataFrame, item_names: Mapping[str, str] | None = None) -> bytes:
    """Draw the patterns that are told, the farthest above random orders first: significant and not redundant.

    A row shows how many customers have the pattern, beside how many a random order gives; who goes on to the last step;
    and after how many days.

    Parameters
    ----------
    patterns : DataFrame
        ``patterns`` of `sequences.mine_sequences` and ``is_significant``, the decision of the policy; may be empty.
    item_names : mapping of str to str, optional
        English names by item code; a code without one stands for itself.

    Returns
    -------
    bytes
        A PNG.
    """
    told = patterns[patterns["is_significant"] & ~patterns["is_redundant"]]
    shown = told.head(PATTERNS_SHOWN)
    figure = Figure(figsize=(WIDEST, 1.9 + 0.42 * max(len(shown), 3)), layout="constrained")
    figure.suptitle(_title(patterns, len(told), len(shown)), fontsize=11)
    if shown.empty:
        return png_of(figure)
    counts, confidences, gaps = figure.subplots(1, 3, sharey=True, width_ratios=[1.3, 1, 1])
    rows = np.arange(len(shown))
    counts.barh(rows, shown["customer_count"], color=OBSERVED_COLOUR, height=0.62, label="observed")
    expected = shown["expected_customer_count"]
    counts.scatter(expected, rows, marker="|", s=170, linewidths=2.5, color=EXPECTED_COLOUR, label="random order")
    counts.set_yticks(rows, [_label(elements, item_names or {}) for elements in shown["elements"]], fontsize=8)
    counts.invert_yaxis()
    counts.xaxis.set_major_formatter("{x:,.0f}")
    counts.set_title("customers", fontsize=10)
    # below the axes, because any place within may hold a bar
    counts.legend(fontsize=8, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.08), frameon=False)
    shares = shown["confidence_share"]
    bars = confidences.barh(rows, shares.fillna(0), color=OBSERVED_COLOUR, height=0.62)
    confidences.bar_label(bars, ["" if np.isnan(share) else f"{share:.0%}" for share in shares], padding=3, fontsize=8)
    confidences.set_xlim(0, 1.15)
    confidences.xaxis.set_major_formatter("{x:.0%}")
    confidences.set_title("go on to the last step", fontsize=10)
    gaps.scatter(shown["median_gap_days"], rows, color=OBSERVED_COLOUR)
    for row, days in zip(rows, shown["median_gap_days"], strict=True):
        gaps.annotate(f"{days:g}", (days, row), textcoords="offset points", xytext=(7, -3), fontsize=8)
    gaps.set_xlim(0, 1.2 * shown["median_gap_days"].max())
    gaps.set_title("median days to the last step", fontsize=10)
    for axes in (counts, confidences, gaps):
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
    return png_of(figure)


def _title(patterns: pd.DataFrame, told_count: int, shown_count: int) -> str:
    if not told_count:
        return f"none of {len(patterns):,} patterns is significant and not explained by a part"
    kept = "" if shown_count == told_count else f"the strongest {shown_count} of "
    return (
        f"{kept}{told_count:,} patterns that are significant and not explained by a part, "
        f"of {len(patterns):,} among {patterns['all_customer_count'].iloc[0]:,} customers"
    )


def _label(elements: list[list[str]], item_names: Mapping[str, str]) -> str:
    text = ELEMENT_SEPARATOR.join(
        ITEM_SEPARATOR.join(item_names.get(item, item) for item in element) for element in elements
    )
    return textwrap.fill(text, LABEL_WIDTH, max_lines=2, placeholder=" …")
