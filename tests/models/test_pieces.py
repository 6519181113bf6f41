"""A single recording as several: where it is cut, and that training on it works."""

import dataclasses

import numpy as np
import pytest
from labelled_speech import FAST, TYPES, flawed, spectral, write_long

from relaylib.audio import save
from relaylib.errors import TrainingError
from relaylib.models import train
from relaylib.models.example import Example
from relaylib.models.pieces import cut_example
from relaylib.types import Annotation, ArtifactType, AudioItem, Manifest, Waveform


def example(seconds, *spans):
    n_frames = seconds * 50
    item = AudioItem("long.wav", seconds * 1000, "anna", tuple(Annotation(*span, "gap") for span in spans))
    return Example(item, np.arange(n_frames, dtype=np.float16)[:, None])


def test_a_recording_is_cut_into_equal_pieces_that_cover_it():
    pieces = cut_example(example(12), 3, hop_ms=20)
    assert [p.item.duration_ms for p in pieces] == [4000, 4000, 4000]
    assert np.array_equal(np.concatenate([p.embeddings for p in pieces]), example(12).embeddings)
    assert [p.item.filename for p in pieces] == [f"long.wav [{a}-{a + 4} s]" for a in (0, 4, 8)]


def test_a_cut_moves_behind_the_annotations_it_would_divide():
    """Spans 3.9-4.1 and 4.05-4.51 s push the cut at 4 s to the next frame edge, 4.52 s."""
    pieces = cut_example(example(8, (1000, 1200), (3900, 4100), (4050, 4510)), 2, hop_ms=20)
    assert [p.item.duration_ms for p in pieces] == [4520, 3480]
    assert [(s.start_ms, s.end_ms) for s in pieces[0].item.annotations] == [(1000, 1200), (3900, 4100), (4050, 4510)]
    assert pieces[1].item.annotations == ()


def test_times_of_a_piece_count_from_its_own_start():
    pieces = cut_example(example(8, (5000, 5250)), 2, hop_ms=20)
    assert [(s.start_ms, s.end_ms) for s in pieces[1].item.annotations] == [(1000, 1250)]


@pytest.mark.parametrize("only", [example(3), example(30, (0, 30_000))])
def test_a_recording_without_room_for_a_cut_is_refused(only):
    with pytest.raises(TrainingError, match=r"'long.wav' is the only recording and cannot be cut"):
        cut_example(only, 10, hop_ms=20)


def test_training_on_a_single_recording_learns_and_validates(tmp_path):
    """Thirty-six seconds with six gaps and twelve clicks: no piece is judged by who has learned it."""
    detector = train(write_long(tmp_path), spectral(), FAST, audio_root=tmp_path)
    assert sum(map(len, detector.metrics["folds"])) == 8
    assert detector.metrics["events"]["per_class"]["gap"]["support"] == 6
    assert detector.metrics["events"]["f1_score"] > 0.5


def test_one_event_of_each_type_in_a_single_recording_still_trains(tmp_path):
    """The least that the documented workflow may bring."""
    samples, spans = flawed(12.0, 3)
    save(tmp_path / "all.wav", Waveform(samples))
    firsts = tuple(next(span for span in spans if span.artifact_type == name) for name in TYPES)
    manifest = Manifest(tuple(map(ArtifactType, TYPES)), (AudioItem("all.wav", annotations=firsts),))
    detector = train(manifest, spectral(), dataclasses.replace(FAST, epochs=2), audio_root=tmp_path)
    assert {name: row["support"] > 0 for name, row in detector.metrics["per_class"].items()} == dict.fromkeys(
        TYPES, True
    )
