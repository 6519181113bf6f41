"""Every format the registry knows gives back what it promises to keep, on random manifests."""

from __future__ import annotations

from decimal import Inexact, localcontext
from pathlib import PurePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relaylib.formats import Format, Source, formats, read, write
from relaylib.types import Annotation, ArtifactType, AudioItem, Manifest

NAMES = st.one_of(
    st.sampled_from(["glitch", "long pause", "écho", 'the "best"', "a,b;c", "100%", "0.5", "<NA>", "!x", "\\y"]),
    st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=12).map(str.strip).filter(bool),
)
FILENAMES = st.tuples(
    st.sampled_from(["", "day 1/", "ünï/x/"]),
    st.text("abc 0.%é-", min_size=1, max_size=6).map(lambda stem: f"t{stem}"),
    st.sampled_from([".wav", ".flac", ".MP3"]),
).map("".join)
CONFIDENCES = st.one_of(st.just(1.0), st.floats(0, 1))


@st.composite
def _items(draw: st.DrawFn, filename: str, type_names: list[str]) -> AudioItem:
    starts = draw(st.lists(st.integers(0, 4_000_000), max_size=5)) if type_names else []
    spans = tuple(
        Annotation(
            start,
            start + draw(st.integers(1, 3000)),
            draw(st.sampled_from(type_names)),
            draw(CONFIDENCES),
            draw(st.none() | st.just({"by": "me", "tags": [1, None]})),
        )
        for start in starts
    )
    last = max((span.end_ms for span in spans), default=1)
    duration = draw(st.none() | st.integers(last, last + 10_000))
    done = draw(st.sampled_from([None, False, True]))
    return AudioItem(filename, duration, draw(st.none() | st.sampled_from(["voice1", ""])), spans, done)


@st.composite
def manifests(draw: st.DrawFn, *, max_audio: int = 3) -> Manifest:
    names = draw(st.lists(NAMES, max_size=4, unique=True))
    types = tuple(ArtifactType(name, draw(st.none() | st.just("d")), draw(st.just("#FF0000"))) for name in names)
    files = draw(st.lists(FILENAMES, min_size=1, max_size=max_audio, unique=True))
    return Manifest(types, tuple(draw(_items(name, names)) for name in files))


def _kept(manifest: Manifest, format_: Format) -> dict[str, object]:
    """Return what of `manifest` the format promises, in a form that can be compared."""
    keeps = format_.keeps
    return {
        item.filename: (
            [
                (
                    span.start_ms,
                    span.end_ms,
                    span.artifact_type,
                    span.confidence if "confidence" in keeps else None,
                    span.extra_data if "extra_data" in keeps else None,
                )
                for span in sorted(item.annotations)
            ],
            item.group if "group" in keeps else None,
            item.done if "done" in keeps else None,
        )
        for item in manifest
        if item.annotations or "clean" in keeps
    }


@pytest.mark.parametrize("format_", formats(), ids=lambda f: f.name)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_spans_come_back_exactly(format_: Format, data: st.DataObject):
    """Spans to the millisecond, and all that `keeps` names, survive; writing again gives the same bytes."""
    manifest = data.draw(manifests(max_audio=1 if format_.one_recording else 3))
    source = Source(PurePath("x"), format_.render(manifest), manifest.audio[0].filename)
    back = format_.parse(source)
    assert _kept(back, format_) == _kept(manifest, format_)
    if "duration_ms" in format_.keeps:
        known = {a.filename: a.duration_ms for a in manifest if a.duration_ms is not None}
        found = {a.filename: a.duration_ms for a in back}
        assert {name: found[name] for name in known} == known
    used = {span.artifact_type for item in manifest for span in item.annotations}
    assert set(back.type_names) == (set(manifest.type_names) if "unused types" in format_.keeps else used)
    if "type details" in format_.keeps:
        assert back.artifact_types == manifest.artifact_types
    assert format_.render(back) == source.text


@pytest.mark.parametrize("format_", formats(), ids=lambda f: f.name)
def test_files_and_folders_come_back(format_: Format, tmp_path):
    """`write` then `read`, by format name, gives two recordings back from a file or a folder."""
    manifest = Manifest(
        (ArtifactType("glitch"), ArtifactType("echo")),
        (
            AudioItem("a/x.wav", 2000, annotations=(Annotation(1, 20, "glitch"), Annotation(5, 900, "echo"))),
            AudioItem("b.flac", 500, annotations=(Annotation(0, 1, "echo"),)),
        ),
    )
    out = tmp_path / ("labels" if format_.one_recording else f"labels{format_.suffixes[0]}")
    written = write(manifest, out, format_.name)
    assert len(written) == (2 if format_.one_recording else 1)
    assert not list(tmp_path.rglob("*.part"))
    for name in (format_.name, None):
        assert _kept(read(out, name), format_) == _kept(manifest, format_)


@pytest.mark.parametrize("format_", formats(), ids=lambda f: f.name)
def test_times_are_exact_whatever_the_program_reckons_in(format_: Format):
    """Programs that count money set the precision of decimal numbers, and that they must not be rounded."""
    spans = (Annotation(3_661_234, 3_661_999, "echo"),)
    manifest = Manifest((ArtifactType("echo"),), (AudioItem("a.wav", 3_700_001, annotations=spans),))
    with localcontext() as context:
        context.prec, context.traps[Inexact] = 4, True
        back = format_.parse(Source(PurePath("x"), format_.render(manifest), "a.wav"))
    assert _kept(back, format_) == _kept(manifest, format_)


def test_overlapping_spans_of_one_type_survive_a_textgrid():
    """Three spans at the same place need three tiers."""
    (format_,) = (f for f in formats() if f.name == "textgrid")
    spans = (Annotation(0, 10, "echo"), Annotation(0, 10, "echo"), Annotation(5, 7, "echo"), Annotation(10, 11, "echo"))
    text = format_.render(Manifest((ArtifactType("echo"),), (AudioItem("a.wav", 20, annotations=spans),)))
    assert text.count('name = "echo"') == 3
    assert sorted(format_.parse(Source(PurePath("x"), text, "a.wav")).audio[0].annotations) == sorted(spans)
