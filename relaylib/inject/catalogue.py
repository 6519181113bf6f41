"""All shapes that there are, by the type of artifact that they make."""

from __future__ import annotations

from collections.abc import Collection

from relaylib.errors import ParameterError
from relaylib.inject.benign import BENIGN
from relaylib.inject.canvas import Shape
from relaylib.inject.changes import CHANGES
from relaylib.inject.echoes import ECHOES
from relaylib.inject.foreign import FOREIGN
from relaylib.inject.glitches import GLITCHES
from relaylib.inject.pauses import PAUSES
from relaylib.inject.repetitions import REPETITIONS
from relaylib.inject.robotic import ROBOTIC

__all__ = ["BASIC_TYPES", "SHAPES", "chosen", "shape_names", "type_names"]

SHAPES: tuple[Shape, ...] = (
    *GLITCHES,
    *PAUSES,
    *ECHOES,
    *REPETITIONS,
    *ROBOTIC,
    *FOREIGN,
    *CHANGES,
    *BENIGN,
)
"""Every shape; those with ``artifact_type`` None are changes that are no artifacts."""

BASIC_TYPES = ("glitch", "long_pause", "echo", "repetition", "robotic", "hallucination")
"""The types of artifact that the ready detectors know."""


def type_names() -> tuple[str, ...]:
    """Return the types of artifact that can be put in."""
    return tuple(dict.fromkeys(shape.artifact_type for shape in SHAPES if shape.artifact_type is not None))


def shape_names(artifact_type: str | None = None) -> tuple[str, ...]:
    """Return the names of the shapes of a type, or of all.

    Raises
    ------
    ParameterError
        If there is no such type.
    """
    if artifact_type is not None and artifact_type not in type_names():
        raise ParameterError(
            f"artifact type {artifact_type!r} cannot be put in; need one of {', '.join(type_names())}."
        )
    return tuple(shape.name for shape in SHAPES if artifact_type in (None, shape.artifact_type))


def chosen(types: Collection[str], without: Collection[str] = ()) -> dict[str | None, tuple[Shape, ...]]:
    """Return the shapes of each of `types`, and under None the benign ones, but for those named in `without`.

    Raises
    ------
    ParameterError
        If a type or shape is unknown, or a type has no shape left.
    """
    for what, given, known in (("type", types, type_names()), ("shape", without, shape_names())):
        for name in given:
            if name not in known:
                raise ParameterError(f"{what} {name!r} cannot be put in; need one of {', '.join(known)}.")
    found: dict[str | None, tuple[Shape, ...]] = {}
    for wanted in (*types, None):
        found[wanted] = tuple(s for s in SHAPES if s.artifact_type == wanted and s.name not in without)
        if not found[wanted] and wanted is not None:
            raise ParameterError(f"artifact type {wanted!r} has no shape left; `without` names all of them.")
    return found
