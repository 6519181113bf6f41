from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relaylib import audio
from relaylib.demo import DemoSpeech, example_audio, load_demo

if TYPE_CHECKING:
    from relaylib.demo import DemoResult


@pytest.fixture(scope="session")
def speech() -> DemoSpeech:
    """Return the labelled speech that comes with the package."""
    return load_demo()


@pytest.fixture
def demo_wav(tmp_path: Path) -> Path:
    """Return real speech with artifacts as a 16 kHz WAV file."""
    path = tmp_path / "speech.wav"
    waveform = audio.load(example_audio())
    audio.save(path, waveform)
    return path


@pytest.fixture(scope="session")
def result(tmp_path_factory: pytest.TempPathFactory) -> DemoResult:
    """Run the demo, once for all tests that look at what it made."""
    from relaylib.demo import run

    return run(tmp_path_factory.mktemp("demo"))
