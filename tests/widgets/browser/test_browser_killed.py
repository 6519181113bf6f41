"""A kernel that is killed again and again while somebody labels: at most the change in flight is lost.

RELAY_TEST_KILLS sets the number of kills.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import threading

import pytest
from annotator_page import AnnotatorPage, annotate_cell
from takes import take, write_take

from relaylib.formats import read_manifest

_log = logging.getLogger(__name__)

N_KILLS = int(os.environ.get("RELAY_TEST_KILLS", "5"))
SEED = int(os.environ.get("RELAY_TEST_SEED", "20"))
LENGTH_MS = 60


@pytest.mark.slow
def test_a_killed_kernel_costs_at_most_the_change_in_flight(open_notebook, jupyter, folder):
    """Whatever the widget called saved is in the manifest, and the manifest always loads."""
    from playwright.sync_api import TimeoutError as TooLong

    write_take(folder / "take.wav", take(20_000, [10_000]))
    notebook = open_notebook([annotate_cell(folder.name, f"{folder.name}/labels.json")])
    rng, n_drawn, n_lost = random.Random(SEED), 0, 0
    for _ in range(N_KILLS):
        notebook.run(0)
        page = AnnotatorPage(notebook.page)
        page.wait()
        saved = len(page.rows())
        page.page.set_default_timeout(1000)
        killer = threading.Timer(rng.uniform(0.1, 2.0), os.kill, (jupyter.kernel_pid(notebook.name), signal.SIGKILL))
        killer.start()
        try:
            while True:
                at_ms = 100 + saved * 150
                page.draw(at_ms, at_ms + LENGTH_MS)
                saved += 1
        except TooLong:
            killer.join()
        page.page.set_default_timeout(30_000)
        (item,) = read_manifest(folder / "labels.json").audio
        starts = [span.start_ms for span in item.annotations]
        assert saved <= len(starts) <= saved + 1
        assert starts == [pytest.approx(100 + k * 150, abs=page.ms_per_pixel() + 1) for k in range(len(starts))]
        n_drawn, n_lost = len(starts), n_lost + (saved == len(starts))
        notebook.revive()
    _log.info("%d kills while %d spans were drawn: %d changes in flight were lost", N_KILLS, n_drawn, n_lost)
    assert n_drawn > N_KILLS
