"""What keeps labels, whichever way it does."""

from __future__ import annotations

from typing import Protocol

from relaylib.errors import RelayError
from relaylib.types import Manifest
from relaylib.widgets.keeping.labels import Labels

__all__ = ["ConflictError", "Keeper"]


class ConflictError(RelayError):
    """The labels of a recording were changed elsewhere since they were read here, and nothing was written over them.

    Attributes
    ----------
    filename : str
    theirs : Labels
        What is kept there now. :meth:`Keeper.labels` returns it too, and lets the next :meth:`Keeper.keep` pass.
    """

    def __init__(self, filename: str, place: str, theirs: Labels) -> None:
        self.filename, self.theirs = filename, theirs
        super().__init__(
            f"{filename}: its labels in {place} were changed elsewhere since they were read here; your last change is "
            "not saved. Reload the recording to go on from what is there."
        )


class Keeper(Protocol):
    """Keeps the labels of recordings. Calls come one at a time, and when one returns, its change is kept."""

    def manifest(self) -> Manifest:
        """Return all types and recordings with their annotations, as they are kept now."""
        ...

    def all_labels(self) -> dict[str, Labels]:
        """Return the labels of every recording by its filename, as they are kept now."""
        ...

    def labels(self, filename: str) -> Labels:
        """Return the labels of a recording as they are kept now; what is kept next is a change of these."""
        ...

    def keep(self, filename: str, labels: Labels) -> None:
        """Keep the labels of a recording in the place of those that were read or kept last.

        Raises
        ------
        ConflictError
            If somebody else has changed them meanwhile.
        RelayError, OSError
            If they cannot be kept; what was kept before still is.
        """
        ...

    def close(self) -> None:
        """Let go of what is held."""
        ...
