"""What may be labelled, and what there is to mark in it."""

import numpy as np
import pytest

import relaylib
from relaylib.audio import save
from relaylib.client import Client
from relaylib.errors import ParameterError
from relaylib.formats import read_manifest, write_detections, write_manifest
from relaylib.plot import OKABE_ITO
from relaylib.server import ServerProcess
from relaylib.types import Annotation, ArtifactType, AudioItem, Detection, FileResult, Manifest, Waveform
from relaylib.widgets.annotate import annotate


@pytest.fixture
def folder(tmp_path):
    """Give a folder with three short recordings, one of them further down."""
    (tmp_path / "deep").mkdir()
    for name in ("a.wav", "b.flac", "deep/c.wav"):
        save(tmp_path / name, Waveform(np.zeros(8000, np.float32)))
    return tmp_path


def names(annotator):
    return [file["filename"] for file in annotator.files]


def draw(annotator, *span):
    """Do what the view does when somebody draws."""
    edit = {"do": "draw", **dict(zip(("start_ms", "end_ms", "artifact_type"), span, strict=True))}
    annotator._handle_custom_msg({"kind": "edit", "edit": edit}, [])


def test_a_file_alone_has_one_type_and_says_that_nothing_is_kept(folder):
    """The first try needs no further argument."""
    annotator = relaylib.annotate(folder / "a.wav")
    draw(annotator, 100, 200, "artifact")
    assert annotator.annotations == (Annotation(100, 200, "artifact"),)
    assert annotator.saved["state"] == "memory"
    assert sorted(path.name for path in folder.iterdir()) == ["a.wav", "b.flac", "deep"]


def test_folders_and_lists_are_queues(folder):
    """In the order of the names, and in the order given."""
    assert names(annotate(str(folder))) == ["a.wav", "b.flac", "deep/c.wav"]
    assert names(annotate([folder / "b.flac", folder / "a.wav"])) == ["b.flac", "a.wav"]


def test_labels_of_a_folder_are_kept_where_wanted_and_found_again(folder):
    """The second annotator goes on from the first, by the folder or by the manifest alone."""
    labels = folder / "labels.json"
    draw(annotate(folder, artifact_types=["click", "echo"], manifest=labels), 100, 200, "echo")
    expected = (Annotation(100, 200, "echo"),)
    assert read_manifest(labels).audio[0] == AudioItem("a.wav", annotations=expected)
    assert annotate(folder, manifest=labels).annotations == expected
    again = annotate(labels)
    assert again.annotations == expected
    assert names(again) == ["a.wav", "b.flac", "deep/c.wav"]
    assert [(t["name"], t["color"], t["key"]) for t in again.artifact_types] == [
        ("click", OKABE_ITO[0], "1"),
        ("echo", OKABE_ITO[1], "2"),
    ]


def test_a_file_of_a_larger_manifest_is_a_queue_of_one(folder):
    """The other recordings stay in the manifest."""
    labels = folder / "labels.json"
    write_manifest(Manifest((ArtifactType("click"),), (AudioItem("other.wav"), AudioItem("a.wav"))), labels)
    annotator = annotate(folder / "a.wav", manifest=labels)
    assert names(annotator) == ["a.wav"]
    draw(annotator, 100, 200, "click")
    assert [item.filename for item in read_manifest(labels)] == ["other.wav", "a.wav"]
    assert [item.filename for item in annotator.to_manifest()] == ["other.wav", "a.wav"]


def test_a_manifest_value_lives_in_memory_beside_its_audio(folder):
    """`audio_root` says where; the value itself does not change."""
    value = Manifest((ArtifactType("click"),), (AudioItem("a.wav", annotations=(Annotation(1, 2, "click"),)),))
    annotator = annotate(value, audio_root=folder)
    assert annotator.sound["duration_ms"] == 500
    draw(annotator, 100, 200, "click")
    assert len(annotator.annotations) == 2
    assert len(value.audio[0].annotations) == 1


def test_types_that_share_the_default_colour_are_told_apart(folder):
    """As those that are read from a list of names; colours that were chosen stay."""
    items = (AudioItem("a.wav"),)
    annotator = annotate(Manifest((ArtifactType("click"), ArtifactType("echo")), items), audio_root=folder)
    assert [t["color"] for t in annotator.artifact_types] == list(OKABE_ITO[:2])
    chosen = (ArtifactType("click", color="#123456"), ArtifactType("echo"))
    assert [t["color"] for t in annotate(folder, artifact_types=chosen).artifact_types] == ["#123456", "#FF0000"]


def test_the_tenth_type_has_no_key(folder):
    keys = [t["key"] for t in annotate(folder, artifact_types=[f"type {k}" for k in range(11)]).artifact_types]
    assert keys == ["1", "2", "3", "4", "5", "6", "7", "8", "9", None, None]


@pytest.mark.parametrize("form", ["plain", "by name", "manifest"])
def test_annotations_may_be_given_in_three_ways(folder, form):
    """Their types become known by it."""
    spans = (Annotation(100, 200, "click"), Annotation(150, 250, "echo"))
    given = {
        "plain": list(spans),
        "by name": {"a.wav": spans},
        "manifest": Manifest((ArtifactType("click"), ArtifactType("echo")), (AudioItem("a.wav", annotations=spans),)),
    }[form]
    annotator = annotate(folder / "a.wav", annotations=given)
    assert annotator.annotations == spans
    assert [t["name"] for t in annotator.artifact_types] == ["click", "echo"]
    assert [mark["lane"] for mark in annotator.marks] == [0, 1]


@pytest.mark.parametrize("form", ["results", "file"])
def test_results_of_a_detector_are_suggestions(folder, form):
    """Also of recordings that are not open; a type that only the detector knows can be accepted."""
    found = [
        FileResult("a.wav", 500, "completed", (Detection(100, 200, "click", 0.7),)),
        FileResult("deep/c.wav", 500, "completed", (Detection(10, 20, "echo", 0.6), Detection(30, 40, "echo", 0.5))),
    ]
    path = folder / "found.json"
    write_detections(found, path)
    annotator = annotate(folder, artifact_types=["click"], suggest=found if form == "results" else path)
    assert [file["n_suggestions"] for file in annotator.files] == [1, 0, 2]
    assert annotator.annotations == ()
    annotator.go_to(2)
    for mark in annotator.marks:
        annotator._handle_custom_msg({"kind": "edit", "edit": {"do": "accept", "id": mark["id"]}}, [])
    assert [span.artifact_type for span in annotator.annotations] == ["echo", "echo"]


def test_labels_of_a_dataset_go_to_its_draft(folder, tmp_path_factory):
    """Audio is fetched when it is opened; the button to publish is there while there is something to publish."""
    data = tmp_path_factory.mktemp("server") / "data"
    with ServerProcess(data, options={"workers": "0"}) as server, Client(server.url, server.key) as client:
        dataset = client.datasets.create("calls", artifact_types=["click", "echo"])
        for name in ("a.wav", "b.flac"):
            client.audio.upload(dataset.id, folder / name)
        annotator = annotate((client, dataset.id))
        assert names(annotator) == ["a.wav", "b.flac"]
        assert annotator.sound["duration_ms"] == 500
        assert not annotator.can_publish
        annotator.go_to(1)
        draw(annotator, 100, 200, "echo")
        assert annotator.saved["state"] == "saved"
        (version,) = client.annotation_sets.list(dataset.id).items
        assert (version.status, version.total_annotations) == ("draft", 1)
        assert annotator.can_publish
        annotator._handle_custom_msg({"kind": "publish"}, [])
        assert not annotator.can_publish
        (version,) = client.annotation_sets.list(dataset.id).items
        assert version.status == "published"
        with pytest.raises(ParameterError, match="draft annotation set"):
            annotate((client, dataset.id), manifest="labels.json")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (3, "source is a int; give an audio file"),
        ([1, 2], "source is a list; give an audio file"),
        ("nowhere.wav", "there is no 'nowhere.wav'"),
        ("nowhere.json", "there is no such manifest"),
        ("empty", "has no audio files"),
        ([], "has no audio files"),
    ],
)
def test_what_cannot_be_labelled_is_an_error_that_says_what_can(tmp_path, monkeypatch, source, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ParameterError, match=message):
        annotate(source)


@pytest.mark.parametrize("option", [{"artifact_types": "click"}, {"height": 20}, {"theme": "pink"}])
def test_what_an_option_cannot_be_is_an_error(folder, option):
    """One name for a list of them would be a type for each letter."""
    ((name, value),) = option.items()
    with pytest.raises(ParameterError, match=f"{name}={value!r}"):
        annotate(folder, **option)


def test_annotations_of_strangers_are_an_error(folder):
    """A slip in a name must not look like a clean recording."""
    with pytest.raises(ParameterError, match=r"'x.wav', which is not among the recordings; these are 'a.wav'"):
        annotate(folder, annotations={"x.wav": []})
    with pytest.raises(ParameterError, match="without filenames, for 3 recordings"):
        annotate(folder, annotations=[Annotation(0, 1, "click")])
    labels = folder / "labels.json"
    write_manifest(Manifest((), (AudioItem("a.wav"),)), labels)
    for more in ({"manifest": folder / "other.json"}, {"annotations": {"a.wav": [Annotation(0, 1, "click")]}}):
        with pytest.raises(ParameterError, match=r"'labels.json' are kept in itself; leave"):
            annotate(labels, **more)
