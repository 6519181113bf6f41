"""Labelled material to and from a server."""

from uuid import UUID

import msgspec
import pytest
from api_bodies import DATASET, SET, annotation, annotation_set, audio, dataset
from web_server import Answer

from relaylib.api import AudioFile
from relaylib.client.manifests import unique_names
from relaylib.errors import ParameterError, RelayError
from relaylib.types import Annotation, ArtifactType, AudioItem, Manifest

FILES = f"/datasets/{DATASET}/audio"


def named(*names):
    files = [msgspec.convert(audio(n, original_filename=name), AudioFile) for n, name in enumerate(names)]
    return list(unique_names(files).values())


def test_names_that_are_taken_once_are_kept():
    assert named("a.wav", "b.wav") == ["a.wav", "b.wav"]


def test_names_that_are_taken_twice_get_their_ids():
    assert named("a.wav", "A.wav", "b.wav") == [
        "a.00000000-0000-0000-0000-0000000003e8.wav",
        "A.00000000-0000-0000-0000-0000000003e9.wav",
        "b.wav",
    ]
    files = [msgspec.convert(audio(0, id=str(UUID(int=n << 96)), original_filename="a.wav"), AudioFile) for n in (1, 2)]
    assert list(unique_names(files).values()) == ["a.00000001.wav", "a.00000002.wav"]


def test_names_never_lead_out_of_the_folder():
    assert named("../../etc/passwd", "C:\\music\\b.wav", "..", "/") == [
        "passwd",
        "b.wav",
        str(UUID(int=1002)),
        str(UUID(int=1003)),
    ]


@pytest.fixture
def labelled(web):
    """Let the server have a set of two annotations on five files."""
    annotations = [
        annotation(0, start_ms=500, end_ms=700, confidence=0.5, extra_data={"by": "me"}),
        annotation(1, artifact_type="pop"),
        annotation(2, start_ms=5, end_ms=5),
        annotation(3, audio_file_id=str(UUID(int=1003))),
    ]
    states = ["ready", "ready", "pending", "embedding", "failed"]
    files = [audio(n, processing_status=state) for n, state in enumerate(states)]
    web.on(f"GET /datasets/{DATASET}", Answer(200, dataset()))
    web.on(f"GET {FILES}", Answer(200, {"items": files[::-1], "total": 5}))
    web.on(f"GET /datasets/{DATASET}/annotation-sets/{SET}", Answer(200, annotation_set(annotations=annotations)))
    return web


def test_a_set_becomes_a_manifest(labelled, client):
    """Files that are ready or annotated, oldest first; a type that the dataset lost is kept."""
    assert client.annotation_sets.to_manifest(DATASET, SET) == Manifest(
        (ArtifactType("glitch", "Audio pop", "#FF4444"), ArtifactType("pop")),
        (
            AudioItem("take-0.wav", 1000, None, (Annotation(100, 200, "pop"), Annotation(500, 700, "glitch", 0.5))),
            AudioItem("take-1.wav", 1000),
            AudioItem("take-3.wav", 1000, None, (Annotation(100, 200, "glitch"),)),
        ),
    )


def test_its_audio_can_be_fetched_too(labelled, client, tmp_path):
    for n in (0, 1, 3):
        labelled.on(f"GET {FILES}/{UUID(int=1000 + n)}/download-url", Answer(200, {"download_url": f"/get/{n}"}))
        labelled.on(f"GET //get/{n}", Answer(200, b"%d" % n))
    manifest = client.annotation_sets.to_manifest(DATASET, SET, audio_root=tmp_path / "audio")
    assert [(tmp_path / "audio" / item.filename).read_bytes() for item in manifest] == [b"0", b"1", b"3"]


def test_audio_that_cannot_be_fetched_is_an_error(labelled, client, tmp_path):
    with pytest.raises(RelayError, match="404"):
        client.annotation_sets.to_manifest(DATASET, SET, audio_root=tmp_path, progress=False)


def test_recordings_that_are_not_there_are_told_before_anything_is_made(web, client, tmp_path):
    (tmp_path / "b.wav").write_bytes(b"RIFF")
    manifest = Manifest((), (AudioItem("a.wav"), AudioItem("b.wav")))
    with pytest.raises(ParameterError, match=r"1 of 2 recordings are not in .*: a\.wav\."):
        client.upload_manifest(manifest, tmp_path, name="x")
    assert web.asked == []


def test_recordings_that_are_still_being_labelled_are_not_published(web, client, tmp_path):
    """The server would take them for clean; without publishing, they go there to be finished."""
    (tmp_path / "b.wav").write_bytes(b"RIFF")
    manifest = Manifest((ArtifactType("x"),), (AudioItem("a.wav", done=True), AudioItem("b.wav", done=False)))
    with pytest.raises(ParameterError, match=r"1 of 2 recordings are still being labelled \(done is false\), 'b\.wav'"):
        client.upload_manifest(manifest, tmp_path, name="x")
    assert web.asked == []
    with pytest.raises(ParameterError, match=r"1 of 2 recordings are not in .*: a\.wav"):
        client.upload_manifest(manifest, tmp_path, name="x", publish=False)
