"""The keeper of a dataset against our own server, started as users start it."""

import numpy as np
import pytest
import soundfile

from relaylib.api import CreateAnnotation
from relaylib.client import Client, ConnectionFailedError, RefusedError, RetryPolicy, ValidationError
from relaylib.errors import ParameterError
from relaylib.server import ServerProcess
from relaylib.types import Annotation, ArtifactType, AudioItem, Detection
from relaylib.widgets.keeping import ConflictError, Keeper, Labels
from relaylib.widgets.keeping.rest import RestKeeper

A, B, C = Annotation(0, 50, "glitch"), Annotation(100, 140, "echo", 0.5, {"note": "soft"}), Annotation(60, 90, "glitch")
HUM = Detection(300, 400, "echo", 0.6)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Give a server that only stores: nothing here waits for audio to be processed."""
    with ServerProcess(tmp_path_factory.mktemp("server") / "data", options={"workers": "0"}) as running:
        yield running


@pytest.fixture
def client(server):
    with Client(server.url, server.key) as made:
        yield made


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("audio") / "a.wav"
    soundfile.write(path, np.sin(np.arange(16_000) / 20), 16_000)
    return path


@pytest.fixture
def dataset(client, recording):
    """Give the id of a dataset of two recordings, a.wav and b.wav."""
    made = client.datasets.create(
        "calls", artifact_types=[ArtifactType("glitch"), ArtifactType("echo", "d", "#00AAFF")]
    )
    for name in ("a.wav", "b.wav"):
        client.audio.upload(made.id, recording, filename=name)
    return made.id


def versions(client, dataset):
    """Return (status, number of annotations) of each version, newest first."""
    return [(v.status, v.total_annotations) for v in client.annotation_sets.list(dataset).items]


def at_server(client, dataset):
    """Return the annotations of a.wav in the newest version, sorted, and their ids."""
    newest = client.annotation_sets.list(dataset).items[0]
    (file,) = (f for f in client.audio.iterate(dataset) if f.original_filename == "a.wav")
    bodies = sorted(
        client.annotations.iterate(dataset, newest.id, audio_file_id=file.id), key=lambda b: (b.start_ms, b.end_ms)
    )
    spans = [Annotation(b.start_ms, b.end_ms, b.artifact_type, b.confidence, b.extra_data) for b in bodies]
    return spans, [b.id for b in bodies]


def published(client, dataset, *spans):
    """Publish a version with annotations of a.wav, and return the id of the file."""
    (file,) = (f for f in client.audio.iterate(dataset) if f.original_filename == "a.wav")
    labels = client.annotation_sets.create(dataset)
    bodies = [CreateAnnotation(file.id, s.artifact_type, s.start_ms, s.end_ms, s.confidence) for s in spans]
    client.annotations.create_many(dataset, labels.id, bodies)
    client.annotation_sets.publish(dataset, labels.id)
    return file.id


def test_a_new_dataset_begins_without_labels_and_without_a_version(client, dataset):
    keeper: Keeper = RestKeeper(client, dataset)
    assert keeper.all_labels() == {"a.wav": Labels(done=False), "b.wav": Labels(done=False)}
    manifest = keeper.manifest()
    assert manifest.artifact_types == (ArtifactType("glitch"), ArtifactType("echo", "d", "#00AAFF"))
    assert manifest.audio == (AudioItem("a.wav", done=False), AudioItem("b.wav", done=False))
    keeper.keep("a.wav", Labels((), (HUM,), done=True))
    assert keeper.labels("a.wav") == Labels((), (HUM,), done=True)
    assert versions(client, dataset) == []


def test_each_change_is_at_the_server_when_it_is_kept(client, dataset):
    """What is not changed keeps its id, and what is changed too."""
    keeper = RestKeeper(client, dataset)
    keeper.keep("a.wav", Labels((A,)))
    keeper.keep("a.wav", Labels((A, B)))
    spans, (first, second) = at_server(client, dataset)
    assert (spans, spans[1].extra_data) == ([A, B], {"note": "soft"})
    moved = Annotation(105, 140, "echo", 0.5, {"note": "loud"})
    keeper.keep("a.wav", Labels((A, moved)))
    spans, ids = at_server(client, dataset)
    assert (spans, spans[1].extra_data, ids) == ([A, moved], {"note": "loud"}, [first, second])
    keeper.keep("a.wav", Labels((A, Annotation(105, 140, "echo", 0.5))))
    assert at_server(client, dataset)[0][1].extra_data is None
    keeper.keep("a.wav", Labels((A,)))
    assert at_server(client, dataset) == ([A], [first])
    assert versions(client, dataset) == [("draft", 1)]
    assert RestKeeper(client, dataset).all_labels() == {"a.wav": Labels((A,), done=True), "b.wav": Labels(done=False)}


def test_a_published_version_is_left_alone_until_something_changes(client, dataset):
    """Then its labels are copied into a draft, and the change is made there."""
    published(client, dataset, A, C)
    keeper = RestKeeper(client, dataset)
    assert keeper.labels("a.wav") == Labels((A, C), done=True)
    keeper.keep("a.wav", Labels((A, C), done=False))
    assert versions(client, dataset) == [("published", 2)]
    assert not keeper.can_publish
    keeper.keep("b.wav", Labels((B,)))
    assert versions(client, dataset) == [("draft", 3), ("published", 2)]
    keeper.keep("a.wav", Labels((C,)))
    assert versions(client, dataset) == [("draft", 2), ("published", 2)]
    assert at_server(client, dataset)[0] == [C]


def test_publish_makes_the_draft_final_and_the_next_change_begins_another(client, dataset):
    keeper = RestKeeper(client, dataset)
    with pytest.raises(ParameterError, match="nothing to publish"):
        keeper.publish()
    keeper.keep("a.wav", Labels((A,)))
    assert keeper.can_publish
    assert (keeper.publish().version, keeper.can_publish) == (1, False)
    with pytest.raises(ParameterError, match="nothing to publish"):
        keeper.publish()
    keeper.keep("a.wav", Labels((A, B)))
    assert versions(client, dataset) == [("draft", 2), ("published", 1)]


def test_a_draft_whose_copy_never_came_begins_with_what_is_published(client, dataset):
    """As after a kill between the two: an empty draft is no sign that everything was deleted."""
    published(client, dataset, A)
    client.annotation_sets.create(dataset)
    keeper = RestKeeper(client, dataset)
    assert keeper.labels("a.wav").annotations == (A,)
    keeper.keep("a.wav", Labels((A, C)))
    assert versions(client, dataset) == [("draft", 2), ("published", 1)]


def test_what_this_session_has_emptied_stays_empty_for_it(client, dataset):
    published(client, dataset, A)
    keeper = RestKeeper(client, dataset)
    keeper.keep("a.wav", Labels())
    assert keeper.labels("a.wav").annotations == ()
    assert not keeper.can_publish
    keeper.keep("a.wav", Labels((C,)))
    assert at_server(client, dataset)[0] == [C]


def test_two_who_change_the_same_recording_are_told(client, dataset):
    """Other recordings pass; the one that was changed elsewhere has to be read again first."""
    first, second = RestKeeper(client, dataset), RestKeeper(client, dataset)
    first.keep("a.wav", Labels((A,)))
    second.keep("b.wav", Labels((B,)))
    with pytest.raises(ConflictError, match=r"a\.wav: its labels in the draft") as caught:
        second.keep("a.wav", Labels((C,)))
    assert caught.value.theirs.annotations == (A,)
    assert at_server(client, dataset)[0] == [A]
    assert second.labels("a.wav").annotations == (A,)
    second.keep("a.wav", Labels((A, C)))
    assert at_server(client, dataset)[0] == [A, C]
    assert versions(client, dataset) == [("draft", 3)]


def test_a_draft_that_was_published_elsewhere_is_followed_by_another(client, dataset):
    first, second = RestKeeper(client, dataset), RestKeeper(client, dataset)
    first.keep("a.wav", Labels((A,)))
    assert second.labels("a.wav").annotations == (A,)
    second.publish()
    with pytest.raises(RefusedError):
        first.keep("a.wav", Labels((A, C)))
    first.keep("a.wav", Labels((A, C)))
    assert versions(client, dataset) == [("draft", 2), ("published", 1)]


def test_what_the_server_refuses_is_not_kept(client, dataset):
    keeper = RestKeeper(client, dataset)
    keeper.keep("a.wav", Labels((A,)))
    with pytest.raises(ParameterError, match="'hiss' is not one of 'glitch', 'echo'"):
        keeper.keep("a.wav", Labels((A, Annotation(1, 2, "hiss"))))
    with pytest.raises(ValidationError):
        keeper.keep("a.wav", Labels((Annotation(0, 2**31, "glitch"),)))
    with pytest.raises(ParameterError, match=r"'x\.wav' is not a recording of the dataset"):
        keeper.keep("x.wav", Labels((A,)))
    assert at_server(client, dataset)[0] == [A]
    keeper.keep("a.wav", Labels((C,)))
    assert at_server(client, dataset)[0] == [C]


def test_the_audio_of_a_recording_is_fetched_once(client, dataset, recording, tmp_path):
    keeper = RestKeeper(client, dataset)
    path = keeper.fetch("b.wav", tmp_path)
    assert path.read_bytes() == recording.read_bytes()
    path.write_bytes(b"here already")
    assert keeper.fetch("b.wav", tmp_path).read_bytes() == b"here already"


@pytest.mark.slow
def test_a_server_that_is_gone_is_told_and_the_change_made_up_for(tmp_path, recording):
    with (
        ServerProcess(tmp_path / "data", options={"workers": "0"}) as server,
        Client(server.url, server.key, retries=RetryPolicy(0)) as client,
    ):
        dataset = client.datasets.create("calls", artifact_types=["glitch"])
        client.audio.upload(dataset.id, recording)
        keeper = RestKeeper(client, dataset.id)
        keeper.keep("a.wav", Labels((A,)))
        server.kill()
        with pytest.raises(ConnectionFailedError):
            keeper.keep("a.wav", Labels((A, C)))
        server.start()
        keeper.keep("a.wav", Labels((C,)))
        assert at_server(client, dataset.id)[0] == [C]
