"""Edits as values, and what each makes of the marks of a recording.

A hand that overshoots is led back into the recording; an edit that makes no sense is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from relaylib.errors import ParameterError
from relaylib.formats.json_text import encode_json
from relaylib.types import whole_number
from relaylib.widgets.marks import SUGGESTED, Mark, Marks, origin_of

__all__ = ["Accept", "Change", "Draw", "Edit", "Nudge", "Reject", "Remove", "Rules", "apply", "draw_of", "edit_of"]

_LAST_MS = 2**31 - 1  # where a recording of unknown length ends for an edit: the last time that the REST API holds


class Draw(msgspec.Struct, frozen=True, tag_field="do", tag="draw", forbid_unknown_fields=True):
    """Mark a span; its ends may come in either order."""

    start_ms: int
    end_ms: int
    artifact_type: str
    confidence: float = 1.0
    extra_data: dict[str, Any] | None = None


class Change(msgspec.Struct, frozen=True, tag_field="do", tag="change", forbid_unknown_fields=True):
    """Change what is given of a mark; with both ends a whole length further on, the mark moves.

    A suggestion that changes becomes an annotation: it is accepted as corrected.
    """

    id: int
    start_ms: int | UnsetType = UNSET
    end_ms: int | UnsetType = UNSET
    artifact_type: str | UnsetType = UNSET
    confidence: float | UnsetType = UNSET
    extra_data: dict[str, Any] | UnsetType | None = UNSET


class Nudge(msgspec.Struct, frozen=True, tag_field="do", tag="nudge", forbid_unknown_fields=True):
    """Move a mark or one of its edges by some ms, as far as the recording and the other edge let it."""

    id: int
    by_ms: int
    edge: Literal["both", "start", "end"] = "both"


class Remove(msgspec.Struct, frozen=True, tag_field="do", tag="remove", forbid_unknown_fields=True):
    """Take a mark away; a suggestion, also one that was accepted before, is rejected by it."""

    id: int


class Accept(msgspec.Struct, frozen=True, tag_field="do", tag="accept", forbid_unknown_fields=True):
    """Make a suggestion an annotation."""

    id: int


class Reject(msgspec.Struct, frozen=True, tag_field="do", tag="reject", forbid_unknown_fields=True):
    """Turn a suggestion down."""

    id: int


Edit: TypeAlias = Draw | Change | Nudge | Remove | Accept | Reject


@dataclass(frozen=True, slots=True)
class Rules:
    """What an edit has to keep to: the length of the recording, if it is known, and the artifact types."""

    duration_ms: int | None
    type_names: tuple[str, ...]


def edit_of(message: Mapping[str, Any]) -> Edit:
    """Return the edit that the view has sent, as in ``{"do": "draw", "start_ms": 10, ...}``.

    Raises
    ------
    ParameterError
        If it is none; the message names the field.
    """
    try:
        return msgspec.convert(message, Edit)
    except msgspec.ValidationError as exc:
        raise ParameterError(f"{message!r} is no edit: {exc}.") from exc


def draw_of(
    start_ms: int, end_ms: int, artifact_type: str, confidence: float = 1.0, extra_data: Mapping[str, Any] | None = None
) -> Draw:
    """Return the edit that marks a span, of values that can be kept as JSON, whatever numbers they came as.

    Raises
    ------
    ParameterError
        If times are not whole, or the data cannot be written as JSON.
    """
    times = whole_number("start_ms", start_ms), whole_number("end_ms", end_ms)
    notes = None if extra_data is None else msgspec.json.decode(encode_json(dict(extra_data)))
    return Draw(*times, artifact_type, float(confidence), notes)


def apply(marks: Marks, edit: Edit, rules: Rules) -> Marks:
    """Return the marks after `edit`; the same marks where it changes nothing.

    An accepted suggestion becomes an annotation with confidence 1 that keeps what was suggested in
    ``extra_data["suggested"]``. Ends stay inside the recording and a span keeps at least 1 ms; a mark that reached
    past the end when it was read may stay there.

    Raises
    ------
    ParameterError
        If the edit makes no sense: there is no such mark, no such type, nothing to accept, or a recording of no length.

    Examples
    --------
    >>> marks = apply(Marks(), Draw(900, 1200, "glitch"), Rules(1000, ("glitch",)))
    >>> [(mark.start_ms, mark.end_ms) for mark in marks.items]
    [(900, 1000)]
    """
    if isinstance(edit, Draw):
        start_ms, end_ms = _fitted(edit.start_ms, edit.end_ms, _last_ms(rules))
        type_ = _known(edit.artifact_type, rules)
        return marks.put(Mark(marks.next_id, start_ms, end_ms, type_, edit.confidence, extra_data=edit.extra_data))
    mark = marks.get(edit.id)
    if isinstance(edit, Remove):
        origin = mark.detection if mark.state == "suggestion" else origin_of(mark.extra_data)
        return marks.without(mark.id, *([] if origin is None else [origin]))
    if isinstance(edit, (Accept, Reject)):
        if mark.state != "suggestion":
            raise ParameterError(f"id={mark.id} is an annotation; only suggestions are accepted or rejected.")
        if isinstance(edit, Reject):
            return marks.without(mark.id, mark.detection)
        return marks.put(_accepted(mark, mark, 1.0, rules))
    changed = _nudged(mark, edit, rules) if isinstance(edit, Nudge) else _changed(mark, edit, rules)
    if changed == mark:
        return marks
    if mark.state == "suggestion":
        judged = isinstance(edit, Change) and edit.confidence is not UNSET
        changed = _accepted(changed, mark, changed.confidence if judged else 1.0, rules)
    return marks.put(changed)


def _last_ms(rules: Rules) -> int:
    if rules.duration_ms is None:
        return _LAST_MS
    if rules.duration_ms < 1:
        raise ParameterError(f"duration_ms={rules.duration_ms}: there is nothing in the recording to mark.")
    return rules.duration_ms


def _known(artifact_type: str, rules: Rules) -> str:
    if artifact_type not in rules.type_names:
        raise ParameterError(
            f"artifact_type {artifact_type!r} is not one of {', '.join(map(repr, rules.type_names)) or 'none'}; "
            "choose one of these, or add it to artifact_types."
        )
    return artifact_type


def _fitted(one_ms: int, other_ms: int, last_ms: int) -> tuple[int, int]:
    """Return two ends in order, inside ``[0, last_ms]`` and at least 1 ms apart."""
    start_ms = min(max(min(one_ms, other_ms), 0), last_ms - 1)
    return start_ms, max(min(max(one_ms, other_ms), last_ms), start_ms + 1)


def _nudged(mark: Mark, edit: Nudge, rules: Rules) -> Mark:
    last_ms = max(_last_ms(rules), mark.end_ms)
    if edit.edge == "start":
        return replace(mark, start_ms=min(max(mark.start_ms + edit.by_ms, 0), mark.end_ms - 1))
    if edit.edge == "end":
        return replace(mark, end_ms=min(max(mark.end_ms + edit.by_ms, mark.start_ms + 1), last_ms))
    by_ms = min(max(edit.by_ms, -mark.start_ms), last_ms - mark.end_ms)
    return replace(mark, start_ms=mark.start_ms + by_ms, end_ms=mark.end_ms + by_ms)


def _changed(mark: Mark, edit: Change, rules: Rules) -> Mark:
    if edit.start_ms is not UNSET and edit.end_ms is not UNSET:
        if edit.end_ms - edit.start_ms == mark.end_ms - mark.start_ms:
            mark = _nudged(mark, Nudge(mark.id, edit.start_ms - mark.start_ms), rules)
        else:
            start_ms, end_ms = _fitted(edit.start_ms, edit.end_ms, max(_last_ms(rules), mark.end_ms))
            mark = replace(mark, start_ms=start_ms, end_ms=end_ms)
    elif edit.start_ms is not UNSET:
        mark = _nudged(mark, Nudge(mark.id, edit.start_ms - mark.start_ms, "start"), rules)
    elif edit.end_ms is not UNSET:
        mark = _nudged(mark, Nudge(mark.id, edit.end_ms - mark.end_ms, "end"), rules)
    if edit.artifact_type is not UNSET and edit.artifact_type != mark.artifact_type:
        mark = replace(mark, artifact_type=_known(edit.artifact_type, rules))
    if edit.confidence is not UNSET:
        mark = replace(mark, confidence=edit.confidence)
    if edit.extra_data is not UNSET:
        mark = replace(mark, extra_data=_noted(edit.extra_data, mark))
    return mark


def _noted(given: Mapping[str, Any] | None, mark: Mark) -> Mapping[str, Any] | None:
    """Return notes for `mark`; what says that it was suggested, or by whom, stays whatever they are."""
    stays = "by" if mark.state == "suggestion" else SUGGESTED
    kept = {key: value for key, value in (mark.extra_data or {}).items() if key == stays}
    return {**(given or {}), **kept} or None


def _accepted(changed: Mark, suggestion: Mark, confidence: float, rules: Rules) -> Mark:
    """Return the annotation that a suggestion becomes when it is accepted as `changed`."""
    by = (suggestion.extra_data or {}).get("by")
    origin = {
        "artifact_type": suggestion.artifact_type,
        "start_ms": suggestion.start_ms,
        "end_ms": suggestion.end_ms,
        "confidence": suggestion.confidence,
        **({} if by is None else {"by": by}),
    }
    notes = {key: value for key, value in (changed.extra_data or {}).items() if key != "by" or by is None}
    return replace(
        changed,
        artifact_type=_known(changed.artifact_type, rules),
        confidence=confidence,
        state="annotation",
        extra_data={**notes, SUGGESTED: origin},
    )
