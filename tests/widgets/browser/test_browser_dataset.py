"""A dataset of the REST API, labelled in JupyterLab and published from there; the server is a real one."""

from __future__ import annotations

import pytest
from annotator_page import shown_by
from takes import take, write_take
from waiting import eventually

from relaylib.client import Client
from relaylib.server import ServerProcess

CELL = """
import relaylib
from relaylib.client import Client
client = Client({url!r}, {key!r})
relaylib.annotate((client, {dataset!r}))
"""


@pytest.fixture
def server(tmp_path):
    """Give a server on this machine."""
    with ServerProcess(tmp_path / "data", options={"workers": "1"}) as running:
        yield running


@pytest.fixture
def client(server):
    """Give a client of it."""
    with Client(server.url, server.key) as made:
        yield made


@pytest.fixture
def dataset(client, tmp_path):
    """Give a dataset with two recordings."""
    made = client.datasets.create(name="takes", artifact_types=["click", "echo"])
    for name in ("one.wav", "two.wav"):
        file = client.audio.upload(made.id, write_take(tmp_path / name, take(4000, [2000])))
        client.audio.wait(made.id, file.id, progress=False)
    return made


@pytest.mark.slow
def test_a_dataset_is_labelled_and_published(open_notebook, server, client, dataset):
    """The draft has the span as soon as the widget says that it is saved; publishing asks once."""
    cell = CELL.format(url=server.url, key=server.key, dataset=str(dataset.id))
    page = shown_by(open_notebook([cell]))
    publish = page.part("publish")
    assert not publish.is_visible()

    def versions():
        sets = client.annotation_sets.list(dataset.id).items
        return [(one.version, one.status, one.total_annotations) for one in sets]

    page.draw(1900, 2100)
    assert versions() == [(1, "draft", 1)]
    (span,) = client.annotations.iterate(dataset.id, client.annotation_sets.list(dataset.id).items[0].id)
    assert (span.start_ms, span.end_ms) == pytest.approx((1900, 2100), abs=page.ms_per_pixel() + 1)
    page.fill("note", "at the seam")
    page.press("j")
    eventually(lambda: [file["current"] for file in page.files()], [False, True])
    page.wait()
    page.press("2")
    page.draw(500, 700)
    assert versions() == [(1, "draft", 2)]
    page.click_on("publish")
    assert publish.inner_text() == "Really publish?"
    assert versions() == [(1, "draft", 2)]
    page.click_on("publish")
    eventually(versions, [(1, "published", 2)])
    eventually(publish.is_visible, False)
    page.draw(3000, 3200)
    assert versions() == [(2, "draft", 3), (1, "published", 2)]
