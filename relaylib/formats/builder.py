"""A manifest in the making: formats add what they read, errors name where it stood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from relaylib.errors import FormatError, ParameterError
from relaylib.types import SLACK_MS, Annotation, ArtifactType, AudioItem, Manifest

__all__ = ["ManifestBuilder"]


@dataclass(slots=True)
class _Draft:
    duration_ms: int | None = None
    group: str | None = None
    done: bool | None = None
    annotations: list[Annotation] = field(default_factory=list)


class ManifestBuilder:
    """Collects types, recordings and spans in the order in which they come.

    Every method takes `place` (such as ``labels.txt, line 3``), with which the `FormatError` it may raise
    begins.
    """

    def __init__(self) -> None:
        self._types: dict[str, ArtifactType] = {}
        self._audio: dict[str, _Draft] = {}

    def add_type(
        self, place: str, name: str, *, description: str | None = None, color: str | None = None
    ) -> ArtifactType:
        """Add an artifact type unless it is there."""
        if name not in self._types:
            try:
                made = ArtifactType(name, description) if color is None else ArtifactType(name, description, color)
            except ParameterError as exc:
                raise FormatError(f"{place}: {exc}") from exc
            self._types[name] = made
        return self._types[name]

    def add_audio(
        self,
        place: str,
        filename: str,
        *,
        duration_ms: int | None = None,
        group: str | None = None,
        done: bool | None = None,
    ) -> _Draft:
        """Add a recording unless it is there; what is known of it completes what was known before."""
        if not filename:
            raise FormatError(f"{place}: the filename is empty; name the recording.")
        if duration_ms is not None and duration_ms < 0:
            raise FormatError(f"{place}: duration_ms={duration_ms}: need 0 <= duration_ms.")
        draft = self._audio.setdefault(filename, _Draft())
        if duration_ms is not None:
            draft.duration_ms = duration_ms
        if group is not None:
            draft.group = group
        if done is not None:
            draft.done = done
        return draft

    def add_span(
        self,
        place: str,
        filename: str,
        start_ms: int,
        end_ms: int,
        artifact_type: str,
        *,
        confidence: float = 1.0,
        extra_data: Mapping[str, Any] | None = None,
    ) -> None:
        """Add an annotation, and its type and recording where they are new.

        Raises
        ------
        FormatError
            If the span breaks ``0 <= start_ms < end_ms``, lies past the end of its recording, or its
            confidence leaves 0..1.
        """
        self.add_type(place, artifact_type)
        draft = self.add_audio(place, filename)
        try:
            span = Annotation(start_ms, end_ms, artifact_type, float(confidence), extra_data)
        except ParameterError as exc:
            raise FormatError(f"{place}: {exc}") from exc
        if draft.duration_ms is not None and end_ms > draft.duration_ms + SLACK_MS:
            raise FormatError(
                f"{place}: end_ms={end_ms} lies past the end of {filename} (duration_ms={draft.duration_ms}); "
                "correct the span or the duration."
            )
        draft.annotations.append(span)

    def add_manifest(self, place: str, manifest: Manifest) -> None:
        """Add all of `manifest`; a recording that is there already gets its annotations too."""
        for type_ in manifest.artifact_types:
            self.add_type(place, type_.name, description=type_.description, color=type_.color)
        for item in manifest:
            draft = self.add_audio(place, item.filename, duration_ms=item.duration_ms, group=item.group, done=item.done)
            draft.annotations.extend(item.annotations)

    def has_audio(self, filename: str) -> bool:
        """Return whether the recording was added."""
        return filename in self._audio

    def has_type(self, name: str) -> bool:
        """Return whether the artifact type was added."""
        return name in self._types

    @property
    def type_names(self) -> tuple[str, ...]:
        """Names of the artifact types so far, in order."""
        return tuple(self._types)

    def build(self) -> Manifest:
        """Return the manifest."""
        audio = (
            AudioItem(name, draft.duration_ms, draft.group, tuple(draft.annotations), draft.done)
            for name, draft in self._audio.items()
        )
        return Manifest(tuple(self._types.values()), tuple(audio))
