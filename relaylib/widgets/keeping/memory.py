"""Labels that live as long as the session: for recordings without a manifest."""

from __future__ import annotations

from dataclasses import replace

from relaylib.types import AudioItem, Manifest
from relaylib.widgets.keeping.labels import Labels

__all__ = ["MemoryKeeper"]


class MemoryKeeper:
    """Keeps labels in memory.

    Parameters
    ----------
    start : Manifest
        The types, the recordings and the annotations that they have.
    """

    def __init__(self, start: Manifest) -> None:
        self._types = start.artifact_types
        self._items = {item.filename: item for item in start}
        self._labels = {item.filename: Labels(item.annotations, done=item.done) for item in start}

    def manifest(self) -> Manifest:
        """Return all types and recordings with their annotations."""
        return Manifest(self._types, tuple(self._items.values()))

    def all_labels(self) -> dict[str, Labels]:
        """Return the labels of every recording."""
        return dict(self._labels)

    def labels(self, filename: str) -> Labels:
        """Return the labels of a recording."""
        return self._labels.get(filename, Labels())

    def keep(self, filename: str, labels: Labels) -> None:
        """Keep the labels of a recording."""
        item = self._items.get(filename, AudioItem(filename))
        self._items[filename] = replace(item, annotations=labels.annotations, done=labels.done)
        self._labels[filename] = labels

    def close(self) -> None:
        """Hold nothing back."""
