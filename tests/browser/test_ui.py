"""A newcomer opens the UI, finds the assets, loads one date by clicking, and sees that it worked.

Pages are found by roles and texts, never by classes: those change with every release of Dagster.
"""

import json
import re
import urllib.request
from datetime import date

import duckdb
import pytest
from playwright.sync_api import expect

from pipeline.extracts.contracts import load_contracts
from pipeline.warehouse import open_warehouse

pytestmark = pytest.mark.browser

FEED = "atm_transactions"
DAY = date(2025, 1, 14)
LAYERS = {"staging", "intermediate", "core", "features", "mining", "credit", "ops", "serving"}
STAR = ["dim_customer", "dim_account", "dim_product", "dim_date", "fct_transactions", "fct_account_months"]
RUN_MILLISECONDS = 90_000
ENDED = re.compile(r"^(Success|Failure|Canceled)$")
# until its font is there, the icon of another entry is called column_lineage
NAVIGATION_TO_LINEAGE = re.compile(r"\bLineage$")


@pytest.fixture(scope="module")
def loaded_day(ui):
    """One partition of one feed, materialized by clicking; the UI has said that the run succeeded."""
    page = ui.open(f"/assets/raw/{FEED}")
    page.get_by_role("button", name="Materialize").first.click()
    dialog = page.get_by_role("dialog")
    # the files are of a past year, and the dialog begins with the last 90 days
    dialog.get_by_role("button", name="Show all partitions").click()
    chosen = dialog.get_by_role("textbox").first
    chosen.fill(DAY.isoformat())
    chosen.press("Tab")
    dialog.get_by_role("button", name="Launch 1 run").click()
    expect(dialog).to_have_count(0)
    page = ui.open("/runs")
    expect(page.get_by_text(f"partition: {DAY}", exact=True).first).to_be_visible()
    # of the only run of this warehouse
    status = page.get_by_text(ENDED)
    expect(status).to_have_count(1, timeout=RUN_MILLISECONDS)
    expect(status).to_have_text("Success")


@pytest.mark.usefixtures("loaded_day")
def test_a_date_is_loaded_by_clicking(ui):
    """Guards the way from a click to the raw zone: the UI says success, and the day's rows are there, all of them."""
    sidecar = next((ui.settings.landing / FEED / str(DAY)).glob("*.ctl"))
    dropped = dict(line.split("=", 1) for line in sidecar.read_text(encoding="utf-8").splitlines())
    day = ui.settings.raw / FEED / f"business_date={DAY}" / "data.parquet"
    with open_warehouse(ui.settings) as connection:
        ledger = connection.execute(
            "select feed, business_date, status, rows_loaded, control_rows from ops.extract_files"
        ).fetchall()
    assert duckdb.read_parquet(str(day)).shape[0] == int(dropped["rows"])
    assert ledger == [(FEED, DAY, "loaded", int(dropped["rows"]), int(dropped["rows"]))]


@pytest.mark.usefixtures("loaded_day")
def test_the_check_is_shown_as_passed_on_the_asset_it_guards(ui):
    """Guards what a data steward looks for first: nothing lost, said beside the data."""
    page = ui.open(f"/assets/raw/{FEED}?view=checks")
    expect(page.get_by_text("nothing_lost", exact=True).first).to_be_visible()
    expect(page.get_by_text("Succeeded", exact=True).first).to_be_visible()


def test_the_lineage_shows_every_group_and_the_star(ui):
    """Guards the map of the house: layers and source systems as groups, the star's tables in theirs."""
    page = ui.open("/")
    page.get_by_role("link", name=NAVIGATION_TO_LINEAGE).click()
    for group in sorted(LAYERS | {contract.source_system for contract in load_contracts().values()}):
        expect(page.get_by_text(group, exact=True).first).to_be_visible()

    page = ui.open("/assets")
    for table in STAR:
        expect(page.get_by_role("link", name=f"core / {table}").first).to_be_visible()


def test_nobody_is_invited_watched_or_let_in_from_outside(ui):
    """Guards a bank's machine: no newsletter, no telemetry, and only the loopback address answers."""
    page = ui.open("/")
    expect(page.get_by_role("link", name="Catalog")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    with urllib.request.urlopen(
        f"{ui.address}/graphql?query={{canSeeTelemetry:instance{{info}}}}", timeout=30
    ) as answer:
        info = json.load(answer)["data"]["canSeeTelemetry"]["info"]
    assert "telemetry:\n  enabled: false" in info


@pytest.mark.usefixtures("loaded_day")
def test_the_log_tells_of_no_trouble(ui):
    """Guards against failures that the pages hide, and against warnings that would bury the next one."""
    lines = ui.log.read_text(encoding="utf-8", errors="replace").splitlines()
    assert [line for line in lines if any(word in line for word in ("Traceback", "Error", "ERROR", "WARNING"))] == []
