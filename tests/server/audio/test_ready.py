"""Rows A2 and A4 with real workers: what is uploaded becomes audio to train on, or says why it can't."""

import dataclasses
import time

import numpy as np
import pytest
from steps import API

from relaylib.audio import save
from relaylib.types import SAMPLE_RATE, Waveform


@pytest.fixture
def settings(settings):
    return dataclasses.replace(settings, workers=1)


def upload(anonymous, steps, dataset_id, data):
    """Upload and confirm; return the file as it is when its processing has ended."""
    target = steps.upload_target(dataset_id)
    assert anonymous.post(target["upload_url"], data=target["fields"], files={"file": data}).status_code == 204
    steps.post(f"/datasets/{dataset_id}/audio/confirm", 200, {"audio_id": target["audio_id"]})
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        audio = steps.get(f"/datasets/{dataset_id}/audio/{target['audio_id']}")
        if audio["processing_status"] in ("ready", "failed"):
            return audio
        time.sleep(0.1)
    raise AssertionError(audio)


@pytest.mark.slow
@pytest.mark.row("A2")
@pytest.mark.row("A4")
def test_audio_becomes_ready_and_anything_else_fails_with_a_reason(anonymous, client, steps, tmp_path):
    """1.25 s of noise at 16 kHz last 1250 ms; text is no audio."""
    path = tmp_path / "noise.wav"
    noise = np.random.default_rng(7).uniform(-0.1, 0.1, SAMPLE_RATE * 5 // 4).astype(np.float32)
    save(path, Waveform(noise))
    dataset_id = steps.dataset()
    ready = upload(anonymous, steps, dataset_id, path.read_bytes())
    assert (ready["processing_status"], ready["processing_error"]) == ("ready", None)
    assert ready["duration_ms"] == 1250
    assert ready["file_size_bytes"] == path.stat().st_size
    failed = upload(anonymous, steps, dataset_id, b"This is no audio.")
    assert (failed["processing_status"], failed["duration_ms"]) == ("failed", None)
    assert failed["processing_error"]
    assert str(tmp_path) not in failed["processing_error"]
    for status, audio in (("ready", ready), ("failed", failed)):
        listed = client.get(f"{API}/datasets/{dataset_id}/audio", params={"status": status}).json()
        assert listed["items"] == [audio]
