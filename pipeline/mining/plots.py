"""Pictures of segments and rules, as PNG bytes for whoever shows them.

Belongs here: drawing what the frames of ``segments`` and ``associations`` say. Does not belong here: computing them.
Texts are English, because the fonts that matplotlib carries have no Chinese characters.
"""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pipeline.mining.segments import Segmentation, figure_text
from pipeline.pictures import png_of

RULES_LABELLED = 8
LABEL_LENGTH = 60
NAME_WIDTH = 38


def draw_profiles(segmentation: Segmentation) -> bytes:
    """Draw how far each segment deviates from the bank, behaviour by behaviour, in standard deviations.

    Parameters
    ----------
    segmentation : Segmentation

    Returns
    -------
    bytes
        A PNG: a heat map, one row per segment; the figures are the segments' means.
    """
    table = segmentation.behaviours
    order = list(dict.fromkeys(table["behaviour_name_en"]))
    deviation = table.pivot(index="segment_code", columns="behaviour_name_en", values="deviation")[order]
    mean = table.pivot(index="segment_code", columns="behaviour_name_en", values="mean_value")[order]
    measures = segmentation.scaling.set_index("behaviour")["measure"]
    measure_of_column = [measures[name] for name in dict.fromkeys(table["behaviour"])]
    profiles = segmentation.profiles.set_index("segment_code").loc[deviation.index]

    figure = Figure(figsize=(4.5 + 0.95 * len(order), 1.9 + 0.75 * len(deviation)), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(deviation, cmap="RdBu_r", vmin=-2, vmax=2, aspect="auto")
    axes.set_xticks(range(len(order)), order, rotation=35, ha="right", rotation_mode="anchor")
    labels = [
        f"{textwrap.fill(f'{code}  {name}', NAME_WIDTH)}\n{share:.1%} of customers"
        for code, name, share in zip(deviation.index, profiles["name_en"], profiles["customer_share"], strict=True)
    ]
    axes.set_yticks(range(len(deviation)), labels, fontsize=8)
    deviations, means = deviation.to_numpy(), mean.to_numpy()
    for row, column in np.ndindex(deviations.shape):
        is_dark = abs(deviations[row, column]) > 1.2
        axes.text(
            column,
            row,
            figure_text(float(means[row, column]), measure_of_column[column]),
            ha="center",
            va="center",
            fontsize=8,
            color="white" if is_dark else "black",
        )
    axes.set_title(
        f"{segmentation.segment_count} segments: mean per customer, coloured by distance from the bank's mean\n"
        f"silhouette {segmentation.silhouette:.2f}, stability {segmentation.stability:.2f}",
        fontsize=10,
    )
    figure.colorbar(image, label="standard deviations", extend="both")
    return png_of(figure)


def draw_criterion(segmentation: Segmentation) -> bytes:
    """Draw silhouette and stability by number of segments, with the chosen number marked.

    Parameters
    ----------
    segmentation : Segmentation

    Returns
    -------
    bytes
        A PNG.
    """
    criterion = segmentation.criterion
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(criterion["segment_count"], criterion["silhouette"], marker="o", label="silhouette")
    axes.plot(criterion["segment_count"], criterion["stability"], marker="s", label="stability (adjusted Rand index)")
    axes.axvline(segmentation.segment_count, color="grey", linestyle=":", label=f"chosen: {segmentation.segment_count}")
    axes.set_xticks(criterion["segment_count"])
    axes.set_ylim(min(0.0, float(criterion[["silhouette", "stability"]].min().min())), 1.05)
    axes.set_xlabel("number of segments")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    return png_of(figure)


def draw_rules(rules: pd.DataFrame) -> bytes:
    """Draw every rule by support and confidence, coloured by lift; the rules with the highest lift are named.

    Parameters
    ----------
    rules : DataFrame
        From `associations.mine_rules`; may be empty.

    Returns
    -------
    bytes
        A PNG.
    """
    named = rules.head(RULES_LABELLED).to_dict("records")
    figure = Figure(figsize=(9, 5 + 0.2 * len(named)), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel("support: share of customers that use all items of the rule")
    axes.set_ylabel("confidence: share of those with A that use C")
    axes.grid(alpha=0.3)
    axes.xaxis.set_major_formatter("{x:.1%}")
    axes.yaxis.set_major_formatter("{x:.0%}")
    if rules.empty:
        axes.set_title("no rule reaches the limits")
        return png_of(figure)
    # the highest lift last, so that it lies on top
    drawn = rules.iloc[::-1]
    points = axes.scatter(
        drawn["support_share"], drawn["confidence_share"], c=drawn["lift"], cmap="viridis", s=22, alpha=0.8
    )
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
    axes.set_title(f"{len(rules):,} rules A → C among {rules['all_customer_count'].iloc[0]:,} customers")
    return png_of(figure)


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
