import dataclasses

import numpy as np
import pytest
import torch
from labelled_speech import FAST, TYPES, event_f1, spectral, trained, write_corpus

from relaylib.errors import ModelFormatError, ParameterError
from relaylib.models import TrainConfig, load_encoder, make_head, train
from relaylib.models.start import Start, find_start


@pytest.fixture
def start(rng):
    """Return a classifier of three types with two members, whose every weight is another number."""
    head = make_head("mlp", dim=6, n_types=3, n_members=2)
    with torch.no_grad():
        for tensor in head.state_dict().values():
            tensor.copy_(torch.from_numpy(rng.standard_normal(tensor.shape).astype(np.float32)))
    return Start("some", head, dict.fromkeys(("echo", "glitch", "robotic"), 0.0))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return trained().save(tmp_path_factory.mktemp("start") / "start.safetensors")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    return folder, write_corpus(folder, n_files=4, seconds=4.0, seed=70)


def test_known_types_get_the_logits_of_the_start_and_others_are_new(start, rng):
    head = make_head("mlp", dim=6, n_types=3, n_members=1).eval()
    own = make_head("mlp", dim=6, n_types=3, n_members=1).eval()
    own.load_state_dict(head.state_dict())
    start.give(head, ("robotic", "new", "echo"))
    rows = torch.from_numpy(rng.standard_normal((1, 6, 40)).astype(np.float32))
    logits, expected = head(rows), start.head.eval().only(0)(rows)
    torch.testing.assert_close(logits[:, [0, 2]], expected[:, [2, 0]], rtol=0, atol=0)
    for name in head.members[0].output_names:
        new, old = head.members[0].state_dict()[name][1], own.members[0].state_dict()[name][1]
        torch.testing.assert_close(new, old, rtol=0, atol=0)
    torch.testing.assert_close(head.standardise(rows[0].T), start.head.standardise(rows[0].T), rtol=0, atol=0)


def test_members_begin_at_those_of_the_start_in_turn(start, rng):
    head = make_head("mlp", dim=6, n_types=1, n_members=3).eval()
    start.give(head, ("glitch",))
    rows = torch.from_numpy(rng.standard_normal((1, 6, 40)).astype(np.float32))
    first, second, third = (head.only(k)(rows) for k in range(3))
    torch.testing.assert_close(first, third, rtol=0, atol=0)
    assert (first - second).abs().max() > 0.01


@pytest.mark.parametrize(("kind", "n_layers"), [("linear", 1), ("mlp", 1), ("conv", 1), ("conv", 3)])
def test_every_kind_of_head_hands_over_all_its_weights(kind, n_layers):
    one, other = (make_head(kind, dim=6, n_types=2, n_layers=n_layers, n_members=2) for _ in range(2))
    Start("some", one, {"a": 0.0, "b": 0.0}).give(other, ("a", "b"))
    for name, tensor in one.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], tensor, rtol=0, atol=0)


def test_what_comes_along_is_the_start_for_its_own_encoder_and_kind_of_head():
    speech = load_encoder("speech-small")
    found = find_start(TrainConfig(), speech)
    assert found.name == "tts-artifacts"
    assert "glitch" in found.thresholds
    assert find_start(TrainConfig(start=None), speech) is None
    assert find_start(TrainConfig(head="mlp"), speech) is None
    assert find_start(TrainConfig(head="linear"), speech) is None
    assert find_start(TrainConfig(), spectral()) is None


def test_a_step_too_small_to_matter_leaves_it_as_good_as_the_start(saved, corpus):
    folder, manifest = corpus
    config = dataclasses.replace(FAST, epochs=1, learning_rate=0.0001)
    fresh = train(manifest, spectral(), config, audio_root=folder)
    learned_on = train(manifest, spectral(), dataclasses.replace(config, start=str(saved)), audio_root=folder)
    other = write_corpus(folder, n_files=4, seed=90)
    assert event_f1(learned_on, folder, other).min() >= 0.8
    assert event_f1(fresh, folder, other).min() < 0.3
    assert (learned_on.config["start"], fresh.config["start"]) == ("start.safetensors", None)


def test_tuning_a_start_for_other_speech_changes_nothing_that_is_learned_from_it(saved, corpus, tmp_path):
    """The same file, byte for byte, though few events let the start's thresholds weigh much."""
    folder, manifest = corpus
    points = [dataclasses.replace(p, logit=p.logit + 4.0, trained=p.logit) for p in trained().points]
    moved = trained().at(points, metrics={}).save(tmp_path / saved.name)
    config = dataclasses.replace(FAST, epochs=1, learning_rate=0.0001)
    files = [
        train(manifest, spectral(), dataclasses.replace(config, start=str(path)), audio_root=folder)
        .save(tmp_path / f"{k}.safetensors")
        .read_bytes()
        for k, path in enumerate((saved, moved))
    ]
    assert files[0] == files[1]


def test_types_that_the_start_does_not_know_are_learned(saved, corpus):
    """Under other names, the same artifacts are new to it."""
    folder, manifest = corpus
    names = dict(zip(TYPES, ("hole", "tick"), strict=True))
    items = tuple(
        dataclasses.replace(
            item,
            annotations=tuple(dataclasses.replace(a, artifact_type=names[a.artifact_type]) for a in item.annotations),
        )
        for item in manifest.audio
    )
    renamed = dataclasses.replace(
        manifest,
        artifact_types=tuple(dataclasses.replace(kind, name=names[kind.name]) for kind in manifest.artifact_types),
        audio=items,
    )
    detector = train(renamed, spectral(), dataclasses.replace(FAST, start=str(saved)), audio_root=folder)
    assert detector.artifact_types == ("hole", "tick")
    assert detector.metrics["events"]["f1_score"] >= 0.7


def test_starts_that_do_not_fit_are_refused(saved, tmp_path):
    with pytest.raises(ParameterError, match="'conv' head, and head='mlp' is to be trained"):
        find_start(dataclasses.replace(FAST, head="mlp", start=str(saved)), spectral())
    with pytest.raises(ModelFormatError, match="was trained on encoder 'spectral'"):
        find_start(TrainConfig(start=str(saved)), load_encoder("speech-small"))
    with pytest.raises(ModelFormatError, match="no detector of that name comes along"):
        find_start(TrainConfig(start="tts-artefacts"), spectral())
    with pytest.raises(ParameterError, match="ends at the same weights wherever it starts"):
        TrainConfig(head="linear", start="tts-artifacts")
