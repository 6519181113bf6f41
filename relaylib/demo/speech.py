"""The labelled speech that comes with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from relaylib.formats import read_manifest
from relaylib.types import Manifest

__all__ = ["DemoSpeech", "data_folder", "example_audio", "load_demo"]


class DemoSpeech(NamedTuple):
    """Two manifests whose voices differ, and the folder that their file names are relative to."""

    train: Manifest
    test: Manifest
    audio_root: Path


def data_folder() -> Path:
    """Return the folder with ``train.json``, ``test.json``, the audio and a README with sources and licences."""
    return Path(str(files("relaylib.demo"))) / "data"


def load_demo() -> DemoSpeech:
    """Return the labelled speech: about four minutes to train on, and not two of other voices to test with.

    Examples
    --------
    >>> train, test, audio_root = load_demo()
    >>> len(train), len(test), sorted({item.group for item in test})
    (50, 19, ['festival_slt_hts', 'pico_us'])
    """
    folder = data_folder()
    return DemoSpeech(read_manifest(folder / "train.json"), read_manifest(folder / "test.json"), folder)


def example_audio() -> Path:
    """Return a recording of the test part with several types in it, for trying things out."""
    _, test, folder = load_demo()
    best = max(test, key=lambda item: len({span.artifact_type for span in item.annotations}))
    return folder / best.filename
