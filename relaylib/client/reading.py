"""Answers as values: strictly where the server keeps to the reference, leniently where it does not.

Documented servers and pages differ in what they send (a key absent or null, two names for one thing), and servers
grow new states. A body that fits its type is decoded as it is. Any other is read field by field: keys that are unknown
are ignored, a known second name stands in for an absent one, rules that only a sender has to keep (lengths, patterns,
lists of states) are not asked for, and what is absent reads as None, or as empty where it is a list or an object. Only
what an answer is useless without has to be there.
"""

from __future__ import annotations

import types
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

import msgspec

from relaylib.api import AudioFile, ConfirmedAudio, CreatedApiKey, InferenceFile, Page, SetList, UploadTarget
from relaylib.client.errors import ResponseError

__all__ = ["read"]

T = TypeVar("T")

_OTHER_NAMES: dict[Any, dict[str, str]] = {
    UploadTarget: {
        "fields": "upload_fields",
        "upload_fields": "fields",
        "key": "s3_key",
        "s3_key": "key",
        "audio_id": "file_id",
        "file_id": "audio_id",
    },
    ConfirmedAudio: {
        "audio_id": "file_id",
        "file_id": "audio_id",
        "status": "processing_status",
        "processing_status": "status",
    },
    AudioFile: {"id": "audio_id", "processing_status": "status"},
    InferenceFile: {"id": "file_id"},
}
_NEEDED = frozenset({"id", "status", "processing_status", "items", "total", "upload_url", "download_url"})
_NEEDED_TOO = {CreatedApiKey: frozenset({"key"})}
_NO_ALTERNATIVE: dict[str, str] = {}


def read(body: bytes, kind: type[T], *, what: str) -> T:
    """Return `body` as a `kind`; `what` names the request in errors.

    Raises
    ------
    ResponseError
        If it is not JSON, or lacks what it is useless without.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return cast(T, _value(_enveloped(msgspec.json.decode(body), kind), kind, "answer"))
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ResponseError(f"{what}: the answer is not JSON of this API ({exc}); is base_url right?") from exc
    except _MisfitError as exc:
        raise ResponseError(f"{what}: the answer is not the API's: {exc}.") from exc


class _MisfitError(Exception):
    """A value that cannot be read as its type."""


def _enveloped(value: Any, kind: Any) -> Any:
    """Return a bare array as a page where a page is wanted, and the other way round."""
    if isinstance(value, list) and (get_origin(kind) or kind) in (Page, SetList):
        return {"items": value, "total": len(value)}
    if isinstance(value, dict) and get_origin(kind) is list and isinstance(value.get("items"), list):
        return value["items"]
    return value


def _value(value: Any, kind: Any, place: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any or origin is Literal:
        return value
    if hasattr(kind, "__metadata__"):
        return _value(value, arguments[0], place)
    if origin in (Union, types.UnionType):
        return _one_of(value, arguments, place)
    if origin is list:
        return [_value(entry, arguments[0], f"{place}[{n}]") for n, entry in enumerate(_need(value, list, place))]
    if origin is dict:
        items = _need(value, dict, place).items()
        return {key: _value(entry, arguments[1], f"{place}.{key}") for key, entry in items}
    if isinstance(origin or kind, type) and issubclass(origin or kind, msgspec.Struct):
        return _struct(_need(value, dict, place), kind, place)
    return _plain(value, kind, place)


def _plain(value: Any, kind: Any, place: str) -> Any:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as exc:
        raise _MisfitError(f"{place}: {exc}") from None


def _one_of(value: Any, kinds: tuple[Any, ...], place: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    rest = [kind for kind in kinds if kind not in (type(None), msgspec.UnsetType)]
    if len(rest) == 1:
        return _value(value, rest[0], place)
    return _plain(value, Union[tuple(rest)], place)  # noqa: UP007  # made while running


def _need(value: Any, kind: type[T], place: str) -> T:
    if not isinstance(value, kind):
        raise _MisfitError(f"{place} is {type(value).__name__}, not {kind.__name__}")
    return value


def _struct(given: dict[str, Any], kind: Any, place: str) -> Any:
    plain = get_origin(kind) or kind
    others = next((names for base, names in _OTHER_NAMES.items() if issubclass(plain, base)), _NO_ALTERNATIVE)
    made: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        value = given.get(field.encode_name)
        if value is None:
            value = given.get(others.get(field.name, ""))
        if value is not None:
            made[field.name] = _value(value, field.type, f"{place}.{field.encode_name}")
        elif field.required:
            if field.name in _NEEDED | _NEEDED_TOO.get(plain, frozenset()):
                raise _MisfitError(f"{place} has no {field.encode_name}")
            origin = get_origin(field.type)
            made[field.name] = origin() if origin in (list, dict) else None
    return plain(**made)
