"""An annotator on a page, used by mouse and keys; counts both, as a person would feel them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from notebook_page import NotebookPage
    from playwright.sync_api import Locator, Page

Band = Literal["wave", "spectrogram", "lanes"]

FAR_PX = 50

ROWS = """rows => rows.map(row => ({
    id: Number(row.dataset.mark), state: row.dataset.state, artifact_type: row.dataset.type,
    selected: row.ariaSelected === "true",
}))"""
FILES = """rows => rows.map(row => ({
    index: Number(row.dataset.index), name: row.querySelector(".what").textContent, done: row.dataset.done === "true",
    current: row.ariaCurrent === "true", broken: Boolean(row.querySelector(".broken")),
}))"""
N_ROWS = "([root, n]) => root.querySelectorAll('[data-relay=mark]').length === n"
STATE = "([root, state]) => root.querySelector('[data-relay=saved]').dataset.state === state"

# A pixel of a column of the waveform is ink where it differs from the band's corner, which is paper.
INK = """(canvas, [top, bottom]) => {
    const ratio = canvas.width / canvas.clientWidth;
    const [first, height] = [Math.round(top * ratio), Math.round((bottom - top) * ratio)];
    const { data, width } = canvas.getContext("2d").getImageData(0, first, canvas.width, height);
    const columns = new Array(width).fill(0);
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
        const at = 4 * (y * width + x);
        if ([0, 1, 2, 3].some(k => Math.abs(data[at + k] - data[k]) > 40)) columns[x] += 1 / height;
    }
    return { columns, ratio };
}"""


def annotate_cell(source: str, manifest: str, options: str = "") -> str:
    """Return a cell that labels recordings into a manifest; `options` are further arguments."""
    types = "['click', 'echo', 'long pause']"
    call = f"relaylib.annotate({source!r}, artifact_types={types}, manifest={manifest!r}{options})"
    return f"import relaylib\n\n{call}"


def shown_by(notebook: NotebookPage) -> AnnotatorPage:
    """Run the first cell of a notebook, and return the annotator that it shows when its picture is whole."""
    notebook.run(0)
    page = AnnotatorPage(notebook.page)
    page.wait()
    return page


class AnnotatorPage:
    """One annotator, the `index`-th that the page shows."""

    def __init__(self, page: Page, index: int = 0) -> None:
        self.page = page
        self.root = page.locator('[data-relay="annotator"]').nth(index)
        self.picture = self.part("picture")
        self.n_drags = 0
        self.n_keys = 0

    def part(self, name: str) -> Locator:
        """Return the element with this name in ``data-relay``."""
        return self.root.locator(f'[data-relay="{name}"]')

    def wait(self) -> None:
        """Wait for the first picture, and for the whole of it."""
        self.wait_until_ready()
        self.wait_until_painted()

    def wait_until_ready(self) -> None:
        """Scroll to the widget, and wait for the first picture."""
        self.root.scroll_into_view_if_needed()
        self.page.wait_for_function("root => root.dataset.ready === 'true'", arg=self.root.element_handle())

    def wait_until_painted(self) -> None:
        """Wait until every tile in sight is there."""
        self.page.wait_for_function("picture => picture.dataset.painted === 'whole'", arg=self.picture.element_handle())

    def view_ms(self) -> tuple[float, float]:
        """Return the times at the left and the right of the picture."""
        start, end = (float(self.picture.get_attribute(f"data-{edge}-ms") or "nan") for edge in ("start", "end"))
        return start, end

    def ms_per_pixel(self) -> float:
        """Return how long a pixel is."""
        start, end = self.view_ms()
        return (end - start) / self._box(self.picture)["width"]

    def x_of(self, ms: float) -> float:
        """Return where a time lies on the page."""
        return self._box(self.picture)["x"] + (ms - self.view_ms()[0]) / self.ms_per_pixel()

    def y_of(self, band: Literal["ruler", "wave", "spectrogram", "lanes"]) -> float:
        """Return the middle of a part of the picture on the page."""
        top, bottom = self.bands()[band]
        return self._box(self.picture)["y"] + (top + bottom) / 2

    def bands(self) -> dict[str, tuple[float, float]]:
        """Return top and bottom of the parts of the picture."""
        return json.loads(self.picture.get_attribute("data-bands") or "{}")

    def focus(self) -> None:
        """Put the focus on the widget without changing anything in it."""
        self.root.focus()

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        for key in keys:
            self.page.keyboard.press(key)
            self.n_keys += 1

    def drag(self, from_ms: float, to_ms: float, band: Band = "wave") -> None:
        """Drag in the picture from one time to another."""
        with self.dragging(from_ms, to_ms, band):
            pass

    @contextmanager
    def dragging(self, from_ms: float, to_ms: float, band: Band = "wave") -> Iterator[None]:
        """Drag in the picture from one time to another; the button is let go at the end of the block."""
        mouse, y = self.page.mouse, self.y_of(band)
        start, end = self.x_of(from_ms), self.x_of(to_ms)
        mouse.move(start, y)
        mouse.down()
        mouse.move((start + end) / 2, y)
        mouse.move(end, y)
        yield
        mouse.up()
        self.n_drags += 1

    def draw(self, start_ms: float, end_ms: float) -> None:
        """Draw a span over the waveform, and wait until it is in the list and kept."""
        n_rows = len(self.rows())
        self.drag(start_ms, end_ms)
        self.wait_for_rows(n_rows + 1)
        self.wait_until_saved()

    def drag_edge(self, edge_ms: float, to_ms: float) -> None:
        """Take the edge of a span that lies at `edge_ms` elsewhere."""
        self.drag(edge_ms, to_ms, "lanes")

    def click(self, ms: float, band: Band = "wave") -> None:
        """Click into the picture."""
        self.page.mouse.click(self.x_of(ms), self.y_of(band))

    def zoom(self, at_ms: float, length_ms: float) -> None:
        """Show `length_ms` or less around a time: everything by the key, then in and aside by the wheel."""
        self.focus()
        if self.view_ms() != (0, self.duration_ms()):
            self._see(lambda: self.page.keyboard.press("0"))
        while self.ms_per_pixel() * self._box(self.picture)["width"] > length_ms:
            box = self._box(self.picture)
            x = min(max(self.x_of(at_ms), box["x"] + 1), box["x"] + box["width"] - 2)
            self.page.mouse.move(x, self.y_of("wave"))
            self._see(lambda: self.page.mouse.wheel(0, -1200))
            start, end = self.view_ms()
            wanted = min(max(at_ms - (end - start) / 2, 0), self.duration_ms() - (end - start))
            aside = (wanted - start) / self.ms_per_pixel()
            if abs(aside) > FAR_PX:
                self._see(lambda by=aside: self.page.mouse.wheel(by, 0))

    def _see(self, act: Callable[[], None]) -> None:
        """Do what changes the view, and wait until it has changed."""
        before = self.view_ms()
        act()
        self.page.wait_for_function(
            "([picture, start, end]) => +picture.dataset.startMs !== start || +picture.dataset.endMs !== end",
            arg=[self.picture.element_handle(), *before],
        )

    def duration_ms(self) -> float:
        """Return the length of the recording."""
        return float(self.part("overview").get_attribute("data-duration-ms") or "nan")

    def go_to(self, ms: float) -> None:
        """Bring a time into sight by a click on the overview."""
        box = self._box(self.part("overview"))
        x = box["x"] + ms / self.duration_ms() * (box["width"] - 1)
        self._see(lambda: self.page.mouse.click(x, box["y"] + box["height"] / 2))

    def wait_until_decoded(self) -> None:
        """Go to the end, and wait until the picture of it is whole: what lies before has been read by then."""
        self.go_to(self.duration_ms())
        self.wait_until_painted()

    def click_on(self, name: str) -> None:
        """Click on the control with this name."""
        self.part(name).first.click()

    def fill(self, name: str, value: str) -> None:
        """Type a value into a field of the inspector over what stands there, and leave it by Enter."""
        self.part(name).fill(value)
        self.part(name).press("Enter")

    def shows_row(self, name: str, attribute: str) -> bool:
        """Say whether a row of a list, the one with the attribute, lies inside of what is seen of the list."""
        seen = self._box(self.part(name))
        row = self._box(self.part(name).locator(f'[{attribute}="true"]'))
        return seen["y"] <= row["y"] and row["y"] + row["height"] <= seen["y"] + seen["height"]

    def error(self) -> str | None:
        """Return the message above the picture, if there is one."""
        error = self.part("error")
        return error.inner_text() if error.is_visible() else None

    def wait_for_error(self, part: str) -> None:
        """Wait until the message above the picture has a part."""
        self.part("error").filter(has_text=part).wait_for()

    def files(self) -> list[dict[str, Any]]:
        """Return the rows of the queue: index, name, done, current, broken."""
        return self.part("file").evaluate_all(FILES)

    def progress(self) -> str:
        """Return how many files are done, as the queue says it."""
        return self.part("progress").inner_text()

    def is_playing(self) -> bool:
        """Say whether a sound plays."""
        return self.part("play").get_attribute("data-playing") == "true"

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of the list: id, state, artifact_type, selected."""
        return self.part("mark").evaluate_all(ROWS)

    def wait_for_rows(self, n_rows: int) -> None:
        """Wait until the list has so many rows."""
        self.page.wait_for_function(N_ROWS, arg=[self.root.element_handle(), n_rows])

    def saved(self) -> str:
        """Return what the widget says of its labels: saved, saving, failed or memory."""
        return self.part("saved").get_attribute("data-state") or ""

    def wait_until_saved(self) -> None:
        """Wait until the widget says that everything is kept."""
        self.page.wait_for_function(STATE, arg=[self.root.element_handle(), "saved"])

    def cursor_ms(self) -> float:
        """Return where the cursor is."""
        return float(self.picture.get_attribute("data-cursor-ms") or "nan")

    def wait_until_played(self, ms: float) -> None:
        """Wait until the cursor is beyond a time."""
        self.page.wait_for_function(
            "([picture, ms]) => +picture.dataset.cursorMs > ms", arg=[self.picture.element_handle(), ms]
        )

    def wait_until_silent(self) -> None:
        """Wait until no sound plays."""
        self.page.wait_for_function("play => play.dataset.playing === 'false'", arg=self.part("play").element_handle())

    def ink(self) -> tuple[list[float], float]:
        """Return the share of each column of the waveform that is drawn on, and the columns in a CSS pixel."""
        found = self.picture.evaluate(INK, list(self.bands()["wave"]))
        return found["columns"], found["ratio"]

    def shot(self, path: Path) -> None:
        """Write a picture of the widget."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.root.screenshot(path=path)

    def _box(self, locator: Locator) -> dict[str, float]:
        box = locator.bounding_box()
        assert box is not None, f"{locator} is not in sight"
        return dict(box)
