"""JSON in and out: typed by msgspec, with errors that name the field path or the line."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any, TypeVar

import msgspec

from relaylib.errors import FormatError, ParameterError

__all__ = ["Ms", "decode_json", "encode_json", "top_keys", "whole_ms"]

T = TypeVar("T")
Ms = int | float
"""A time in ms as JSON may hold it: some writers put ``1200.0``; :func:`whole_ms` makes it an int."""

_MOST_MS = 10**12
_BYTE = re.compile(r" \(byte (\d+)\)")
_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:')


def decode_json(text: str, type_: type[T], path: PurePath, *, root: str = "$") -> T:
    """Return `text` as a `type_`, a msgspec Struct or a container of them.

    Raises
    ------
    FormatError
        Malformed JSON is named by line and column, a wrong value by its path (``$.annotations[3].end_ms``).
    """
    data = text.encode("utf-8", "surrogatepass")
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.ValidationError as exc:
        what, _, where = str(exc).rpartition(" - at ")
        where = where.strip("`") if what else "$"
        raise FormatError(f"{path}: {where.replace('$', root, 1)}: {what or exc}.") from exc
    except msgspec.DecodeError as exc:
        found = _BYTE.search(str(exc))
        position = int(found[1]) if found else len(data)
        line = data.count(b"\n", 0, position) + 1
        column = position - (data.rfind(b"\n", 0, position) + 1) + 1
        message = _BYTE.sub("", str(exc)).replace("JSON is malformed: ", "")
        raise FormatError(
            f"{path}, line {line}, column {column}: not valid JSON ({message[:1].lower()}{message[1:]})."
        ) from exc
    except RecursionError as exc:
        raise FormatError(f"{path}: JSON nested too deeply.") from exc


def encode_json(value: Any, *, indent: int = 2) -> str:
    """Return `value` as JSON ending in a line break; `indent` 0 gives one compact line.

    Raises
    ------
    ParameterError
        If `value` holds something that JSON cannot, in ``extra_data`` for one.
    """
    try:
        data = msgspec.json.encode(value)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as exc:
        raise ParameterError(f"cannot be written as JSON: {exc}.") from exc
    return (msgspec.json.format(data, indent=indent) if indent else data).decode() + "\n"


def whole_ms(value: Ms, place: str) -> int:
    """Return `value` as whole ms.

    Raises
    ------
    FormatError
        If it is not a whole number, or too large for a time.
    """
    if not abs(value) <= _MOST_MS or value != int(value):
        raise FormatError(f"{place}: {value!r} is not a time in whole ms.")
    return int(value)


def top_keys(text: str) -> set[str]:
    """Return the keys of the object that `text` is, or of a list's first object, after ``[]``.

    In malformed JSON every key that can be seen counts, so that the right format gets to name the error.
    """
    data = text.encode("utf-8", "surrogatepass")
    try:
        found = msgspec.json.decode(data, type=dict[str, msgspec.Raw] | list[msgspec.Raw])
        if isinstance(found, dict):
            return set(found)
        if not found:
            return {"[]"}
        return {"[]", *msgspec.json.decode(found[0], type=dict[str, msgspec.Raw])}
    except msgspec.ValidationError:
        return {"[]"} if text.lstrip().startswith("[") else set()
    except (msgspec.DecodeError, RecursionError):
        return {*_KEY.findall(text), *(["[]"] if text.lstrip().startswith("[") else [])}
