"""Recordings at other speeds: their labels, their sound, and what training makes of them."""

import contextlib
import dataclasses

import numpy as np
import pytest
from labelled_speech import FAST, learner, spectral, write_corpus, write_long
from small_encoders import speechlike

from relaylib.audio import save
from relaylib.errors import ParameterError
from relaylib.models import TrainConfig
from relaylib.models.example import Example, embedded
from relaylib.models.pieces import cut_alike, cut_example
from relaylib.models.speeds import SPEEDS, at_other_speeds, item_at_speed, speeds_for
from relaylib.types import SAMPLE_RATE, Annotation, AudioItem, Waveform

AT_SPEEDS = dataclasses.replace(FAST, epochs=2, head="linear", speeds=(0.8, 1.25))


class OfWidth:
    """Stands for an encoder of which only the width matters."""

    def __init__(self, dim):
        self.dim = dim


def in_folder(folder):
    """Return what gives the files of a folder by their names."""
    return lambda name: contextlib.nullcontext(folder / name)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Return a folder and the manifest of what is in it, durations left out."""
    folder = tmp_path_factory.mktemp("corpus")
    return folder, write_corpus(folder, n_files=4, seconds=6.0, seed=90)


@pytest.fixture
def learn(corpus, embedded_once):
    return learner(*corpus, embedded_once, AT_SPEEDS)


def test_labels_are_those_of_a_tape_that_runs_faster():
    """Ten seconds at 1.25 last eight, and what was at 5 s is at 4 s; worked by hand."""
    item = AudioItem("a.wav", 10_000, "anna", (Annotation(5000, 5500, "echo", 0.5), Annotation(9999, 10_000, "glitch")))
    faster = item_at_speed(item, 1.25)
    assert faster.duration_ms == 8000
    assert faster.group == "anna"
    assert faster.annotations == (Annotation(4000, 4400, "echo", 0.5), Annotation(7999, 8000, "glitch"))
    slower = item_at_speed(item, 0.8)
    assert slower.duration_ms == 12_500
    assert slower.annotations[0] == Annotation(6250, 6875, "echo", 0.5)


@pytest.mark.parametrize("speed", [0.5, 0.87, 1.15, 2.0])
def test_labels_lie_on_what_they_name(tmp_path, speed):
    """A hole in noise is found in the embeddings where the copy's label says, to a frame."""
    samples = 0.3 * np.random.default_rng(0).standard_normal(6 * SAMPLE_RATE).astype(np.float32)
    samples[4 * SAMPLE_RATE : 5 * SAMPLE_RATE] = 0.0
    save(tmp_path / "noise.wav", Waveform(samples))
    item = AudioItem("noise.wav", annotations=(Annotation(4000, 5000, "hole"),))
    whole = embedded(item, tmp_path / "noise.wav", spectral(), None)
    ((source, copy),) = at_other_speeds([whole], [speed], spectral(), in_folder(tmp_path), None)
    assert source == 0
    assert copy.item.duration_ms == pytest.approx(6000 / speed, abs=1)
    energy = copy.embeddings[:, :64].astype(np.float64).mean(axis=1)
    quiet = np.flatnonzero(energy < (energy.min() + np.median(energy)) / 2)
    (span,) = copy.item.annotations
    assert quiet[0] == pytest.approx(span.start_ms / 20, abs=1.5)
    assert quiet[-1] + 1 == pytest.approx(span.end_ms / 20, abs=1.5)


def test_what_cannot_be_played_is_named_and_the_others_go_on(tmp_path, caplog):
    names = ("good.wav", "gone.wav", "fine.wav")
    for name in names:
        save(tmp_path / name, Waveform(speechlike(2.0, 1)))
    material = [embedded(AudioItem(name), tmp_path / name, spectral(), None) for name in names]
    (tmp_path / "gone.wav").unlink()
    found = list(at_other_speeds(material, [0.9, 1.1], spectral(), in_folder(tmp_path), None))
    assert [k for k, _ in found] == [0, 0, 1, 1, 2, 2]
    assert [copy is None for _, copy in found] == [False, False, True, True, False, False]
    assert "gone.wav at speed 0.9 is not learned from" in caplog.text


def test_only_little_speech_is_heard_at_other_speeds():
    little, much = [AudioItem("a.wav", 10 * 60_000)] * 3, [AudioItem("a.wav", 10 * 60_000)] * 4
    assert speeds_for(TrainConfig(), little, OfWidth(166)) == SPEEDS
    assert speeds_for(TrainConfig(), much, OfWidth(166)) == ()
    assert speeds_for(TrainConfig(), little, OfWidth(13 * 768)) == ()
    assert speeds_for(TrainConfig(), little[:1], OfWidth(2 * 1024)) == SPEEDS
    assert speeds_for(TrainConfig(speeds=(0.7,)), much, OfWidth(166)) == (0.7,)
    assert speeds_for(TrainConfig(speeds=()), little, OfWidth(166)) == ()


def test_every_recording_is_learned_from_at_every_speed_and_held_out_with_its_copies(learn, corpus, fitted):
    metrics = learn().metrics
    items, n = list(corpus[1]), len(corpus[1])
    copies = fitted["material"][n:]
    assert [copy.item.filename for copy in copies] == [f"{i.filename} at speed {s}" for i in items for s in (0.8, 1.25)]
    assert all(copy.judges for copy in copies)
    for fold in fitted["folds"]:
        own = [k for k in fold if k < n]
        assert sorted(fold) == sorted([*own, *(n + 2 * k + j for k in own for j in (0, 1))])
    marked = [span for item in items for span in item.annotations]
    assert sum(row["support"] for row in metrics["events"]["per_class"].values()) == len(marked)
    assert sorted(name for fold in metrics["folds"] for name in fold) == sorted(item.filename for item in items)


def test_with_a_cache_or_without_and_with_durations_or_without_it_is_the_same_detector(learn, corpus, tmp_path):
    with_durations = dataclasses.replace(
        corpus[1], audio=tuple(dataclasses.replace(item, duration_ms=6000) for item in corpus[1])
    )
    ways = [{}, {"cache": None}, {"manifest": with_durations}, {"config": dataclasses.replace(AT_SPEEDS, speeds=())}]
    files = [learn(**way).save(tmp_path / f"{k}.safetensors").read_bytes() for k, way in enumerate(ways)]
    assert files[0] == files[1] == files[2] != files[3]


def test_progress_counts_copies_from_the_start(learn, corpus):
    seen = []
    learn(progress=seen.append)
    n_files = 3 * len(corpus[1])
    assert [(p.done, p.total) for p in seen if p.stage == "embedding"] == [(k + 1, n_files) for k in range(n_files)]


def test_progress_is_corrected_once_durations_are_known(learn, corpus, monkeypatch):
    """Thirty seconds were expected to be little, and are not."""
    monkeypatch.setattr("relaylib.models.speeds._LITTLE_MS", 20_000)
    seen = []
    learn(config=dataclasses.replace(AT_SPEEDS, speeds="auto"), progress=seen.append)
    n = len(corpus[1])
    assert [(p.done, p.total) for p in seen if p.stage == "embedding"] == [(k + 1, 3 * n) for k in range(n)]


def test_copies_of_the_only_recording_are_cut_where_it_is(tmp_path, fitted):
    learner(tmp_path, write_long(tmp_path), None, AT_SPEEDS)()
    n, left = divmod(len(fitted["material"]), 3)
    assert n > 4
    assert not left
    for k, copy in enumerate(fitted["material"][n:]):
        own = fitted["material"][k % n].item
        speed = (0.8, 1.25)[k // n]
        assert copy.item.duration_ms == pytest.approx(own.duration_ms / speed, abs=20)
        assert len(copy.item.annotations) == len(own.annotations)
        for span, original in zip(copy.item.annotations, own.annotations, strict=True):
            assert span.start_ms == pytest.approx(original.start_ms / speed, abs=21)
        assert {k % n, n + k}.issubset(next(fold for fold in fitted["folds"] if n + k in fold))


def test_pieces_of_a_copy_cover_it():
    long = Example(AudioItem("a.wav", 12_000), np.arange(600, dtype=np.float16)[:, None])
    copy = Example(AudioItem("a.wav at speed 0.9", 13_333), np.arange(667, dtype=np.float16)[:, None], judges=False)
    pieces = cut_alike(copy, cut_example(long, 4, hop_ms=20), hop_ms=20)
    assert np.array_equal(np.concatenate([piece.embeddings for piece in pieces]), copy.embeddings)
    assert [len(piece.embeddings) for piece in pieces] == [167, 167, 166, 167]
    assert not any(piece.judges for piece in pieces)


@pytest.mark.parametrize("speeds", [(1.0,), (0.4,), (0.9, 2.1), "fast", (float("nan"),)])
def test_speeds_out_of_range_are_refused(speeds):
    with pytest.raises(ParameterError, match=r"speeds=.*: need 'auto', or speeds from 0.5 to 2 other than 1"):
        TrainConfig(speeds=speeds)
