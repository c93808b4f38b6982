"""The picture of the asset graph in the README."""

import itertools
from collections import Counter
from xml.etree import ElementTree

import dagster as dg
import pytest

from pipeline.asset_graph import BOX_HEIGHT, COLUMN_WIDTH, COLUMNS, arrange
from pipeline.definitions import build_definitions
from pipeline.settings import PROJECT_ROOT, Settings

PICTURE = PROJECT_ROOT / "docs" / "asset-graph.svg"


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    return build_definitions(Settings(tmp_path_factory.mktemp("home"))).resolve_asset_graph()


def test_picture_in_the_readme_names_exactly_the_assets(graph):
    """Guards against an old picture: `python -m pipeline.asset_graph docs/asset-graph.svg` draws it anew."""
    written = Counter(
        "".join(text.itertext()).strip() for text in ElementTree.parse(PICTURE).iter("{http://www.w3.org/2000/svg}text")
    )
    keys = graph.materializable_asset_keys
    groups = {graph.get(key).group_name for key in keys}

    assert written == Counter(key.path[-1] for key in keys) + Counter(groups) + Counter(title for title, _ in COLUMNS)


def test_no_two_boxes_overlap(graph):
    """Guards the layout: within a column, boxes keep their height from each other."""
    keys = graph.materializable_asset_keys
    drawing = arrange(
        {key: graph.get(key).parent_keys for key in keys}, {key: graph.get(key).group_name for key in keys}
    )
    columns = itertools.groupby(sorted(drawing.boxes.values()), key=lambda place: place[0])
    rows = {x: [y for _, y in places] for x, places in columns}

    assert all(lower - upper > BOX_HEIGHT for ys in rows.values() for upper, lower in itertools.pairwise(ys))
    assert all(right - left == COLUMN_WIDTH for left, right in itertools.pairwise(rows))
    assert max(y for ys in rows.values() for y in ys) + BOX_HEIGHT <= drawing.height


def test_group_without_a_column_is_named():
    """Guards a new group of assets: it is asked for, not left out of the picture."""
    key = dg.AssetKey(["weather", "rain"])
    with pytest.raises(ValueError, match="weather"):
        arrange({key: []}, {key: "weather"})
