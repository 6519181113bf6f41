"""The heavy functions, called as a worker calls them but in this process, on real speech."""

import errno
import math
from itertools import pairwise

import labelled_tasks
import msgspec
import numpy as np
import pytest

from relaylib import DecodeConfig, Detector, EmbeddingCache, load_encoder
from relaylib.api import InferenceConfig
from relaylib.audio import load, save
from relaylib.demo import load_demo
from relaylib.models.entry import Entry
from relaylib.models.judge import Judge
from relaylib.server.jobs.executor import StorageAwayError, TaskFailedError, WorkerDiedError
from relaylib.server.jobs.tasks import DetectArtifacts, LabelledAudio, PrepareAudio, Progress
from relaylib.server.jobs.work import WorkContext, open_context, run_task
from relaylib.server.objects import open_store
from relaylib.types import Waveform


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("data")
    open_store(None, data_dir=data_dir)  # as the server does
    return open_context(storage_url=None, data_dir=data_dir, encoder="spectral")


@pytest.fixture(scope="module")
def trained(context):
    """Train once; give the task, the result and all that was told meanwhile."""
    task = labelled_tasks.training(context.store)
    for audio in task.audio:
        run_task(PrepareAudio(audio.key, audio.filename), context, ignore)
    told = []
    return task, run_task(task, context, told.append), told


def ignore(_):
    pass


def raw(context, data, key="uploads/raw"):
    path = context.data_dir / "raw"
    path.write_bytes(data)
    context.store.put_file(key, path)
    return key


def encoded(folder, suffix, codec):
    """Encode a second of speech by FFmpeg; return its bytes."""
    import av

    samples = load(load_demo().audio_root / labelled_tasks.items(1)[0].filename).samples[:16_000]
    path = folder / f"speech{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48_000, layout="mono")
        resampler = av.AudioResampler(stream.format.name, "mono", 48_000)
        frame = av.AudioFrame.from_ndarray((samples[None] * 32767).astype(np.int16), "s16", "mono")
        frame.sample_rate = 16_000
        fifo = av.AudioFifo()
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            fifo.write(piece)
        while piece := fifo.read(stream.frame_size or 1024, partial=True):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path.read_bytes()


def test_prepared_audio_has_its_duration_and_its_embeddings_in_the_cache(context):
    item = labelled_tasks.items(1)[0]
    (key,) = labelled_tasks.put(context.store, [item])
    told = []
    result = run_task(PrepareAudio(key, "a.flac"), context, told.append)
    assert result.duration_ms == item.duration_ms
    assert [progress.stage for progress in told] == ["normalizing", "embedding"]
    fresh = EmbeddingCache(context.cache.folder)
    n_entries = len(fresh)
    with context.store.local(key) as path:
        assert fresh.frames(path, context.encoder).duration_ms == item.duration_ms
    assert len(fresh) == n_entries


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".mp3", "libmp3lame"), (".ogg", "libopus"), (".webm", "libopus"), (".m4a", "aac"), (".aac", "aac")],
)
def test_a_file_is_decoded_by_its_content_where_its_key_has_no_ending(context, tmp_path, suffix, codec):
    key = raw(context, encoded(tmp_path, suffix, codec))
    assert abs(run_task(PrepareAudio(key), context, ignore).duration_ms - 1000) <= 50


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"this is a letter, not a recording. " * 9, "it is text"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "notes.wav"),
        (b"\0" * 5000, "zeros only"),
    ],
)
def test_a_file_without_audio_fails_with_a_reason_that_names_it_as_its_owner_does(context, data, reason):
    key = raw(context, data)
    with pytest.raises(TaskFailedError, match=reason) as failure:
        run_task(PrepareAudio(key, "notes.wav"), context, ignore)
    assert "notes.wav" in str(failure.value)
    assert str(context.data_dir) not in str(failure.value)
    assert "uploads/raw" not in str(failure.value)


def test_audio_shorter_than_a_frame_fails(context, tmp_path):
    save(tmp_path / "blip.wav", Waveform(np.zeros(319, np.float32)))
    context.store.put_file("uploads/blip", tmp_path / "blip.wav")
    with pytest.raises(TaskFailedError, match=r"blip\.wav: lasts 0\.0199 s"):
        run_task(PrepareAudio("uploads/blip", "blip.wav"), context, ignore)


def test_an_object_that_is_gone_is_said_to_be_missing(context):
    with pytest.raises(TaskFailedError, match=r"gone\.wav: is no longer stored"):
        run_task(PrepareAudio("uploads/gone", "gone.wav"), context, ignore)


def test_training_stores_a_detector_and_gives_the_metrics_of_the_api(context, trained):
    task, result, _ = trained
    assert result.artifact_types == labelled_tasks.TYPES
    assert all(0.0 <= result.metrics[name] <= 1.0 for name in ("precision", "recall", "f1_score"))
    assert set(result.metrics["per_class"]) == set(labelled_tasks.TYPES)
    for figures in result.metrics["per_class"].values():
        assert set(figures) == {"precision", "recall", "f1_score", "support"}
        assert figures["support"] > 0
    with context.store.local(task.model_key) as path:
        assert list(Detector.load(path).artifact_types) == labelled_tasks.TYPES


def test_metrics_are_json_without_null_or_nan(trained):
    metrics = trained[1].metrics
    text = msgspec.json.encode(metrics)
    assert b"null" not in text
    assert msgspec.json.decode(text) == metrics


def test_metrics_name_recordings_as_their_owner_does(context, trained):
    task, result, _ = trained
    names = {audio.filename for audio in task.audio}
    assert {name for fold in result.metrics["folds"] for name in fold} == names
    assert str(context.data_dir) not in str(result.metrics)


def test_progress_of_training_never_goes_back_and_has_every_epoch(trained):
    _, _, told = trained
    assert all(a.fraction <= b.fraction for a, b in pairwise(told))
    assert {progress.stage for progress in told} == {"embedding", "training", "saving"}
    epochs = sorted((p.epoch.fold, p.epoch.epoch) for p in told if p.epoch)
    assert epochs == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert all(math.isfinite(p.epoch.train_loss) for p in told if p.epoch)


def test_training_reads_cached_embeddings_and_decodes_nothing(context, trained, monkeypatch):
    task, result, _ = trained
    monkeypatch.setattr("relaylib.models.recording._audio.stream", lambda *_: pytest.fail("decoded again"))
    again = run_task(msgspec.structs.replace(task, model_key="models/again"), context, ignore)
    assert again == result


def test_recordings_with_one_name_are_both_trained_on(context, trained):
    task = trained[0]
    same = [msgspec.structs.replace(audio, filename="same.wav") for audio in task.audio]
    result = run_task(msgspec.structs.replace(task, audio=same, model_key="models/same"), context, ignore)
    names = {name for fold in result.metrics["folds"] for name in fold}
    assert names == {"same.wav", *(f"same.wav ({n})" for n in range(2, len(same) + 1))}


def test_a_single_recording_is_enough_to_train_on(context):
    task = labelled_tasks.training(context.store, 99, model_key="models/single")
    longest = task.audio[-1]
    marked = list(dict.fromkeys(span.artifact_type for span in longest.spans))
    config = msgspec.structs.replace(task.config, artifact_types=marked)
    result = run_task(msgspec.structs.replace(task, audio=[longest], config=config), context, ignore)
    assert result.artifact_types == marked
    assert all(0.0 <= figures["f1_score"] <= 1.0 for figures in result.metrics["per_class"].values())


def test_a_recording_that_cannot_be_read_is_left_out_and_named(context, trained):
    task = trained[0]
    bad = LabelledAudio(raw(context, b"no audio at all", "uploads/bad"), "bad.wav", 1000, [])
    result = run_task(msgspec.structs.replace(task, audio=[*task.audio, bad], model_key="models/b"), context, ignore)
    assert result.metrics["skipped_files"] == ["bad.wav"]


def test_a_type_without_annotations_fails_with_its_name(context, trained):
    task = trained[0]
    config = msgspec.structs.replace(task.config, artifact_types=[*labelled_tasks.TYPES, "squeak"])
    with pytest.raises(TaskFailedError, match="squeak"):
        run_task(msgspec.structs.replace(task, config=config), context, ignore)


def test_losses_that_are_no_numbers_are_left_out(context, trained, monkeypatch):
    task = trained[0]
    monkeypatch.setattr(Judge, "loss", lambda *_: math.nan)
    told = []
    run_task(msgspec.structs.replace(task, model_key="models/nan"), context, told.append)
    assert "training" in {progress.stage for progress in told}
    assert not any(progress.epoch for progress in told)


def test_an_exception_of_progress_ends_the_training_and_stores_nothing(context, trained):
    task = msgspec.structs.replace(trained[0], model_key="models/stopped")

    def stop(progress: Progress):
        if progress.epoch:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_task(task, context, stop)
    with pytest.raises(Exception, match="models/stopped"), context.store.local("models/stopped"):
        pass


@pytest.mark.parametrize("config", [InferenceConfig(), InferenceConfig(threshold=0.2, merge_window_ms=0)])
def test_detections_are_those_of_the_library(context, trained, config):
    task = trained[0]
    item = labelled_tasks.items(1, part="test")[0]
    path = load_demo().audio_root / item.filename
    context.store.put_file("files/1", path)
    found = run_task(DetectArtifacts("files/1", task.model_key, config, "one.flac"), context, ignore)
    with context.store.local(task.model_key) as model:
        expected = Detector.load(model).detect(
            path, DecodeConfig(config.threshold, config.merge_window_ms, config.min_duration_ms)
        )
    assert found.duration_ms == item.duration_ms
    assert [(d.start_ms, d.end_ms, d.artifact_type, d.confidence) for d in found.detections] == [
        (d.start_ms, d.end_ms, d.artifact_type, d.confidence) for d in expected
    ]


def test_a_detector_is_loaded_once_and_shares_the_encoder(context, trained):
    detector = context.detector(trained[0].model_key)
    assert context.detector(trained[0].model_key) is detector
    assert detector.encoder is context.encoder


def test_only_the_detectors_used_last_are_kept(context, trained):
    first = context.detector(trained[0].model_key)
    with context.store.local(trained[0].model_key) as path:
        for number in range(4):
            context.store.put_file(f"models/copy{number}", path)
    for number in range(4):
        context.detector(f"models/copy{number}")
    assert context.detector(trained[0].model_key) is not first


def test_a_detector_of_another_encoder_is_used_with_its_own(context, trained, tmp_path):
    """A server that was given another encoder still serves the models of before."""
    other = WorkContext(context.store, OtherEncoder(), context.cache, tmp_path)
    assert other.detector(trained[0].model_key).encoder.fingerprint == context.encoder.fingerprint


def test_a_damaged_model_fails_without_a_path(context):
    raw(context, b"not a model", "models/damaged")
    item = labelled_tasks.items(1)[0]
    (key,) = labelled_tasks.put(context.store, [item])
    with pytest.raises(TaskFailedError, match="the model") as failure:
        run_task(DetectArtifacts(key, "models/damaged", InferenceConfig()), context, ignore)
    assert str(context.data_dir) not in str(failure.value)


def test_a_cache_that_cannot_be_written_is_no_fault_of_the_file(context, tmp_path):
    (tmp_path / "embeddings").write_text("a file where a folder should be")
    broken = WorkContext(context.store, load_encoder("spectral"), EmbeddingCache(tmp_path / "embeddings"), tmp_path)
    (key,) = labelled_tasks.put(context.store, labelled_tasks.items(1))
    with pytest.raises(WorkerDiedError, match="cache in the data folder") as failure:
        run_task(PrepareAudio(key, "a.wav"), broken, ignore)
    assert str(tmp_path) not in str(failure.value)


FULL = OSError(errno.ENOSPC, "No space left on device")
NO_TMP = FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp', '/var/tmp']")


@pytest.mark.parametrize(("what", "error"), [("cache", FULL), ("store", FULL), ("store", NO_TMP)])
def test_a_full_disk_is_waited_for(context, monkeypatch, tmp_path, what, error):
    """Of the cache, of copies from a bucket, of temporary files: the recording is as good as it was."""
    (key,) = labelled_tasks.put(context.store, labelled_tasks.items(1))
    broken = WorkContext(context.store, context.encoder, EmbeddingCache(tmp_path / "embeddings"), tmp_path)

    def write(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(*{"cache": (Entry, "write", write), "store": (context.store, "local", write)}[what])
        with pytest.raises(StorageAwayError, match="No "):
            run_task(PrepareAudio(key, "a.wav"), broken, ignore)
    assert run_task(PrepareAudio(key, "a.wav"), broken, ignore).duration_ms > 0


def test_a_storage_that_is_away_is_no_fault_of_the_file_nor_of_the_worker(tmp_path):
    url = f"file://{tmp_path}/mounted"
    (key,) = labelled_tasks.put(open_store(url, data_dir=tmp_path / "data"), labelled_tasks.items(1))
    (tmp_path / "mounted").rename(tmp_path / "elsewhere")
    context = open_context(storage_url=url, data_dir=tmp_path / "data", encoder="spectral")
    with pytest.raises(StorageAwayError, match="is not there"):
        run_task(PrepareAudio(key, "a.wav"), context, ignore)
    (tmp_path / "elsewhere").rename(tmp_path / "mounted")
    assert run_task(PrepareAudio(key, "a.wav"), context, ignore).duration_ms > 0


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")]
)
def test_running_out_of_memory_is_no_fault_of_the_file(context, error):
    def fail(_):
        raise error

    (key,) = labelled_tasks.put(context.store, labelled_tasks.items(1))
    with pytest.raises(WorkerDiedError, match="out of memory"):
        run_task(PrepareAudio(key, "a.wav"), context, fail)


def test_a_store_may_be_given_by_url(tmp_path):
    store = open_store(f"file://{tmp_path}/elsewhere", data_dir=tmp_path)
    context = open_context(storage_url=f"file://{tmp_path}/elsewhere", data_dir=tmp_path, encoder="spectral")
    (key,) = labelled_tasks.put(store, labelled_tasks.items(1))
    assert run_task(PrepareAudio(key), context, ignore).duration_ms > 0


class OtherEncoder:
    """What a server has that was given another encoder."""

    name, fingerprint, dim, n_layers, layer, hop, window, context = "other", "0" * 64, 4, 1, None, 320, 320_000, 3200
