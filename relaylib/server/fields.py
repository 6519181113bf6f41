"""All that is wrong with a decoded JSON value, not only the first thing."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from relaylib.api import Problem

__all__ = ["MAX_DEPTH", "field_problems", "is_too_deep", "missing", "text_problems"]

MAX_DEPTH = 64
"""How deep arrays and objects may be nested in a body."""

_INT64 = 2**63
_Location = tuple[str | int, ...]


def missing(*loc: str | int) -> Problem:
    """Return the problem of a field that has to be there."""
    return Problem(list(loc), "field required", "value_error.missing")


def field_problems(value: Any, annotation: Any, loc: _Location, *, strict: bool = True) -> list[Problem]:
    """Return every field of `value` that breaks the rules of `annotation`, each with its place below `loc`."""
    try:
        msgspec.convert(value, annotation, strict=strict)
    except msgspec.ValidationError as error:
        inner = [problem for part in _parts(value, annotation) for problem in _part_problems(*part, loc)]
        return inner or [_problem(loc, error)]
    return []


def text_problems(value: Any, loc: _Location) -> list[Problem]:
    """Return every string below `value` that cannot be stored, and every integer that is too large to be."""
    if isinstance(value, str):
        return [Problem(list(loc), "must not contain the character U+0000", "value_error")] if "\0" in value else []
    if isinstance(value, int):
        fits = -_INT64 <= value < _INT64
        return [] if fits else [Problem(list(loc), "must be an integer of at most 64 bits", "value_error")]
    if isinstance(value, list):
        return [problem for index, item in enumerate(value) for problem in text_problems(item, (*loc, index))]
    if isinstance(value, dict):
        keys = [Problem(list(loc), "must not have a key with the character U+0000", "value_error")]
        found = keys if any("\0" in key for key in value) else []
        return found + [problem for key, item in value.items() for problem in text_problems(item, (*loc, key))]
    return []


def is_too_deep(value: Any) -> bool:
    """Whether `value` is nested deeper than `MAX_DEPTH`; what is would overflow the stack of some later step."""
    if not isinstance(value, (dict, list)):
        return False
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def _part_problems(key: str | int, value: Any, annotation: Any, loc: _Location) -> list[Problem]:
    if value is msgspec.NODEFAULT:
        return [missing(*loc, key)]
    return field_problems(value, annotation, (*loc, key))


def _parts(value: Any, annotation: Any) -> Iterator[tuple[str | int, Any, Any]]:
    """Yield the parts of a value as (key, part, annotation); a required field that isn't there has no value."""
    for member in _members(annotation):
        origin, args = get_origin(member) or member, get_args(member)
        if isinstance(value, dict) and isinstance(origin, type) and issubclass(origin, msgspec.Struct):
            hints = get_type_hints(origin, include_extras=True)
            for field in msgspec.structs.fields(origin):
                if field.encode_name in value:
                    yield field.encode_name, value[field.encode_name], hints[field.name]
                elif field.required:
                    yield field.encode_name, msgspec.NODEFAULT, hints[field.name]
        elif isinstance(value, dict) and origin is dict and args:
            for key, item in value.items():
                yield key, item, args[1]
        elif isinstance(value, list) and origin is list and args:
            for index, item in enumerate(value):
                yield index, item, args[0]


def _members(annotation: Any) -> list[Any]:
    """Return the types that an annotation allows, without their constraints."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [inner for member in get_args(annotation) for inner in _members(member)]
    return [annotation]


def _problem(loc: _Location, error: msgspec.ValidationError) -> Problem:
    message = str(error).split(" - at `")[0]
    kind = "type_error" if message.startswith("Expected `") and "`, got `" in message else "value_error"
    return Problem(list(loc), message, kind)
