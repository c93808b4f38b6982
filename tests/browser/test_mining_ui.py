"""A marketer or a validator opens what was mined: the pictures are drawn, and the cards can be read.

Pages are found by roles and texts, never by classes: those change with every release of Dagster.
"""

import duckdb
import pytest
from conftest import Ui
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.browser

PICTURE = "data:image/png;base64,"
# Too narrow for its letters, a picture is there and says nothing.
LEAST_WIDTH = 300


def opened(ui: Ui, table: str, entry: str) -> Locator:
    """Open the page of a table of schema mining and show an entry of its latest metadata."""
    page = ui.open(f"/assets/mining/{table}")
    page.get_by_role("row", name=entry).get_by_text("Show Markdown").click()
    shown = page.get_by_role("dialog")
    expect(shown).to_be_visible()
    return shown


@pytest.mark.parametrize(
    ("table", "entry"),
    [
        ("customer_segments", "map"),
        ("segment_criteria", "criterion"),
        ("association_rules", "rules"),
        ("sequence_patterns", "patterns"),
    ],
)
def test_the_picture_of_a_result_is_drawn(ui_of_mined_bank, table, entry):
    """Guards pictures in metadata: an image that the browser could read, wide enough to be looked at."""
    dialog = opened(ui_of_mined_bank, table, entry)
    picture = dialog.locator(f"img[src^='{PICTURE}']")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth") >= LEAST_WIDTH
    frame, box = dialog.bounding_box(), picture.bounding_box()
    assert box["x"] + box["width"] <= frame["x"] + frame["width"], "cut off at the right"


def test_the_cards_can_be_read(ui_of_mined_bank):
    """Guards the model cards where they are looked for: name, outcome and limits of each, as text, not as Markdown."""
    with duckdb.connect(ui_of_mined_bank.settings.warehouse, read_only=True) as connection:
        cards = connection.execute(
            "select model_name_en, model_name_zh, text_en from mining.model_cards where section_code = 'outcome'"
        ).fetchall()
    shown = opened(ui_of_mined_bank, "model_cards", "cards")
    for name_en, name_zh, outcome in cards:
        expect(shown.get_by_role("heading", name=f"{name_en} {name_zh}")).to_be_visible()
        expect(shown.get_by_text(outcome).first).to_be_visible()
    assert "**" not in shown.inner_text()
