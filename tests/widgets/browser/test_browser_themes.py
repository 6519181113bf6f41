"""The widget follows the theme of the application, and fits a narrow window. RELAY_SHOTS=FOLDER keeps the pictures."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from annotator_page import shown_by

from relaylib.demo import load_demo
from relaylib.formats import write_manifest
from relaylib.types import Manifest

SHOTS = os.environ.get("RELAY_SHOTS")

# The paper of the lanes, on the canvas itself: all of the picture is drawn anew where this is.
PAPER = """(canvas, [top, bottom]) => {
    const ratio = canvas.width / canvas.clientWidth;
    const { data } = canvas.getContext("2d").getImageData(canvas.width - 1, bottom * ratio - 1, 1, 1);
    return [...data.slice(0, 3)];
}"""
OUTSIDE = """root => {
    const edge = root.getBoundingClientRect().right + 1;
    const controls = [...root.querySelectorAll("button, input, select, canvas")].filter(one => one.offsetParent);
    return controls.filter(one => one.getBoundingClientRect().right > edge).map(one => one.outerHTML);
}"""
SMALL = """root => {
    const texts = [...root.querySelectorAll("*")].filter(one => one.offsetParent && one.textContent.trim());
    return texts.filter(one => parseFloat(getComputedStyle(one).fontSize) < 11).map(one => one.outerHTML);
}"""


def lightness(page):
    """Return how light the paper of the picture is, 0..1."""
    return float(np.mean(page.picture.evaluate(PAPER, list(page.bands()["lanes"])))) / 255


@pytest.fixture
def demo(folder):
    """Give a cell that opens a labelled recording of the demo."""
    train, _, root = load_demo()
    item = max(train, key=lambda item: len(item.annotations))
    (folder / item.filename).parent.mkdir(parents=True, exist_ok=True)
    (folder / item.filename).write_bytes((Path(root) / item.filename).read_bytes())
    write_manifest(Manifest(train.artifact_types, (item,)), folder / "labels.json")
    return f"import relaylib\nrelaylib.annotate('{folder.name}/labels.json')"


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_light_and_dark_follow_the_application(open_notebook, demo, app):
    notebook = open_notebook([demo], app)
    page = shown_by(notebook)
    for theme, (least, most) in {"dark": (0.0, 0.3), "light": (0.7, 1.0)}.items():
        notebook.theme(theme)
        page.page.wait_for_function(
            "([root, theme]) => root.dataset.theme === theme", arg=[page.root.element_handle(), theme]
        )
        deadline = time.monotonic() + 5
        while not least <= lightness(page) <= most:
            assert time.monotonic() < deadline, f"the picture is not {theme}"
            time.sleep(0.05)
        if SHOTS:
            page.shot(Path(SHOTS) / f"annotator-{app}-{theme}.png")


def test_nothing_is_cut_off_at_900_pixels(open_notebook, demo):
    """No control reaches beyond the widget, and no text is smaller than 11 pixels."""
    notebook = open_notebook([demo])
    notebook.page.set_viewport_size({"width": 900, "height": 900})
    page = shown_by(notebook)
    box = page.root.bounding_box()
    assert box["x"] + box["width"] <= 900
    assert page.root.evaluate(OUTSIDE) == []
    assert page.root.evaluate(SMALL) == []
    if SHOTS:
        page.shot(Path(SHOTS) / "annotator-900.png")
