"""Chromium and a Jupyter server for the tests of this folder; they skip where either is missing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from heard import Heard
from jupyter_apps import JupyterServer
from notebook_page import App, NotebookPage
from traffic import Traffic, is_here

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--autoplay-policy=no-user-gesture-required",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
SIZE = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def chromium() -> str:
    """Give the program."""
    pytest.importorskip("playwright", reason="playwright is not installed (pip: playwright)")
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium on the path (Debian: chromium)")
    return found


@pytest.fixture(scope="module")  # not longer: its event loop would be in the way of other tests' loops
def browser(chromium: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def jupyter(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """Give a running server of JupyterLab and Notebook 7."""
    pytest.importorskip("notebook", reason="Notebook 7 is not installed (pip: notebook)")
    server = JupyterServer(tmp_path_factory.mktemp("jupyter"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Give a browser context with nothing in it."""
    made = browser.new_context(viewport=SIZE)
    made.set_default_timeout(30_000)
    yield made
    made.close()


@pytest.fixture
def traffic(context: BrowserContext) -> Traffic:
    """Give the record of what the context asks for."""
    return Traffic(context)


@pytest.fixture
def heard(context: BrowserContext) -> Heard:
    """Give the recorder of what is heard; asked for before a notebook is opened."""
    return Heard(context)


@pytest.fixture
def open_notebook(
    jupyter: JupyterServer, context: BrowserContext, traffic: Traffic, request: pytest.FixtureRequest
) -> Iterator[Callable[..., NotebookPage]]:
    """Give a function that opens a new notebook of the cells given; afterwards nothing may have left this machine."""
    opened: list[NotebookPage] = []

    def make(cells: list[str], app: App = "lab") -> NotebookPage:
        name = f"{request.node.originalname}-{len(list(jupyter.root.glob('*.ipynb')))}.ipynb"
        jupyter.write_notebook(name, cells)
        notebook = NotebookPage(context.new_page(), jupyter, name, app)
        opened.append(notebook)
        notebook.open()
        return notebook

    yield make
    assert traffic.websockets(), "the record must have seen the kernel's websocket"
    assert traffic.abroad() == []
    assert [host for host in jupyter.hosts() if not is_here(host)] == []
    for notebook in opened:
        notebook.page.close()
    jupyter.shut_down_kernels()


@pytest.fixture
def folder(jupyter: JupyterServer, request: pytest.FixtureRequest) -> Path:
    """Give an empty folder beside the notebooks."""
    made = jupyter.root / f"{request.node.originalname}-{len(list(jupyter.root.iterdir()))}"
    made.mkdir()
    return made
