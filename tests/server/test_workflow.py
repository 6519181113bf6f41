"""The documented workflow, page by page, by curl and requests against a real server on each database and store."""

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from pages import Reader, snippets

from relaylib.audio import load, save
from relaylib.demo import load_demo
from relaylib.server import ServerProcess
from relaylib.types import SAMPLE_RATE, Waveform

OWN_PAGE = Path(__file__).parent / "data" / "workflow.txt"
PAGES = [OWN_PAGE, *(Path(path) for path in [os.environ.get("RELAY_TEST_PAGE")] if path)]
"""Another page with the same calls can be named by RELAY_TEST_PAGE."""

LEAST_SPEECH_S = 300  # what training asks for

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture(scope="session")
def recordings(tmp_path_factory):
    """Write what the page uploads: a bit more than five minutes of speech, and another recording."""
    folder = tmp_path_factory.mktemp("recordings")
    train, test, root = load_demo()
    parts = [load(root / item.filename).samples for item in (*train, *test)]
    speech = np.concatenate(parts)
    assert len(speech) > LEAST_SPEECH_S * SAMPLE_RATE
    save(folder / "sample_audio.wav", Waveform(speech))
    save(folder / "test_audio.wav", Waveform(np.concatenate(parts[-3:])))
    return folder


@pytest.fixture(params=["folder", "s3"])
def storage(request):
    """Options that choose the store."""
    return {} if request.param == "folder" else {"storage-url": request.getfixturevalue("s3_url")}


def test_a_page_is_read_as_its_reader_would():
    """Prose is passed over; snippets are whole."""
    found = list(snippets(OWN_PAGE.read_text(encoding="utf-8")))
    assert [language for language, _ in found].count("python") == 3
    assert sum(source.startswith("curl") for _, source in found) == 10
    assert all(source.count("'") % 2 == 0 for language, source in found if language == "shell")


@pytest.mark.slow
@pytest.mark.workers
@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_the_page_works_from_the_first_call_to_the_last(page, storage, empty_database_url, recordings, tmp_path):
    """On every combination of database and store, with nothing changed but host, key and ids."""
    options = {"database-url": empty_database_url, **storage}
    with ServerProcess(tmp_path / "data", options=options) as server:
        reader = Reader(server.url, server.key, recordings)
        reader.follow(page.read_text(encoding="utf-8"))
        for _ in range(240):
            reader.follow(f'curl "{server.url}/api/v1/inference-jobs/$INFERENCE_JOB_ID" -H "X-API-Key: $RELAY_API_KEY"')
            job = reader.answers[-1][2]
            if job["status"] not in ("pending", "processing"):
                break
            time.sleep(0.5)
    assert (job["status"], job["total_files"], job["processed_files"]) == ("completed", 1, 1)
    assert job["files"][0]["original_filename"] == "test_audio.wav"
    assert job["total_detections"] == len(job["files"][0]["detections"])
    statuses = [status for _, status, _ in reader.answers]
    assert set(statuses) <= {200, 201, 204}
