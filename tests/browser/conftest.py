"""A bank's files, nothing loaded, the UI as `credit-warehouse ui` starts it, and a browser looking at it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from small_bank import LoadedBank, copy_home

from pipeline.settings import HOME_VARIABLE, Settings
from pipeline.simulator.bank import simulate

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 90
STOP_SECONDS = 15
# A slow machine may take long to show what a quick one shows at once.
SHOW_MILLISECONDS = 30_000
LOG_LINES_SHOWN = 30


@dataclass(frozen=True)
class Ui:
    """The UI of one warehouse, open in a browser."""

    address: str
    settings: Settings
    log: Path
    page: Page
    evidence: Path

    def open(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page


OPEN_UI = pytest.StashKey[Ui]()


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Ui]:
    """The UI of a bank of which nothing is loaded yet."""
    chromium = chromium_here()
    folder = tmp_path_factory.mktemp("browser")
    settings = Settings(folder / "home")
    simulate(customers=60, months=1, seed=3, home=settings.home)
    with opened(settings, chromium, folder, pytestconfig) as ui:
        yield ui


@pytest.fixture(scope="module")
def ui_of_mined_bank(
    loaded_bank: LoadedBank, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Ui]:
    """The UI of the small bank, loaded and mined."""
    chromium = chromium_here()
    folder = tmp_path_factory.mktemp("browser")
    settings = Settings(copy_home(loaded_bank.settings.home, folder / "home"))
    with opened(settings, chromium, folder, pytestconfig) as ui:
        yield ui


def chromium_here() -> str:
    chromium = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if chromium is None:
        pytest.skip(f"no browser to test the UI with: install one of {', '.join(CHROMIUM_NAMES)}")
    return chromium


@contextmanager
def opened(settings: Settings, chromium: str, folder: Path, config: pytest.Config) -> Iterator[Ui]:
    """Start the UI of a warehouse as a user does and open a browser on it; both end with the block."""
    port = free_port()
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "pipeline.cli", "ui", "--port", str(port)],
            env={**os.environ, HOME_VARIABLE: str(settings.home)},
            stdout=output,
            stderr=subprocess.STDOUT,
            # its own process group, so that its end is the end of all that it started
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_ready(address, server, log)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
            # tall, because the catalog makes only the rows that can be seen
            page = browser.new_page(viewport={"width": 1400, "height": 1800})
            page.set_default_timeout(SHOW_MILLISECONDS)
            expect.set_options(timeout=SHOW_MILLISECONDS)
            config.stash[OPEN_UI] = Ui(address, settings, log, page, folder)
            yield config.stash[OPEN_UI]
            del config.stash[OPEN_UI]
            browser.close()
    finally:
        stop(server)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{address}/server_info", timeout=5)
            return
        time.sleep(0.5)
    pytest.fail(f"the UI did not start within {START_SECONDS} s; the end of {log}:\n{tail(log)}")


def stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    with suppress(subprocess.TimeoutExpired):
        server.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES_SHOWN:])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep what the browser showed when a test failed, and say where it is."""
    report = yield
    seen = item.config.stash.get(OPEN_UI, None)
    if report.failed and seen:
        picture = seen.evidence / f"{item.name}.png"
        seen.page.screenshot(path=picture)
        report.sections.append(("what the browser showed", str(picture)))
        report.sections.append((f"the end of {seen.log}", tail(seen.log)))
    return report
