"""Where labels are kept: a manifest file, a dataset of the REST API (in :mod:`.rest`), or nothing but memory."""

from relaylib.widgets.keeping.keeper import ConflictError, Keeper
from relaylib.widgets.keeping.labels import Labels, labels_of
from relaylib.widgets.keeping.manifest import ManifestKeeper
from relaylib.widgets.keeping.memory import MemoryKeeper

__all__ = ["ConflictError", "Keeper", "Labels", "ManifestKeeper", "MemoryKeeper", "labels_of"]
