"""The client against our own server, started as users start it."""

import threading
import time
import unicodedata
from uuid import uuid4

import pytest
from web_server import KEY

from relaylib import Detector
from relaylib.api import CreateAnnotation, TrainingConfig
from relaylib.client import (
    AuthenticationError,
    Client,
    JobFailedError,
    NotFoundError,
    RefusedError,
    RetryPolicy,
    ValidationError,
)
from relaylib.demo import load_demo
from relaylib.server import ServerProcess
from relaylib.types import Manifest

TYPES = ("glitch", "long_pause")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Give a server on SQLite and a folder."""
    with ServerProcess(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


@pytest.fixture
def ours(server):
    """Give a client of it."""
    with Client(server.url, server.key) as client:
        yield client


@pytest.fixture
def dataset(ours):
    return ours.datasets.create("calls", artifact_types=TYPES, description="d")


@pytest.fixture(scope="module")
def speech():
    """Give the labelled speech of the package, more than five minutes, and its folder."""
    train, test, root = load_demo()
    return Manifest(train.artifact_types, train.audio + test.audio), root


@pytest.fixture
def recording(speech):
    manifest, root = speech
    return root / manifest.audio[0].filename


def test_datasets(ours):
    made = ours.datasets.create("one", artifact_types=["glitch"], description="d")
    assert ours.datasets.get(made.id) == made
    changed = ours.datasets.update(made.id, description=None, artifact_types=TYPES)
    assert (changed.name, changed.description) == ("one", None)
    assert [t.name for t in changed.artifact_types] == list(TYPES)
    assert made.id in {d.id for d in ours.datasets.iterate()}
    ours.datasets.delete(made.id)
    with pytest.raises(NotFoundError, match="404 Dataset not found"):
        ours.datasets.get(made.id)
    with pytest.raises(ValidationError) as caught:
        ours.datasets.create("", artifact_types=["glitch", {"name": "pop", "color": "red"}])
    assert {tuple(p.loc[:2]) for p in caught.value.problems} == {("body", "name"), ("body", "artifact_types")}
    assert caught.value.request_id


def test_audio_arrives_whole_and_is_processed(ours, dataset, recording, tmp_path):
    path = tmp_path / unicodedata.normalize("NFD", 'Täke "1" – 東京.flac')
    path.write_bytes(recording.read_bytes())
    made = ours.audio.upload(dataset.id, path)
    assert made.original_filename == 'Täke "1" – 東京.flac'
    ready = ours.audio.wait(dataset.id, made.id, timeout=120)
    assert ready.processing_status == "ready"
    assert ready.duration_ms > 1000
    copy = ours.audio.download(dataset.id, made.id, tmp_path / "copy.flac")
    assert copy.read_bytes() == recording.read_bytes()
    assert [f.id for f in ours.audio.iterate(dataset.id, status="ready")] == [made.id]
    ours.audio.delete(dataset.id, made.id)
    assert ours.audio.list(dataset.id).total == 0


def test_files_that_are_no_audio_are_told(ours, dataset, recording, tmp_path):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"this is no audio at all")
    text = tmp_path / "notes.txt"
    text.write_text("neither is this")
    results = ours.audio.upload_many(dataset.id, [bad, text, recording])
    assert isinstance(results[1], ValidationError)
    with pytest.raises(JobFailedError, match=r"1 of 2 audio files cannot be used: bad\.wav: "):
        ours.audio.wait(dataset.id, [results[0].id, results[2].id], timeout=120)


def test_annotations(ours, dataset, recording):
    file = ours.audio.upload(dataset.id, recording)
    labels = ours.annotation_sets.create(dataset.id)
    one = ours.annotations.create(
        dataset.id, labels.id, audio_file_id=file.id, artifact_type="glitch", start_ms=0, end_ms=50, extra_data={"a": 1}
    )
    spans = [CreateAnnotation(file.id, "long_pause", n, n + 20) for n in range(0, 500, 2)]
    made = ours.annotations.create_many(dataset.id, labels.id, spans, batch_size=100)
    assert [a.start_ms for a in made] == list(range(0, 500, 2))
    assert {a.id for a in ours.annotations.iterate(dataset.id, labels.id)} == {one.id, *(a.id for a in made)}
    assert [a.id for a in ours.annotations.iterate(dataset.id, labels.id, artifact_type="glitch")] == [one.id]
    assert ours.annotations.update(dataset.id, labels.id, one.id, end_ms=60).end_ms == 60
    ours.annotations.delete(dataset.id, labels.id, made[0].id)
    spans[120] = CreateAnnotation(file.id, "unheard", 1, 2)
    with pytest.raises(ValidationError) as caught:
        ours.annotations.create_many(dataset.id, labels.id, spans, batch_size=100)
    assert caught.value.problems[0].loc[:3] == ["body", "annotations", 120]
    assert len(caught.value.done) == 100
    published = ours.annotation_sets.publish(dataset.id, labels.id)
    assert (published.status, published.total_annotations) == ("published", 350)
    assert len(ours.annotation_sets.get(dataset.id, labels.id).annotations) == 350
    with pytest.raises(RefusedError):
        ours.annotation_sets.delete(dataset.id, labels.id)
    draft = ours.annotation_sets.create(dataset.id)
    assert [s.version for s in ours.annotation_sets.list(dataset.id).items] == [2, 1]
    ours.annotation_sets.delete(dataset.id, draft.id)


def test_keys(ours, server):
    made = ours.api_keys.create("second")
    with Client(server.url, made.key) as second:
        assert second.datasets.list().page == 1
        ours.api_keys.delete(made.id)
        with pytest.raises(AuthenticationError, match="401"):
            second.datasets.list()
    assert made.id not in {key.id for key in ours.api_keys.list()}
    with Client(server.url, KEY) as stranger, pytest.raises(AuthenticationError, match="Invalid or missing API key"):
        stranger.models.list()


def test_jobs_that_cannot_be(ours, dataset):
    with pytest.raises(RefusedError):
        ours.training_jobs.create(dataset.id, ours.annotation_sets.create(dataset.id).id, TYPES)
    with pytest.raises(NotFoundError):
        ours.inference_jobs.detect(uuid4(), ["a.wav"])
    with pytest.raises(NotFoundError):
        ours.models.of_training(uuid4())


@pytest.mark.slow
@pytest.mark.workers
def test_from_labelled_speech_to_detections(ours, speech, tmp_path):
    """What a speech engineer does, in a dozen lines; all of it comes back as it went."""
    manifest, root = speech
    sent = ours.upload_manifest(manifest, root, name="demo", timeout=300)
    assert sent.annotation_set.status == "published"
    back = ours.annotation_sets.to_manifest(sent.dataset.id, sent.annotation_set.id, audio_root=tmp_path)
    assert back.artifact_types == manifest.artifact_types
    spans = {item.filename.rsplit("/", 1)[-1]: tuple(sorted(item.annotations)) for item in manifest}
    assert {item.filename: item.annotations for item in back} == spans
    first = manifest.audio[0].filename
    assert (tmp_path / first.rsplit("/", 1)[-1]).read_bytes() == (root / first).read_bytes()

    seen = []
    config = TrainingConfig(list(TYPES), epochs=2, validation_split=0.5)
    job = ours.training_jobs.create(sent.dataset.id, sent.annotation_set.id, config)
    done = ours.training_jobs.wait(job.id, timeout=300, on_update=lambda job: seen.append(job.progress_percent))
    assert seen == sorted(seen)
    assert seen[-1] == 100
    model = ours.models.of_training(job.id)
    assert model.eval_metrics == done.metrics
    assert ours.models.update(model.id, name="ours").name == "ours"
    by_name = {m.name: m for m in ours.models.iterate(is_active=True)}
    assert set(by_name) == {"ours", "tts-artifacts"}
    assert by_name["ours"].id == model.id

    (result,) = ours.inference_jobs.detect(by_name["tts-artifacts"].id, [root / first], timeout=300)
    known = {found.artifact_type for found in Detector.load("tts-artifacts").detect(root / first)}
    assert {found.artifact_type for found in result.detections} == known

    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF but no more")
    paths = [root / manifest.audio[1].filename, broken, tmp_path / "absent.wav", root / first]
    results = ours.inference_jobs.detect(model.id, paths, {"threshold": 0.2}, timeout=300)
    assert [r.status for r in results] == ["completed", "failed", "failed", "completed"]
    assert [r.original_filename for r in results] == [path.name for path in paths]
    job = next(ours.inference_jobs.iterate())
    whole = ours.inference_jobs.wait(job.id, timeout=10)
    assert (whole.total_files, whole.processed_files, whole.failed_files) == (3, 2, 1)
    files = {f.original_filename: f for f in ours.inference_files.iterate(job.id)}
    copy = ours.inference_files.download(job.id, files[paths[0].name].id, tmp_path / "copy.flac")
    assert copy.read_bytes() == paths[0].read_bytes()
    assert ours.inference_files.get(job.id, files["broken.wav"].id).error_message == results[1].error_message
    with pytest.raises(RefusedError):
        ours.inference_jobs.cancel(job.id)


@pytest.mark.slow
@pytest.mark.workers
def test_waiting_survives_a_restart_of_the_server(tmp_path, recording):
    """The file was confirmed, so it is processed by the server that comes back."""
    with ServerProcess(tmp_path / "data") as server, Client(server.url, server.key, retries=RetryPolicy(20)) as client:
        dataset = client.datasets.create("calls")
        file = client.audio.upload(dataset.id, recording)
        server.kill()
        starting = threading.Timer(1.0, server.start)
        starting.start()
        began = time.monotonic()
        assert client.audio.wait(dataset.id, file.id, timeout=120).processing_status == "ready"
        assert time.monotonic() - began > 1.0
        starting.join()
