import dataclasses
import json
import logging

import numpy as np
import pytest
import soundfile
import torch
from labelled_speech import FAST, TYPES, event_f1, learner, spectral, trained, write_corpus

from relaylib.errors import RelayError, TrainingError
from relaylib.models import Detector, EmbeddingCache, TrainConfig, TrainProgress, train
from relaylib.models.config import HEADS
from relaylib.types import Annotation, ArtifactType, AudioItem, Manifest

BRIEF = dataclasses.replace(FAST, epochs=2, head="linear")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Return a folder and the manifest of what is in it."""
    folder = tmp_path_factory.mktemp("corpus")
    return folder, write_corpus(folder, n_files=4, seconds=4.0, seed=20)


@pytest.fixture
def learn(corpus, embedded_once):
    """Return a function that trains on the corpus."""
    return learner(*corpus, embedded_once, BRIEF)


def changed(manifest, **changes):
    """Return a manifest with some of its recordings replaced, by name."""
    return Manifest(manifest.artifact_types, tuple(changes.get(item.filename[:-4], item) for item in manifest.audio))


def saved(detector, tmp_path):
    return detector.save(tmp_path / "model.safetensors").read_bytes()


def test_gaps_and_clicks_are_found_in_files_that_were_not_trained_on(tmp_path):
    """A few seconds of training on half a minute of sound; other voices, other places."""
    manifest = write_corpus(tmp_path, n_files=4, seed=50)
    assert event_f1(trained(), tmp_path, manifest).min() >= 0.8


def test_the_operating_point_is_a_threshold_of_one_half(tmp_path):
    """The metrics were measured there, so that a stranger's files show no other balance."""
    assert trained().metrics["events"]["f1_score"] >= 0.8


def test_decoding_by_bounding_boxes_finds_them_too(tmp_path):
    """Each type has a step of its own then, which the file keeps."""
    config = dataclasses.replace(FAST, decoding="sebb")
    detector = train(write_corpus(tmp_path), spectral(), config, audio_root=tmp_path)
    manifest = write_corpus(tmp_path, n_files=16, seed=50)  # enough that one more or less is no matter
    assert event_f1(detector, tmp_path, manifest).min() >= 0.8
    again = Detector.load(detector.save(tmp_path / "boxes.safetensors"))
    file = tmp_path / manifest.audio[0].filename
    assert again.detect(file) == detector.detect(file)
    assert all(point.half_step for point in again.points)


@pytest.mark.parametrize("head", HEADS)
def test_every_head_learns(learn, head):
    """The held-out loss falls from the first epoch to the best."""
    seen = []
    learn(dataclasses.replace(FAST, head=head, epochs=4), progress=seen.append)
    losses = [p.validation_loss for p in seen if p.stage == "training" and p.fold == 0]
    assert min(losses[1:4]) < losses[0]


def test_metrics_have_the_keys_of_the_api_and_numbers_only(learn):
    """Plain JSON without NaN, an entry for each type, and what was left out."""
    metrics = learn().metrics
    assert set(metrics) == {
        *("precision", "recall", "f1_score", "per_class", "micro"),
        *("segment_ms", "events", "false_alarms_per_hour", "expected_calibration_error"),
        *("folds", "skipped_files", "unfinished_files"),
    }
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    for block in (metrics, metrics["events"]):
        assert set(block["per_class"]) == set(TYPES)
        for row in (block, *block["per_class"].values()):
            assert all(0 <= row[name] <= 1 for name in ("precision", "recall", "f1_score"))
        for row in block["per_class"].values():
            assert set(row) == {"precision", "recall", "f1_score", "support"}
            assert isinstance(row["support"], int)
    assert metrics["events"]["per_class"]["click"]["support"] == 8
    assert metrics["events"]["per_class"]["gap"]["support"] == 4
    assert metrics["skipped_files"] == metrics["unfinished_files"] == []


def test_each_recording_is_held_out_once_with_its_group(learn, corpus):
    folds = learn().metrics["folds"]
    assert sorted(name for fold in folds for name in fold) == sorted(item.filename for item in corpus[1])
    fold_of = {name: k for k, fold in enumerate(folds) for name in fold}
    assert fold_of["speech20.wav"] == fold_of["speech21.wav"]
    assert fold_of["speech22.wav"] == fold_of["speech23.wav"]


@pytest.mark.parametrize("head", HEADS)
def test_the_same_seed_gives_the_same_file_with_and_without_cache(learn, tmp_path, head):
    config = dataclasses.replace(BRIEF, head=head)
    assert saved(learn(config), tmp_path) == saved(learn(config, cache=None), tmp_path)


def test_another_seed_gives_another_detector(learn, tmp_path):
    assert saved(learn(), tmp_path) != saved(learn(dataclasses.replace(BRIEF, seed=2)), tmp_path)


def test_training_leaves_the_random_state_of_torch_alone(learn):
    import torch

    before = torch.get_rng_state()
    learn()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_name_of_an_encoder_will_do(corpus, learn, tmp_path):
    folder, manifest = corpus
    by_name = train(manifest, "spectral", BRIEF, audio_root=str(folder))
    assert saved(by_name, tmp_path) == saved(learn(), tmp_path)


def test_types_can_be_chosen_and_stand_in_the_order_given(learn):
    """Annotations of other types do not matter for a type that is left out."""
    detector = learn(dataclasses.replace(BRIEF, artifact_types=("click",)))
    assert detector.artifact_types == ("click",)
    assert set(detector.metrics["per_class"]) == {"click"}
    assert learn(dataclasses.replace(BRIEF, artifact_types=("click", "gap"))).artifact_types == ("click", "gap")
    assert learn(dataclasses.replace(BRIEF, artifact_types=("gap", "gap"))).artifact_types == ("gap",)


def test_frames_of_annotations_without_confidence_are_left_out_of_training(learn, corpus):
    """At confidence 0 it does not matter which frames of a span were marked by it and which by nothing."""
    item = corpus[1].audio[0]
    gap = next(span for span in item.annotations if span.artifact_type == "gap")

    def losses(*spans):
        seen = []
        manifest = changed(corpus[1], speech20=dataclasses.replace(item, annotations=(*item.annotations, *spans)))
        learn(manifest=manifest, progress=seen.append)
        told = sorted((p.fold, p.epoch, p.train_loss) for p in seen if p.stage == "training")
        return [loss for _, _, loss in told]

    doubtful = Annotation(gap.start_ms + 700, gap.start_ms + 1200, "gap", 0.0)
    certain = dataclasses.replace(doubtful, confidence=1.0)
    # a fold that does not train on this file learns alike; one that does hears less of the doubtful than of the certain
    without, with_doubt, with_certainty = losses(), losses(doubtful), losses(certain)
    assert with_certainty != without
    assert np.abs(np.subtract(with_doubt, without)).max() < np.abs(np.subtract(with_certainty, without)).max()


def test_a_type_marked_at_confidence_zero_only_cannot_be_learned(learn, corpus):
    items = tuple(
        dataclasses.replace(
            item,
            annotations=tuple(
                dataclasses.replace(span, confidence=0.0) if span.artifact_type == "gap" else span
                for span in item.annotations
            ),
        )
        for item in corpus[1]
    )
    with pytest.raises(TrainingError, match="no annotation of 'gap' with a confidence above 0"):
        learn(manifest=Manifest(corpus[1].artifact_types, items))


def test_a_type_that_only_unreadable_recordings_have_says_which_were_left_out(learn, corpus):
    """To mark one more is not what is wanted there."""
    lost = AudioItem("absent.wav", annotations=(Annotation(0, 500, "hiss"),))
    manifest = Manifest((*corpus[1].artifact_types, ArtifactType("hiss")), (lost, *corpus[1].audio))
    with pytest.raises(TrainingError, match=r"'hiss'.*\(1 could not be read, the first is 'absent.wav'\)"):
        learn(manifest=manifest)


def test_files_that_cannot_be_used_are_skipped_and_named(learn, corpus, caplog):
    """Absent, text, no samples: training goes on with the others, and says so."""
    folder, manifest = corpus
    (folder / "text.wav").write_text("Not found\n" * 50)
    soundfile.write(folder / "empty.wav", np.zeros(0, np.float32), 16_000)
    bad = tuple(AudioItem(name) for name in ("absent.wav", "text.wav", "empty.wav"))
    with caplog.at_level(logging.WARNING, "relaylib"):
        detector = learn(manifest=Manifest(manifest.artifact_types, bad + manifest.audio))
    assert detector.metrics["skipped_files"] == ["absent.wav", "text.wav", "empty.wav"]
    assert all(item.filename in caplog.text for item in bad)


def test_a_recording_whose_labels_lie_past_its_end_is_skipped_and_named(learn, corpus, caplog):
    """Labels of another recording teach nothing here: with or without a duration, that file is left out."""
    first, *others = corpus[1]
    beyond = dataclasses.replace(first, duration_ms=None, annotations=(Annotation(100_000, 110_000, "gap"),))
    with caplog.at_level(logging.WARNING, "relaylib"):
        detector = learn(manifest=Manifest(corpus[1].artifact_types, (beyond, *others)))
    assert detector.metrics["skipped_files"] == [first.filename]
    assert f"{first.filename} is left out: {first.filename}: 'gap' at 100000 to 110000 ms lies past" in caplog.text


def test_recordings_that_are_still_being_labelled_are_left_out_and_named(learn, corpus, caplog, tmp_path):
    """They do not pass for clean, and are not even opened: the detector is the one that the others make."""
    manifest = corpus[1]
    items = (AudioItem("absent.wav", done=False), *(dataclasses.replace(item, done=True) for item in manifest))
    with caplog.at_level(logging.WARNING, "relaylib"):
        detector = learn(manifest=Manifest(manifest.artifact_types, items))
    assert detector.metrics.pop("unfinished_files") == ["absent.wav"]
    assert detector.metrics["skipped_files"] == []
    assert f"1 of {len(items)} recordings are left out: they are still being labelled" in caplog.text
    without = learn()
    without.metrics.pop("unfinished_files")
    assert saved(detector, tmp_path) == saved(without, tmp_path)


def test_nothing_to_train_on_says_what_is_still_being_labelled(learn, corpus):
    items = tuple(dataclasses.replace(item, done=False) for item in corpus[1])
    with pytest.raises(
        TrainingError, match=f"no usable recording: {len(items)} are still being labelled, the first is"
    ):
        learn(manifest=Manifest(corpus[1].artifact_types, items))


def test_a_cache_that_cannot_be_used_is_no_unreadable_recording(learn, tmp_path):
    """What is wrong with all files is raised, not told of each."""
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(RelayError, match="cache") as caught:
        learn(cache=EmbeddingCache(tmp_path / "taken"))
    assert not isinstance(caught.value, TrainingError)


def test_too_little_material_is_refused_with_what_is_missing(learn, corpus):
    types, audio = corpus[1].artifact_types, corpus[1].audio
    with pytest.raises(TrainingError, match=r"no usable recording: 1 could not be read, the first is 'absent.wav'"):
        learn(manifest=Manifest(types, (AudioItem("absent.wav"),)))
    with pytest.raises(TrainingError, match="no usable recording"):
        learn(manifest=Manifest(types, ()))
    with pytest.raises(TrainingError, match="no annotation of 'hiss'"):
        learn(manifest=Manifest((*types, ArtifactType("hiss")), audio))
    with pytest.raises(TrainingError, match="'hiss' are not in the manifest, which has 'gap', 'click'"):
        learn(dataclasses.replace(BRIEF, artifact_types=("hiss",)))
    with pytest.raises(TrainingError, match="no artifact types"):
        learn(manifest=Manifest((), (AudioItem("a.wav"), AudioItem("b.wav"))))


def test_a_type_in_a_single_file_can_be_learned(learn, corpus):
    """One fold then holds out all of its events; training goes through, and metrics stay numbers."""
    items = tuple(
        item
        if k == 0
        else dataclasses.replace(item, annotations=tuple(s for s in item.annotations if s.artifact_type != "gap"))
        for k, item in enumerate(corpus[1])
    )
    metrics = learn(manifest=Manifest(corpus[1].artifact_types, items)).metrics
    assert metrics["events"]["per_class"]["gap"]["support"] == 1
    json.dumps(metrics, allow_nan=False)


def test_progress_tells_every_file_and_epoch(learn, corpus):
    """First the files, one by one, then the epochs of each fold, with losses and event-F1."""
    seen = []
    learn(progress=seen.append)
    n_files = len(corpus[1])
    assert seen[:n_files] == [TrainProgress("embedding", k + 1, n_files) for k in range(n_files)]
    epochs = seen[n_files:]
    assert [(p.stage, p.done, p.total) for p in epochs] == [("training", k, 4) for k in (1, 2, 3, 4)]
    for told in epochs:
        assert told.train_loss > 0
        assert told.validation_loss > 0
        assert 0 <= told.validation_f1 <= 1


def test_nothing_more_is_learned_once_training_is_given_up(learn, monkeypatch):
    """Neither to the end of an epoch, which may take minutes, nor in the folds that have not begun."""
    steps, given_up = [], []

    def cancel(progress):
        if progress.stage == "training":
            given_up.append(len(steps))
            raise KeyboardInterrupt

    step = torch.optim.AdamW.step
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda *args: steps.append(1) or step(*args))
    with pytest.raises(KeyboardInterrupt):
        learn(dataclasses.replace(FAST, head="mlp", epochs=5, batch_size=8, stride_ms=20), progress=cancel)
    assert given_up[0] <= len(steps) < 1.5 * given_up[0]  # which are those of an epoch


@pytest.mark.parametrize("stage", ["embedding", "training"])
def test_an_exception_of_the_callback_ends_training(learn, stage):
    class Cancelled(Exception):
        pass

    calls = []

    def cancel(progress):
        calls.append(progress)
        if progress.stage == stage:
            raise Cancelled

    with pytest.raises(Cancelled):
        learn(progress=cancel)
    assert calls[-1].stage == stage
    assert [p.stage for p in calls].count(stage) == 1


def test_training_stops_when_validation_no_longer_improves(learn):
    """With a patience of 1 a fold ends at the first epoch that is not better than all before."""
    seen = []
    learn(dataclasses.replace(FAST, head="linear", epochs=30, patience=1), progress=seen.append)
    training = [p for p in seen if p.stage == "training"]
    folds = [[p.validation_f1 for p in training if p.fold == k] for k in (0, 1)]
    for told in folds:
        assert 2 <= len(told) < 30
        assert told[-1] <= max(told[:-1])
        assert all(later > max(told[: k + 1]) for k, later in enumerate(told[1:-1]))


def test_more_patience_trains_longer_and_never_judges_worse(learn):
    def best(patience):
        seen = []
        learn(dataclasses.replace(FAST, head="linear", epochs=8, patience=patience), progress=seen.append)
        training = [p for p in seen if p.stage == "training"]
        return len(training), max(p.validation_f1 for p in training if p.fold == 0)

    (short, low), (long, high) = best(1), best(8)
    assert short < long == 16
    assert low <= high


def test_the_config_is_kept_with_the_detector(learn):
    """And what it began with, none here (no linear head comes along), and which speeds it heard."""
    detector = learn(dataclasses.replace(BRIEF, artifact_types=("gap",), speeds="auto"))
    tuples = {name: tuple(detector.config[name]) for name in ("artifact_types", "speeds")}
    assert TrainConfig(**{**detector.config, **tuples}) == (
        dataclasses.replace(BRIEF, artifact_types=("gap",), start=None, speeds=(0.87, 1.15))
    )
