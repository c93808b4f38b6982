"""A picture of the asset graph, drawn from the real definitions.

Belongs here: layout and drawing. Run as ``python -m pipeline.asset_graph docs/asset-graph.svg``.
"""

from collections import defaultdict
from pathlib import Path

import click
import dagster as dg
import matplotlib as mpl
from matplotlib.figure import Figure

from pipeline.definitions import build_definitions
from pipeline.settings import load_settings

# From files to readers; a group that is not named here is drawn by its depth, before the readers.
COLUMNS = (
    ("landing files to raw zone", ("counter", "card", "pos", "atm", "lending", "contact", "ledger", "reference")),
    ("staging", ("staging",)),
    ("intermediate, seeds", ("intermediate", "seeds")),
    ("core: the star", ("core",)),
    ("features", ("features",)),
    ("mining, credit", ("mining", "credit")),
    ("ops, publication", ("ops", "serving")),
)
COLORS = ("#4e79a7", "#a0cbe8", "#b6992d", "#e15759", "#f28e2b", "#59a14f", "#79706e")
COLUMN_WIDTH = 4.0
ROW_HEIGHT = 1.0


def draw(definitions: dg.Definitions, target: Path) -> None:
    """Draw every asset in the column of its layer, with an arrow from each asset to those that read it.

    Parameters
    ----------
    target
        Where to write; the ending chooses the format (svg, png).
    """
    graph = definitions.resolve_asset_graph()
    keys = sorted(graph.materializable_asset_keys)
    columns: dict[int, list[dg.AssetKey]] = defaultdict(list)
    for key in keys:
        columns[_column(graph.get(key).group_name)].append(key)
    tallest = max(map(len, columns.values()))
    places = {
        key: (column * COLUMN_WIDTH, (tallest - len(members)) / 2 + row * ROW_HEIGHT)
        for column, members in columns.items()
        for row, key in enumerate(members)
    }
    # labels stay text in an SVG, so that they can be searched and the file stays small
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "asset-graph"}):
        figure = Figure(figsize=(21, tallest * 0.42 + 1))
        axes = figure.add_axes((0, 0, 1, 1))
        for key in keys:
            for parent in sorted(graph.get(key).parent_keys & places.keys()):
                (x_from, y_from), (x_to, y_to) = places[parent], places[key]
                axes.annotate(
                    "",
                    xy=(x_to - 0.05, y_to),
                    xytext=(x_from + 2.75, y_from),
                    arrowprops={"arrowstyle": "-", "color": "#999999", "alpha": 0.35, "linewidth": 0.7},
                )
        for key, (x, y) in places.items():
            axes.text(
                x,
                y,
                "/".join(key.path),
                fontsize=8.5,
                verticalalignment="center",
                bbox={
                    "boxstyle": "round,pad=0.25",
                    "facecolor": "white",
                    "edgecolor": COLORS[_column(graph.get(key).group_name)],
                },
            )
        for column, (title, _) in enumerate(COLUMNS):
            axes.text(column * COLUMN_WIDTH, -1.4, title, fontsize=12, weight="bold", color=COLORS[column])
        axes.set_xlim(-0.3, len(COLUMNS) * COLUMN_WIDTH)
        axes.set_ylim(tallest, -2.2)
        axes.axis("off")
        figure.savefig(target, metadata={"Date": None} if target.suffix == ".svg" else None)


def _column(group: str) -> int:
    for column, (_, groups) in enumerate(COLUMNS):
        if group in groups:
            return column
    raise ValueError(f"group {group!r} has no column in the picture: add it to COLUMNS")


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
def main(target: Path) -> None:
    """Draw the asset graph to TARGET (svg or png)."""
    draw(build_definitions(load_settings()), target)


if __name__ == "__main__":
    main()
