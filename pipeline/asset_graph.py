"""A picture of the asset graph, drawn from the real definitions.

Belongs here: layout and drawing. Run as ``python -m pipeline.asset_graph docs/asset-graph.svg``.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import click
import dagster as dg
import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path as Outline

from pipeline.definitions import build_definitions
from pipeline.settings import load_settings

# From files to readers. Groups of one column stand below each other, each in its own block.
COLUMNS = (
    ("from landing files", ("counter", "card", "pos", "atm", "lending", "contact", "ledger", "reference")),
    ("staging, file ledger", ("staging", "ops")),
    ("intermediate", ("intermediate", "seeds")),
    ("the star", ("core",)),
    ("features", ("features",)),
    ("mined, scored", ("mining", "credit")),
    ("published", ("serving",)),
)
COLORS = ("#4e79a7", "#76b7b2", "#b6992d", "#e15759", "#f28e2b", "#59a14f", "#79706e")

# In points: small gaps and narrow boxes leave more of a README page's width to the letters.
COLUMN_WIDTH = 156
BOX_WIDTH = 132
BOX_HEIGHT = 13
ROW_HEIGHT = 16
HEADING_HEIGHT = 15
BLOCK_GAP = 8
MARGIN = 12
TITLE_HEIGHT = 24
LABEL_SIZE = 8
TITLE_SIZE = 11
POINTS_PER_INCH = 72


@dataclass(frozen=True)
class Drawing:
    """Where everything stands, in points from the upper left corner."""

    boxes: dict[dg.AssetKey, tuple[float, float]]
    headings: dict[str, tuple[float, float]]
    height: float

    @property
    def width(self) -> float:
        """Of all columns, with their margins."""
        return 2 * MARGIN + (len(COLUMNS) - 1) * COLUMN_WIDTH + BOX_WIDTH


def draw(definitions: dg.Definitions, target: Path) -> None:
    """Draw every asset in the column of its layer, with a line from each asset to those that read it.

    Parameters
    ----------
    target
        Where to write; the ending chooses the format (svg, png).
    """
    graph = definitions.resolve_asset_graph()
    parents = {key: graph.get(key).parent_keys for key in sorted(graph.materializable_asset_keys)}
    groups = {key: graph.get(key).group_name for key in parents}
    drawing = arrange(parents, groups)
    # labels stay text in an SVG, so that they can be searched and the file stays small
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "asset-graph", "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(drawing.width / POINTS_PER_INCH, drawing.height / POINTS_PER_INCH))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, drawing.width)
        axes.set_ylim(drawing.height, 0)
        axes.axis("off")
        for key, read in parents.items():
            for parent in sorted(read & drawing.boxes.keys()):
                _draw_line(axes, drawing.boxes[parent], drawing.boxes[key], COLORS[_column(groups[parent])])
        for key, place in drawing.boxes.items():
            _draw_box(axes, place, key.path[-1], COLORS[_column(groups[key])])
        for group, (x, y) in drawing.headings.items():
            axes.text(x, y, group, fontsize=LABEL_SIZE, weight="bold", color=COLORS[_column(group)], va="center")
        for column, (title, _) in enumerate(COLUMNS):
            axes.text(
                MARGIN + column * COLUMN_WIDTH, MARGIN, title, fontsize=TITLE_SIZE, weight="bold", va="center",
                color=COLORS[column],
            )  # fmt: skip
        figure.savefig(target, dpi=200, metadata={"Date": None} if target.suffix == ".svg" else None)


def arrange(parents: Mapping[dg.AssetKey, Iterable[dg.AssetKey]], groups: Mapping[dg.AssetKey, str]) -> Drawing:
    """Give each asset a place: its column by its group, its row near the rows of what it reads, for short lines.

    Raises
    ------
    ValueError
        If a group has no column.
    """
    members: dict[str, list[dg.AssetKey]] = defaultdict(list)
    for key, group in groups.items():
        members[group].append(key)
    if strangers := members.keys() - {group for _, of_column in COLUMNS for group in of_column}:
        raise ValueError(f"no column in the picture for the groups {sorted(strangers)}: add them to COLUMNS")
    heights = [sum(_block_height(len(members[group])) for group in of_column) for _, of_column in COLUMNS]
    boxes: dict[dg.AssetKey, tuple[float, float]] = {}
    headings: dict[str, tuple[float, float]] = {}
    for column, (_, of_column) in enumerate(COLUMNS):
        x = MARGIN + column * COLUMN_WIDTH
        y = MARGIN + TITLE_HEIGHT + (max(heights) - heights[column]) / 2
        for group in of_column:
            headings[group] = x, y
            nearness = {key: _mean_row(parents[key], boxes) for key in members[group]}
            for row, key in enumerate(sorted(members[group], key=lambda key: (nearness[key], key)), start=1):
                boxes[key] = x, y + HEADING_HEIGHT - ROW_HEIGHT + row * ROW_HEIGHT
            y += _block_height(len(members[group]))
    return Drawing(boxes, headings, MARGIN + TITLE_HEIGHT + max(heights))


def _block_height(count: int) -> float:
    return HEADING_HEIGHT + count * ROW_HEIGHT + BLOCK_GAP


def _mean_row(read: Iterable[dg.AssetKey], boxes: dict[dg.AssetKey, tuple[float, float]]) -> float:
    rows = [boxes[key][1] for key in read if key in boxes]
    return mean(rows) if rows else 0.0


def _column(group: str) -> int:
    return next(column for column, (_, groups) in enumerate(COLUMNS) if group in groups)


def _draw_line(axes: Axes, start: tuple[float, float], end: tuple[float, float], color: str) -> None:
    (x_from, y_from), (x_to, y_to) = (start[0] + BOX_WIDTH, start[1]), end
    # within a column and back to an earlier one the line leaves and comes by a curve beside the boxes
    bend = max((x_to - x_from) / 2, COLUMN_WIDTH - BOX_WIDTH)
    curve = Outline(
        [(x_from, y_from), (x_from + bend, y_from), (x_to - bend, y_to), (x_to, y_to)],
        [Outline.MOVETO, Outline.CURVE4, Outline.CURVE4, Outline.CURVE4],
    )
    axes.add_patch(PathPatch(curve, fill=False, edgecolor=color, alpha=0.35, linewidth=0.6))


def _draw_box(axes: Axes, place: tuple[float, float], name: str, color: str) -> None:
    x, y = place
    axes.add_patch(
        FancyBboxPatch(
            (x, y - BOX_HEIGHT / 2), BOX_WIDTH, BOX_HEIGHT, boxstyle="round,pad=0,rounding_size=2.5",
            facecolor="white", edgecolor=color, linewidth=0.8, zorder=2,
        )
    )  # fmt: skip
    axes.text(x + 4, y, name, fontsize=LABEL_SIZE, va="center", zorder=3)


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
def main(target: Path) -> None:
    """Draw the asset graph to TARGET (svg or png)."""
    draw(build_definitions(load_settings()), target)


if __name__ == "__main__":
    main()
