"""What somebody else does to a manifest while a widget shows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from relaylib.formats import read_manifest, write_manifest
from relaylib.types import Annotation


def mark_elsewhere(path: Path, span: Annotation) -> None:
    """Add a span to the only recording of a manifest."""
    manifest = read_manifest(path)
    (item,) = manifest
    write_manifest(replace(manifest, audio=(replace(item, annotations=(*item.annotations, span)),)), path)
