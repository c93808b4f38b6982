"""Pictures of association rules, as PNG bytes for whoever shows them.

Belongs here: drawing what ``associations`` found. Does not belong here: computing it.
Texts are English, because the fonts that matplotlib carries have no Chinese characters.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pipeline.pictures import WIDEST, png_of

RULES_LABELLED = 8
LABEL_LENGTH = 60
MOST_ANTECEDENTS = 24  # rows of the matrix that are still legible
MOST_CONSEQUENTS = 16
SIDE_LABEL_LENGTH = 36


def draw_rules(rules: pd.DataFrame, names: Mapping[str, str] | None = None) -> bytes:
    """Draw rules by support and confidence, coloured by lift; the rules with the highest lift are named.

    Only rules that are not redundant; those that are not significant are drawn as crosses and not named.

    Parameters
    ----------
    rules : DataFrame
        ``Associations.rules`` of `associations.mine_rules` and ``is_significant``, the decision of the policy; may be
        empty.
    names : mapping of str to str, optional
        What to show for an item's code; the code where there is nothing.

    Returns
    -------
    bytes
        A PNG.
    """
    told = _renamed(rules[~rules["is_redundant"]], names)
    is_doubtful = ~told["is_significant"]
    named = told[~is_doubtful].head(RULES_LABELLED).to_dict("records")
    figure = Figure(figsize=(9, 5 + 0.2 * len(named)), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel("support: share of customers that use all items of the rule")
    axes.set_ylabel("confidence: share of those with A that use C")
    axes.grid(alpha=0.3)
    axes.xaxis.set_major_formatter("{x:.1%}")
    axes.yaxis.set_major_formatter("{x:.0%}")
    if told.empty:
        axes.set_title("no rule reaches the limits")
        return png_of(figure)
    # the highest lift last, so that it lies on top
    drawn = told[~is_doubtful].iloc[::-1]
    points = axes.scatter(
        drawn["support_share"], drawn["confidence_share"], c=drawn["lift"], cmap="viridis", s=22, alpha=0.8
    )
    axes.scatter(
        told.loc[is_doubtful, "support_share"],
        told.loc[is_doubtful, "confidence_share"],
        marker="x",
        c="tab:red",
        s=22,
        label=f"{is_doubtful.sum():,} not significant",
    )
    if is_doubtful.any():
        axes.legend(loc="upper right", fontsize=8)
    figure.colorbar(points, label="lift")
    for number, row in enumerate(named, start=1):
        place = (row["support_share"], row["confidence_share"])
        axes.annotate(
            str(number),
            place,
            textcoords="offset points",
            xytext=(5, 5),
            fontsize=8,
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "grey", "alpha": 0.85},
        )
    legend = "\n".join(
        f"{number}  {_shortened(row['antecedent'] + ' → ' + row['consequent'], LABEL_LENGTH)}  (lift {row['lift']:.1f})"
        for number, row in enumerate(named, start=1)
    )
    # as a title of the whole figure at its foot, because the layout makes room for that
    figure.supxlabel(legend, fontsize=8, ha="left", x=0.02, family="monospace")
    axes.set_title(
        f"{len(told):,} rules A → C among {told['all_customer_count'].iloc[0]:,} customers"
        f" ({len(rules) - len(told):,} redundant ones left out)"
    )
    return png_of(figure)


def draw_rule_matrix(rules: pd.DataFrame, names: Mapping[str, str] | None = None) -> bytes:
    """Draw the strongest rules as a matrix: a row per antecedent, a column per consequent, coloured by lift.

    Only rules that are significant and not redundant. Antecedents with one consequent stand together, so that what
    leads to the same item is seen at once; the number in a cell is the confidence.

    Parameters
    ----------
    rules : DataFrame
        As in `draw_rules`, highest lift first; may be empty.
    names : mapping of str to str, optional
        What to show for an item's code; the code where there is nothing.

    Returns
    -------
    bytes
        A PNG.
    """
    told = _renamed(rules[rules["is_significant"] & ~rules["is_redundant"]], names)
    shown = told[told["consequent"].isin(told["consequent"].drop_duplicates().head(MOST_CONSEQUENTS))]
    shown = shown[shown["antecedent"].isin(shown["antecedent"].drop_duplicates().head(MOST_ANTECEDENTS))]
    # both sides in the order of their strongest rule; rules come by lift
    consequents = list(shown["consequent"].drop_duplicates())
    antecedents = list(
        shown.assign(place=shown["consequent"].map(consequents.index))
        .sort_values(["place", "lift"], ascending=[True, False], kind="stable")["antecedent"]
        .drop_duplicates()
    )
    figure = Figure(
        figsize=(min(WIDEST, 5 + 0.45 * len(consequents)), 3.5 + 0.28 * len(antecedents)), layout="constrained"
    )
    axes = figure.subplots()
    if shown.empty:
        axes.set_axis_off()
        axes.set_title("no rule says more than chance and than its shorter forms")
        return png_of(figure)
    # NaN where there is no rule; of items with one name the strongest
    lifts, confidences = (
        shown.pivot_table(index="antecedent", columns="consequent", values=measure, aggfunc="max")
        .loc[antecedents, consequents]
        .to_numpy(dtype=np.float64)
        for measure in ("lift", "confidence_share")
    )
    image = axes.imshow(lifts, cmap="viridis", aspect="auto")
    figure.colorbar(image, label="lift")
    middle = (np.nanmin(lifts) + np.nanmax(lifts)) / 2
    for row, column in np.argwhere(~np.isnan(lifts)):
        axes.text(
            column,
            row,
            f"{confidences[row, column]:.0%}",
            ha="center",
            va="center",
            fontsize=7,
            color="white" if lifts[row, column] < middle else "black",
        )
    axes.set_xticks(
        range(len(consequents)),
        [_shortened(text, SIDE_LABEL_LENGTH) for text in consequents],
        rotation=40,
        ha="right",
        rotation_mode="anchor",
        fontsize=8,
    )
    axes.set_yticks(range(len(antecedents)), [_shortened(text, SIDE_LABEL_LENGTH) for text in antecedents], fontsize=8)
    axes.set_xlabel("C: used, too")
    axes.set_ylabel("A: used")
    axes.set_title(f"{len(shown):,} of {len(told):,} rules A → C; cells: share of those with A that use C", fontsize=10)
    return png_of(figure)


def _renamed(rules: pd.DataFrame, names: Mapping[str, str] | None) -> pd.DataFrame:
    """Show items by name."""
    if names is None:
        return rules
    return rules.assign(
        **{
            side: [" & ".join(names.get(code, code) for code in codes) for codes in rules[f"{side}_items"]]
            for side in ("antecedent", "consequent")
        }
    )


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
