"""Detectors that come with the package, ready to use by name.

Each is a file that :meth:`relaylib.Detector.save` wrote, beside a card that says what it was trained on and where it
fails.
"""

from __future__ import annotations

import os
from pathlib import Path

from relaylib.errors import ModelFormatError
from relaylib.models.detector_meta import DetectorMeta, metadata_of

__all__ = ["detector_card", "detector_file_of", "detector_metadata", "detector_names"]

_FOLDER = Path(__file__).parent
_ENDING = ".safetensors"


def detector_names() -> tuple[str, ...]:
    """Return the names of the detectors that come with the package.

    Examples
    --------
    >>> detector_names()
    ('tts-artifacts',)
    """
    return tuple(sorted(path.stem for path in _FOLDER.glob(f"*{_ENDING}")))


def detector_card(name: str) -> str:
    """Return what is to be known about a detector of the package before one relies on it, as Markdown.

    Raises
    ------
    ModelFormatError
        If there is none of that name.
    """
    if name not in detector_names():
        raise ModelFormatError(f"no detector is called {name!r}; those that come along: {', '.join(detector_names())}.")
    return (_FOLDER / f"{name}.md").read_text(encoding="utf-8")


def detector_metadata(name: str) -> DetectorMeta:
    """Return what the file of a detector of the package says about itself (types, metrics, encoder …), without torch.

    Raises
    ------
    ModelFormatError
        If there is none of that name.
    """
    path = detector_file_of(name)
    return metadata_of(path, path.read_bytes())


def detector_file_of(model: str | Path) -> Path:
    """Return the file of a detector: `model` itself where there is such a file, else the one of that name.

    Raises
    ------
    ModelFormatError
        If `model` looks like a name, and there is neither such a file nor such a detector.
    """
    path = Path(model)
    if os.path.exists(path) or str(model) != path.name or path.suffix:  # false, not an error, for a name too long
        return path
    if path.name in detector_names():
        return _FOLDER / f"{path.name}{_ENDING}"
    raise ModelFormatError(
        f"{path.name}: no such file, and no detector of that name comes along; "
        f"give a file that train wrote, or one of {', '.join(detector_names())}."
    )
