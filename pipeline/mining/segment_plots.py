"""Pictures of segments, as PNG bytes for whoever shows them.

Belongs here: drawing what ``segments`` and ``segment_drift`` found. Does not belong here: computing it.
Texts are English, because the fonts that matplotlib carries have no Chinese characters.
"""

import textwrap

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pipeline.mining.segment_profiles import figure_text
from pipeline.mining.segment_scaling import scaled_values
from pipeline.mining.segments import Segmentation
from pipeline.pictures import WIDEST, png_of

NAME_WIDTH = 38
LEGEND_NAME_WIDTH = 44
CUSTOMERS_ON_MAP = 4_000  # more only hide each other
BEHAVIOURS_ON_MAP = 6


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
    profiles = segmentation.profiles.set_index("segment_code")
    by_segment = table.pivot(index="segment_code", columns="behaviour_name_en", values=["deviation", "mean_value"])
    deviation = by_segment["deviation"].loc[profiles.index, order]
    mean = by_segment["mean_value"].loc[profiles.index, order]
    measures = table.drop_duplicates("behaviour_name_en").set_index("behaviour_name_en").loc[order, "measure"].tolist()

    figure = Figure(figsize=(WIDEST, 2.4 + 0.75 * len(deviation)), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(deviation, cmap="RdBu_r", vmin=-2, vmax=2, aspect="auto")
    axes.set_xticks(range(len(order)), order, rotation=40, ha="right", rotation_mode="anchor", fontsize=8)
    labels = [
        f"{textwrap.fill(f'{code}  {name}', NAME_WIDTH)}\n{share:.1%} of customers"
        for code, name, share in zip(profiles.index, profiles["name_en"], profiles["customer_share"], strict=True)
    ]
    axes.set_yticks(range(len(deviation)), labels, fontsize=8)
    deviations, means = deviation.to_numpy(), mean.to_numpy()
    for row, column in np.ndindex(deviations.shape):
        is_dark = abs(deviations[row, column]) > 1.2
        axes.text(
            column,
            row,
            _cell_text(float(means[row, column]), measures[column]),
            ha="center",
            va="center",
            fontsize=6.5,
            color="white" if is_dark else "black",
        )
    axes.set_title(
        f"Mean per customer, coloured by distance from the bank's mean\n{_finding(segmentation)}", fontsize=10
    )
    figure.colorbar(image, label="standard deviations", extend="both", aspect=50, pad=0.01)
    return png_of(figure)


def draw_criterion(segmentation: Segmentation) -> bytes:
    """Draw separation and stability by number of segments, with the chosen number and the shuffled tables marked.

    Parameters
    ----------
    segmentation : Segmentation

    Returns
    -------
    bytes
        A PNG.
    """
    criterion = segmentation.criterion
    counts = criterion["segment_count"]
    chosen = int(criterion.loc[criterion["is_chosen"], "segment_count"].iloc[0])
    figure = Figure(figsize=(9, 4.4), layout="constrained")
    stability, separation = figure.subplots(1, 2)
    stability.plot(counts, criterion["stability"], marker="s", label="whole division (adjusted Rand index)")
    stability.plot(counts, criterion["smallest_jaccard"], marker="^", label="weakest segment (Jaccard)")
    stability.set_ylim(0, 1.05)
    stability.set_title("stability", fontsize=10)
    separation.plot(counts, criterion["silhouette"], marker="o", label="silhouette")
    separation.plot(
        counts,
        criterion["highest_null_silhouette"],
        marker=".",
        color="grey",
        linestyle="--",
        label="shuffled, highest",
    )
    separation.plot(
        counts,
        criterion["null_silhouette"] + criterion["chance_excess"],
        color="grey",
        linestyle=":",
        label="chance ends here",
    )
    separation.set_ylim(min(0.0, float(criterion["null_silhouette"].min())), None)
    separation.set_title("separation", fontsize=10)
    for axes in (stability, separation):
        eligible = criterion[criterion["is_eligible"]]["segment_count"]
        axes.plot(
            eligible, np.full(len(eligible), axes.get_ylim()[0]), "|", color="green", ms=18, mew=3, label="eligible"
        )
        axes.axvline(chosen, color="black", linestyle=":", label=f"chosen: {chosen}")
        axes.set_xticks(counts)
        axes.set_xlabel("number of segments")
        # below the axes, because any place within may hold a line
        axes.legend(fontsize=8, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.16), frameon=False)
        axes.grid(alpha=0.3)
    figure.suptitle(_finding(segmentation), fontsize=10)
    return png_of(figure)


def draw_segment_map(segmentation: Segmentation, features: pd.DataFrame, seed: int) -> bytes:
    """Draw a sample of customers on the plane that shows the segments' centres farthest apart.

    The plane is spanned by the first two principal components of the centres, each weighted by the customers of its
    segment; with fewer than three segments, by those of the customers.

    Parameters
    ----------
    segmentation : Segmentation
    features : DataFrame
        What the segments were fitted to: ``customer_key`` and the behaviours.
    seed : int
        For the sample.

    Returns
    -------
    bytes
        A PNG: customers as dots in the colour of their segment, centres as codes, and the six behaviours that the
        plane shows best as arrows.
    """
    centroids = segmentation.centroids
    scaling = centroids[centroids["segment_code"] == "S1"]
    customers = features.sort_values("customer_key", ignore_index=True)
    drawn = np.sort(
        np.random.default_rng(seed).choice(len(customers), size=min(CUSTOMERS_ON_MAP, len(customers)), replace=False)
    )
    scaled = scaled_values(customers.iloc[drawn], scaling)
    codes = segmentation.assignments.set_index("customer_key").loc[
        customers["customer_key"].iloc[drawn], "segment_code"
    ]
    profiles = segmentation.profiles
    centres = centroids["scaled_centre"].to_numpy().reshape(len(profiles), -1)
    plane = _plane(scaled, centres, profiles["customer_share"].to_numpy())
    points, middles = scaled @ plane, centres @ plane

    figure = Figure(figsize=(WIDEST, 6.2), layout="constrained")
    axes = figure.subplots()
    for position, (code, name) in enumerate(zip(profiles["segment_code"], profiles["name_en"], strict=True)):
        is_own = codes.to_numpy() == code
        colour = colormaps["tab10"](position % 10)
        label = textwrap.fill(f"{code}  {name}", LEGEND_NAME_WIDTH)
        axes.scatter(points[is_own, 0], points[is_own, 1], s=5, alpha=0.45, color=colour, label=label, linewidths=0)
        axes.text(
            middles[position, 0],
            middles[position, 1],
            code,
            ha="center",
            va="center",
            fontweight="bold",
            bbox={"boxstyle": "round", "facecolor": "white", "edgecolor": colour, "linewidth": 2},
            zorder=6,  # above the names of the behaviours
        )
    axes.margins(0.12)
    _draw_arrows(axes, plane, scaled, segmentation)
    axes.set_xlabel("first direction")
    axes.set_ylabel("second direction")
    axes.set_title(f"{len(drawn):,} of {len(customers):,} customers\n{_finding(segmentation)}", fontsize=10)
    legend = figure.legend(loc="outside right upper", fontsize=8, markerscale=3)
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1)
    return png_of(figure)


def _plane(scaled: np.ndarray, centres: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return two orthonormal directions, one per column, with the sign that makes their largest part positive."""
    spread = scaled - scaled.mean(axis=0)
    if len(centres) >= 3:
        spread = (centres - shares @ centres) * np.sqrt(shares)[:, None]
    with threadpool_limits(limits=1):
        directions = np.linalg.svd(spread, full_matrices=False)[2][:2].T
    if directions.shape[1] < 2:  # a single behaviour varies: the plane is a line
        directions = np.column_stack([directions, np.zeros(len(directions))])
    largest = np.abs(directions).argmax(axis=0)
    signs = np.where(directions[largest, [0, 1]] < 0, -1.0, 1.0)
    return directions * signs


def _draw_arrows(axes: Axes, plane: np.ndarray, scaled: np.ndarray, segmentation: Segmentation) -> None:
    """Draw where more of a behaviour points to; as long as the farthest customers are far."""
    centroids = segmentation.centroids
    names = segmentation.behaviours.drop_duplicates("behaviour").set_index("behaviour")["behaviour_name_en"]
    columns = centroids.loc[centroids["segment_code"] == "S1", "behaviour"]
    arrows = plane * scaled.std(axis=0)[:, None]
    lengths = np.linalg.norm(arrows, axis=1)
    arrows = arrows / lengths.max() * np.quantile(np.linalg.norm(scaled @ plane, axis=1), 0.98)
    shown = np.argsort(-lengths, kind="stable")[:BEHAVIOURS_ON_MAP]
    label_heights = _apart(arrows[shown, 1] * 1.06, 0.035 * float(np.ptp(axes.get_ylim())))
    for position, height in zip(shown, label_heights, strict=True):
        head = arrows[position]
        axes.annotate("", xy=(head[0], head[1]), xytext=(0, 0), arrowprops={"arrowstyle": "->", "color": "dimgrey"})
        label = axes.text(
            head[0] * 1.06,
            height,
            names[columns.iloc[position]],
            fontsize=8,
            ha="left" if head[0] >= 0 else "right",
            bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1},
            zorder=5,
        )
        label.set_in_layout(False)  # a label that ends outside must not squeeze the map


def _apart(heights: np.ndarray, least: float) -> np.ndarray:
    """Move heights upwards, from the lowest on, until each is at least so far from the one below."""
    order = np.argsort(heights, kind="stable")
    steps = np.arange(len(heights)) * least
    moved = np.empty_like(heights)
    moved[order] = np.maximum.accumulate(heights[order] - steps) + steps
    return moved


def draw_drift(drift: pd.DataFrame, profiles: pd.DataFrame) -> bytes:
    """Draw the shares of the segments over months, and the population stability index above them.

    Parameters
    ----------
    drift : DataFrame
        As ``segment_drift.segment_drift`` returns it.
    profiles : DataFrame
        Of the segmentation: names.

    Returns
    -------
    bytes
        A PNG.
    """
    shares = drift.pivot(index="month_end_date", columns="segment_code", values="customer_share")
    shares = shares.reindex(columns=profiles["segment_code"], fill_value=0)
    index = drift.groupby("month_end_date")["population_stability_index"].first()
    months = [f"{month:%Y-%m}" for month in pd.to_datetime(shares.index)]
    figure = Figure(figsize=(WIDEST, 5.4), layout="constrained")
    axes = figure.subplots()
    bottom = np.zeros(len(shares))
    for position, (code, name) in enumerate(zip(profiles["segment_code"], profiles["name_en"], strict=True)):
        heights = shares[code].to_numpy()
        label = textwrap.fill(f"{code}  {name}", LEGEND_NAME_WIDTH)
        axes.bar(months, heights, bottom=bottom, color=colormaps["tab10"](position % 10), label=label, width=0.85)
        for month, (height, start) in enumerate(zip(heights, bottom, strict=True)):
            if height >= 0.04:
                axes.text(month, start + height / 2, f"{height:.0%}", ha="center", va="center", fontsize=8)
        bottom = bottom + heights
    for month, value in enumerate(index):
        axes.text(month, 1.01, f"{value:.2f}", ha="center", va="bottom", fontsize=8)
    axes.set_ylim(0, 1.06)
    axes.tick_params(axis="x", labelsize=8, rotation=30)
    axes.set_ylabel("share of active persons")
    axes.set_title(
        "Segments by month, centres unchanged\nabove: population stability index (from 0.1 look, from 0.25 fit anew)",
        fontsize=10,
    )
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right upper", fontsize=8)
    return png_of(figure)


def _cell_text(value: float, measure: str) -> str:
    # a cell has room for six characters
    return f"{value / 1_000:,.0f}k" if measure == "amount" and abs(value) >= 100_000 else figure_text(value, measure)


def _finding(segmentation: Segmentation) -> str:
    criterion = segmentation.criterion
    chosen = criterion[criterion["is_chosen"]].iloc[0]
    words = "no structure" if segmentation.outcome == "no_structure" else f"{segmentation.segment_count} segments"
    return (
        f"{words}: silhouette {segmentation.silhouette:.2f}, {chosen['excess']:.2f} above shuffled tables "
        f"(chance: up to {chosen['chance_excess']:.2f}), stability {segmentation.stability:.2f}"
    )
