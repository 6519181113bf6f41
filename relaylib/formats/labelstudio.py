"""Label Studio tasks: the JSON export (full and JSON-MIN) in, tasks ready for import out.

A region with several labels becomes an annotation for each. Where several people annotated a task, the one marked
as ground truth counts, else the last that was not cancelled; a task with predictions alone gives these, scores as
confidences. A task that nobody annotated is left out: no labels means clean only once somebody has listened.
Uploaded files lose the prefix that Label Studio gives them, links all but their last part.

Lost in writing: extra_data, types without annotations, descriptions and colors. Label Studio itself drops
the confidence (``score``) of a region that is edited there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from relaylib.errors import FormatError, ParameterError
from relaylib.formats.builder import ManifestBuilder
from relaylib.formats.format import Format, Source
from relaylib.formats.json_text import decode_json, encode_json, top_keys, whole_ms
from relaylib.formats.text import ms_of, span_of
from relaylib.types import AUDIO_EXTENSIONS, Annotation, AudioItem, Manifest

__all__ = ["FORMAT"]

_MIN_KEYS = frozenset({"annotator", "annotation_id", "lead_time"})


class _Value(msgspec.Struct, omit_defaults=True):
    start: float | None = None
    end: float | None = None
    channel: int | None = None
    labels: list[str] | None = None


class _Region(msgspec.Struct, omit_defaults=True):
    value: _Value = msgspec.field(default_factory=_Value)  # a relation between regions has none
    id: str | None = None
    from_name: str = ""
    to_name: str = ""
    type: str = ""
    original_length: float | None = None
    score: float | None = None


class _Annotation(msgspec.Struct, omit_defaults=True):
    result: list[_Region]
    was_cancelled: bool | None = False
    ground_truth: bool | None = False
    score: float | None = None


class _Task(msgspec.Struct):
    data: dict[str, Any]
    annotations: list[_Annotation] = []
    predictions: list[_Annotation | int] = []


def _parse(source: Source) -> Manifest:
    builder = ManifestBuilder()
    tasks = decode_json(source.text, list[dict[str, msgspec.Raw]], source.path)
    for i, raw in enumerate(tasks):
        root = f"$[{i}]"
        text = msgspec.json.encode(raw).decode()
        if "data" not in raw:
            data = decode_json(text, dict[str, Any], source.path, root=root)
            filename, regions = _min_task(data, source, root)
        else:
            task = decode_json(text, _Task, source.path, root=root)
            data, found = task.data, _chosen(task)
            if found is None:
                continue
            filename, regions = _filename(data, source, f"{root}.data"), found
        if builder.has_audio(filename):
            raise FormatError(f"{source.path}: {root}: a second task for {filename!r}; merge or remove it.")
        place = f"{source.path}: {root}"
        group = data.get("group")
        builder.add_audio(
            place,
            filename,
            duration_ms=_duration(data, regions, place),
            group=group if isinstance(group, str) else None,
        )
        _add_regions(builder, place, filename, regions)
    return builder.build()


_Regions = list[tuple[str, _Region, float]]
"""Path, region and the confidence that holds where the region has none."""


def _chosen(task: _Task) -> _Regions | None:
    """Return the regions that count for a task; None where nobody annotated it."""
    kept = [(i, a) for i, a in enumerate(task.annotations) if not a.was_cancelled]
    where = "annotations"
    if not kept:
        kept = [(i, p) for i, p in enumerate(task.predictions) if isinstance(p, _Annotation)][:1]
        where = "predictions"
    if not kept:
        return None
    i, found = next((pair for pair in kept if pair[1].ground_truth), kept[-1])
    fallback = 1.0 if found.score is None or where == "annotations" else found.score
    return [(f".{where}[{i}].result[{j}]", region, fallback) for j, region in enumerate(found.result)]


def _min_task(task: dict[str, Any], source: Source, root: str) -> tuple[str, _Regions]:
    """Return filename and regions of a JSON-MIN task, where each control tag is a key with its values."""
    regions: _Regions = []
    for key, values in task.items():
        if isinstance(values, list) and values and all(isinstance(v, dict) and "start" in v for v in values):
            for j, value in enumerate(values):
                path = f".{key}[{j}]"
                try:
                    body = msgspec.convert(value, _Value)
                except msgspec.ValidationError as exc:
                    raise FormatError(f"{source.path}: {root}{path}: {exc}.") from exc
                length = value.get("original_length")
                length = length if type(length) in (int, float) else None
                regions.append((path, _Region(body, original_length=length), 1.0))
    if not regions and not _MIN_KEYS & task.keys():
        raise FormatError(
            f"{source.path}: {root}: no Label Studio task: neither data (JSON) nor labels, annotator, annotation_id or "
            "lead_time (JSON-MIN), by which a recording without labels is known to be clean; export it from there."
        )
    return _filename(task, source, root), regions


def _duration(data: dict[str, Any], regions: _Regions, place: str) -> int | None:
    """Return the recording's length: what we wrote into the task's data, else what Label Studio measured."""
    if type(known_ms := data.get("duration_ms")) is int:
        return whole_ms(known_ms, f"{place}.data.duration_ms")
    path, length = next(((p, r.original_length) for p, r, _ in regions if r.original_length), ("", None))
    try:
        return None if length is None else ms_of(repr(length))
    except ParameterError as exc:
        raise FormatError(f"{place}{path}.original_length: {exc}") from exc


def _add_regions(builder: ManifestBuilder, place: str, filename: str, regions: _Regions) -> None:
    for path, region, fallback in regions:
        value, at = region.value, f"{place}{path}"
        if not value.labels or value.start is None or value.end is None:
            continue  # a choice, a transcript: no labelled span
        try:
            start_ms, end_ms = span_of(repr(value.start), repr(value.end))
        except ValueError as exc:
            raise FormatError(f"{at}.value: {exc}") from exc
        confidence = fallback if region.score is None else region.score
        for label in value.labels:
            builder.add_span(f"{at}.value", filename, start_ms, end_ms, label, confidence=confidence)


def _filename(data: dict[str, Any], source: Source, where: str) -> str:
    """Return the recording's name from the data of a task: ``audio``, else the first text that ends like audio."""
    texts = {key: value for key, value in data.items() if isinstance(value, str) and value}
    link = texts.get("audio") or next(
        (v for v in texts.values() if _name_in(v).lower().endswith(AUDIO_EXTENSIONS)), None
    )
    if link is None:
        raise FormatError(f"{source.path}: {where}: no key names the recording; add 'audio'.")
    return _name_in(link)


def _name_in(link: str) -> str:
    """Return the filename that a path or link of Label Studio leads to.

    Examples
    --------
    >>> _name_in("/data/upload/3/1f0c5d2e-take%201.wav"), _name_in("/data/local-files/?d=day1/a.wav")
    ('take 1.wav', 'day1/a.wav')
    >>> _name_in("s3://bucket/day1/a.wav"), _name_in("day1/a 100%.wav")
    ('day1/a.wav', 'day1/a 100%.wav')
    """
    try:
        split = urlsplit(link)
    except ValueError:  # brackets that hold no address of a host
        return link
    if link.startswith("/data/upload/"):
        return re.sub(r"^[0-9a-f]{8}-", "", unquote(link).rsplit("/", 1)[1])
    if "/data/local-files/" in link:
        return parse_qs(split.query).get("d", [link])[0]
    scheme = re.match(r"([a-z][a-z0-9+.-]+)://", link)
    if scheme is None:
        return link
    path = unquote(split.path).lstrip("/")
    return path.rsplit("/", 1)[-1] if scheme[1] in ("http", "https") else path


def _render(manifest: Manifest) -> str:
    return encode_json(
        [
            {"id": i, "data": _data(item), "annotations": [{"result": list(_regions(item))}]}
            for i, item in enumerate(manifest, start=1)
        ]
    )


def _data(item: AudioItem) -> dict[str, Any]:
    known = {"audio": item.filename, "duration_ms": item.duration_ms, "group": item.group}
    return {key: value for key, value in known.items() if value is not None}


def _regions(item: AudioItem) -> Iterator[_Region]:
    length = None if item.duration_ms is None else item.duration_ms / 1000
    for i, span in enumerate(item.annotations):
        yield _Region(
            value=_Value(span.start_ms / 1000, span.end_ms / 1000, 0, [span.artifact_type]),
            id=_region_id(item.filename, i, span),
            from_name="label",
            to_name="audio",
            type="labels",
            original_length=length,
            score=None if span.confidence == 1.0 else span.confidence,
        )


def _region_id(filename: str, number: int, span: Annotation) -> str:
    """Return an id such as Label Studio makes, the same for the same region."""
    text = f"{filename}\n{number}\n{span.start_ms}\n{span.end_ms}\n{span.artifact_type}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]


FORMAT = Format(
    name="labelstudio",
    title="Label Studio JSON",
    suffixes=(".labelstudio.json",),
    parse=_parse,
    render=_render,
    sniff=lambda text: "[]" in top_keys(text),
    keeps=("duration_ms", "group", "confidence", "clean"),
    aliases=("label-studio",),
)
