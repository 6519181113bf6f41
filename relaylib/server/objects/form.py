"""An upload form as it arrives, piece by piece: fields first, then the file; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from relaylib.server.objects.errors import UploadRefusedError
from relaylib.server.objects.policy import UploadGrant

__all__ = ["UploadForm"]

_MAX_FIELDS = 100
_MAX_FIELD_BYTES = 64 << 10
_MAX_FORM_BYTES = 512 << 10
_MAX_HEADER = 8 << 10
_MAX_BOUNDARY = 200  # the standard allows 70


class UploadForm:
    """Takes the pieces of a ``multipart/form-data`` body and gives back those of the file.

    Parameters
    ----------
    content_type : str
        The request's header, which names the boundary.
    content_length : int, optional
        The request's header, where it has one.
    authorise : callable
        Called once, with the fields (names in lower case) when the file begins; it returns what the form
        permits or raises `UploadRefusedError`.

    Raises
    ------
    UploadRefusedError
        If the header announces no such body.
    """

    def __init__(
        self, content_type: str, content_length: int | None, authorise: Callable[[Mapping[str, str]], UploadGrant]
    ) -> None:
        self._parser = _parser(content_type)
        self._content_length = content_length
        self._authorise = authorise
        self._fields: dict[str, bytearray] = {}
        self._field_bytes = 0
        self._form_bytes = 0
        self._size = 0
        self._name = ""
        self._in_file = False
        self.grant: UploadGrant | None = None

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next piece of the body; return the bytes of the file that it holds.

        Raises
        ------
        UploadRefusedError
            As soon as it is clear that the upload can't be taken.
        """
        pieces: list[bytes] = []
        self._form_bytes += len(chunk)
        try:
            for event in () if self._parser.closed else self._parser.parse(chunk):
                if isinstance(event, MultipartSegment):
                    self._begin(event)
                elif event is None:
                    self._in_file = False
                elif self._in_file:
                    self._size += len(event)
                    self._form_bytes -= len(event)
                    self._check_size(self._size)
                    pieces.append(event)
                else:
                    self._add_to_field(event)
        except MultipartError as exc:
            raise UploadRefusedError(400, f"The body is not a proper multipart form: {exc}.") from exc
        if self._form_bytes > _MAX_FORM_BYTES:
            raise UploadRefusedError(400, "The form has too much besides the file.")
        return pieces

    def finish(self) -> UploadGrant:
        """Say that the body has ended; return what the form permits if a whole file came.

        Raises
        ------
        UploadRefusedError
        """
        try:
            self._parser.close()
        except MultipartError as exc:
            raise UploadRefusedError(400, "The body ends before the form does; send it again.") from exc
        if self.grant is None:
            raise UploadRefusedError(400, "The form has no part named 'file'.")
        if self._size < self.grant.min_bytes:
            raise UploadRefusedError(400, f"The file has {self._size} bytes; need at least {self.grant.min_bytes}.")
        return self.grant

    def _begin(self, segment: MultipartSegment) -> None:
        self._name = (segment.name or "").lower()
        if self.grant is not None:  # as in S3, what follows the file doesn't count
            return
        if self._name != "file":
            self._fields[self._name] = bytearray()
            return
        self.grant = self._authorise({name: value.decode("latin-1") for name, value in self._fields.items()})
        self._in_file = True
        if self._content_length is not None:
            self._check_size(self._content_length - 2 * _MAX_FORM_BYTES)

    def _add_to_field(self, data: bytes) -> None:
        self._field_bytes += len(data)
        if self._field_bytes > _MAX_FIELD_BYTES:
            raise UploadRefusedError(
                400,
                f"The fields of the form are longer than {_MAX_FIELD_BYTES} bytes, the last is {self._name!r}; "
                "the part that holds the file must be named 'file'.",
            )
        if self.grant is None:
            self._fields[self._name] += data

    def _check_size(self, size: int) -> None:
        if self.grant is not None and size > self.grant.max_bytes:
            raise UploadRefusedError(400, f"The file is too large: at most {self.grant.max_bytes} bytes are taken.")


def _parser(content_type: str) -> PushMultipartParser:
    try:
        if len(content_type) > _MAX_HEADER:
            raise ValueError
        kind, options = parse_options_header(content_type)
        boundary = options["boundary"].encode("latin-1")
        if kind != "multipart/form-data" or len(boundary) > _MAX_BOUNDARY:
            raise ValueError
        return PushMultipartParser(
            boundary, max_header_size=_MAX_HEADER, max_segment_count=_MAX_FIELDS, header_charset="latin-1"
        )
    except (KeyError, ValueError) as exc:
        detail = "Send the file as a form: Content-Type must be multipart/form-data with a boundary."
        raise UploadRefusedError(400, detail) from exc
