"""Labels in a JSON manifest: every change is in the file when it is kept."""

from __future__ import annotations

import os
from pathlib import Path

from relaylib.errors import ParameterError
from relaylib.files import write_atomic
from relaylib.formats.manifest import render
from relaylib.formats.text import read_text
from relaylib.lock import exclusive
from relaylib.types import Manifest
from relaylib.widgets.keeping.document import ManifestDocument, Rows
from relaylib.widgets.keeping.keeper import ConflictError
from relaylib.widgets.keeping.labels import Labels

__all__ = ["ManifestKeeper"]


class ManifestKeeper:
    """Keeps labels in the JSON manifest at `path`.

    A change is written under a lock and in one step, into the file as it is then: a kill loses at most the change in
    flight, and several sessions with one manifest keep each other's recordings. Two that change the same recording are
    told, see :class:`ConflictError`.

    Parameters
    ----------
    path : path
        The manifest, whose name ends with ``.json``.
    start : Manifest, optional
        Types and recordings to begin with where the manifest lacks them; with the first change they are written too.
        Without it the manifest must be there.

    Raises
    ------
    ParameterError
        If the name has another ending.
    FormatError
        If the file is not a manifest.
    OSError
        If it cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str], start: Manifest | None = None) -> None:
        if Path(path).suffix.lower() != ".json":
            raise ParameterError(
                f"manifest={os.fspath(path)!r}: labels are kept as JSON; let the name end with .json, and have "
                "relaylib.formats.write or `relaylib convert` make other formats of it."
            )
        self.path = Path(os.path.realpath(path))
        self._start = start
        self._text: str | None = None
        self._document = self._read()
        self._known = _all_rows(self._document)

    def begin_with(self, start: Manifest) -> None:
        """Take up types and recordings that the manifest lacks, as the constructor does."""
        self._start = start
        self._document.add(start)
        self._known = _all_rows(self._document)

    def manifest(self) -> Manifest:
        """Return all types and recordings with their annotations, as the file has them now."""
        return self._read().manifest()

    def all_labels(self) -> dict[str, Labels]:
        """Return the labels of every recording, as the file has them now."""
        document = self._read()
        self._known = _all_rows(document)
        return {name: document.labels(name) for name in document.filenames}

    def labels(self, filename: str) -> Labels:
        """Return the labels of a recording, as the file has them now; what is kept next is a change of these."""
        document = self._read()
        self._known[filename] = document.rows(filename)
        return document.labels(filename)

    def keep(self, filename: str, labels: Labels) -> None:
        """Write the labels of a recording into the file.

        Raises
        ------
        ConflictError
            If the file has other labels of it than those that were read or kept here last.
        FormatError
            If the file has become something else than a manifest; it then stays as it is.
        ParameterError
            If the labels hold something that JSON cannot.
        OSError
            If the file cannot be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(self.path.with_name(f".{self.path.name}.lock")):
            document = self._read()
            if document.rows(filename).changed_since(self._known.get(filename, Rows())):
                raise ConflictError(filename, self.path.name, document.labels(filename))
            self._text = None  # the document is ahead of the file until both are written
            document.put(filename, labels)
            text = document.text()
            write_atomic(self.path, text)
            self._text = text
        self._known[filename] = document.rows(filename)

    def close(self) -> None:
        """Hold nothing back: all is in the file."""

    def _read(self) -> ManifestDocument:
        """Return the document that the file holds; it is parsed only after somebody else has written it."""
        try:
            text = read_text(self.path)
        except FileNotFoundError:
            if self._start is None:
                raise
            text = render(Manifest((), ()))
        if text != self._text:
            self._document = ManifestDocument(text, self.path)
            if self._start is not None:
                self._document.add(self._start)
            self._text = text
        return self._document


def _all_rows(document: ManifestDocument) -> dict[str, Rows]:
    return {name: document.rows(name) for name in document.filenames}
