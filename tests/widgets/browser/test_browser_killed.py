"""A kernel that is killed again and again while somebody labels: at most the change in flight is lost.

RELAY_TEST_KILLS sets the number of kills.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import signal
import threading

import pytest
from annotator_page import AnnotatorPage, annotate_cell
from takes import take, write_take

from relaylib.formats import read_manifest, write_manifest
from relaylib.types import ArtifactType, AudioItem, Manifest

_log = logging.getLogger(__name__)

N_KILLS = int(os.environ.get("RELAY_TEST_KILLS", "5"))
SEED = int(os.environ.get("RELAY_TEST_SEED", "20"))
LENGTH_MS = 150
STEP_MS = 300
N_SPANS = 32  # as many as fit


@pytest.mark.slow
@pytest.mark.alone
def test_a_killed_kernel_costs_at_most_the_change_in_flight(open_notebook, jupyter, folder):
    """Whatever the widget called saved is in the manifest, and the manifest always loads."""
    from playwright.sync_api import TimeoutError as TooLong

    names = [f"take-{k}.wav" for k in range(N_KILLS)]
    sound = take(10_000, [5000])
    for name in names:
        write_take(folder / name, sound)
    manifest = Manifest((ArtifactType("click"),), tuple(AudioItem(name, 10_000) for name in names))
    write_manifest(manifest, folder / "labels.json")
    notebook = open_notebook([annotate_cell(f"{folder.name}/{name}", f"{folder.name}/labels.json") for name in names])
    rng, n_in_flight = random.Random(SEED), 0
    kept: dict[str, int] = dict.fromkeys(names, 0)
    for k, name in enumerate(names):
        notebook.run(k)
        page = AnnotatorPage(notebook.page)
        page.wait()
        page.page.set_default_timeout(1500)
        killer = threading.Timer(rng.uniform(0.1, 2.5), os.kill, (jupyter.kernel_pid(notebook.name), signal.SIGKILL))
        killer.start()
        n_saved = 0
        with contextlib.suppress(TooLong):
            for n_saved in range(N_SPANS):
                page.draw(start_of(n_saved), start_of(n_saved) + LENGTH_MS)
        killer.join()
        page.page.set_default_timeout(30_000)
        spans = {item.filename: item.annotations for item in read_manifest(folder / "labels.json")}
        starts = [span.start_ms for span in spans[name]]
        assert n_saved <= len(starts) <= n_saved + 1
        assert starts == [pytest.approx(start_of(n), abs=page.ms_per_pixel() + 1) for n in range(len(starts))]
        kept[name] = len(starts)
        assert {name: len(of) for name, of in spans.items()} == kept
        n_in_flight += n_saved < len(starts)
        notebook.revive()
    _log.info("%d kills, %d spans kept, %d of them in flight", N_KILLS, sum(kept.values()), n_in_flight)
    assert sum(kept.values()) > N_KILLS


def start_of(n):
    """Return where span number `n` is drawn."""
    return 100 + n * STEP_MS
