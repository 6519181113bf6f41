import dataclasses

import pytest
from labelled_speech import FAST, learner, write_corpus

from relaylib.errors import ParameterError, TrainingError
from relaylib.models import EmbeddingCache, TrainConfig
from relaylib.types import ArtifactType, Manifest

WITH_COPIES = dataclasses.replace(FAST, epochs=2, head="linear", injected_copies=2)
NAMES = {"gap": "long_pause", "click": "glitch"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Return a folder and the manifest of what is in it, with types that can be put in; one recording is clean."""
    folder = tmp_path_factory.mktemp("corpus")
    made = write_corpus(folder, n_files=4, seconds=6.0, seed=70)
    items = [
        dataclasses.replace(
            item,
            annotations=tuple(dataclasses.replace(s, artifact_type=NAMES[s.artifact_type]) for s in item.annotations),
        )
        for item in made
    ]
    return folder, Manifest(tuple(map(ArtifactType, NAMES.values())), tuple(items))


@pytest.fixture
def learn(corpus, embedded_once):
    return learner(*corpus, embedded_once, WITH_COPIES)


def test_copies_of_clean_recordings_are_learned_from(learn, corpus, fitted):
    learn()
    own, copies = fitted["material"][: len(corpus[1])], fitted["material"][len(corpus[1]) :]
    assert all(example.judges for example in own)
    assert len(copies) == 2
    for copy in copies:
        assert not copy.judges
        assert {span.artifact_type for span in copy.item.annotations} <= set(NAMES.values())
    assert any(copy.item.annotations for copy in copies)


def test_a_copy_is_held_out_with_its_recording(learn, corpus, fitted):
    learn()
    n = len(corpus[1])
    (clean,) = [k for k, item in enumerate(corpus[1]) if not item.annotations]
    (with_clean,) = [fold for fold in fitted["folds"] if clean in fold]
    assert {n, n + 1} <= set(with_clean)
    assert sorted(k for fold in fitted["folds"] for k in fold) == list(range(n + 2))


@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_nothing_is_measured_on_copies(learn, corpus, head):
    """Every annotation that was made by hand, and no other, is counted; folds name what was given."""
    metrics = learn(dataclasses.replace(WITH_COPIES, head=head)).metrics
    marked = [span for item in corpus[1] for span in item.annotations]
    assert sum(row["support"] for row in metrics["events"]["per_class"].values()) == len(marked)
    assert sorted(name for fold in metrics["folds"] for name in fold) == sorted(item.filename for item in corpus[1])


def test_the_same_seed_gives_the_same_detector(learn, tmp_path):
    """With embeddings from the cache and without."""
    files = [
        learn(config, cache=cache).save(tmp_path / f"{k}.safetensors").read_bytes()
        for k, (config, cache) in enumerate([(WITH_COPIES, None), (WITH_COPIES, EmbeddingCache(tmp_path / "cache"))])
    ]
    assert files[0] == files[1]
    without = learn(dataclasses.replace(WITH_COPIES, injected_copies=0)).save(tmp_path / "without.safetensors")
    assert without.read_bytes() != files[0]


def test_progress_counts_copies(learn, corpus):
    seen = []
    learn(progress=seen.append)
    n_files = len(corpus[1]) + 2
    assert [(p.done, p.total) for p in seen if p.stage == "embedding"] == [(k + 1, n_files) for k in range(n_files)]


def test_there_has_to_be_a_place_to_put_artifacts_in(learn, corpus):
    labelled = tuple(item for item in corpus[1] if item.annotations)
    with pytest.raises(TrainingError, match="no recording is without annotations"):
        learn(manifest=dataclasses.replace(corpus[1], audio=labelled))


def test_types_that_cannot_be_put_in_are_named(learn, corpus):
    items = tuple(
        dataclasses.replace(
            item, annotations=tuple(dataclasses.replace(span, artifact_type="wheeze") for span in item.annotations)
        )
        for item in corpus[1]
    )
    with pytest.raises(TrainingError, match="'wheeze' cannot be put in"):
        learn(manifest=Manifest((ArtifactType("wheeze"),), items))


def test_a_negative_number_of_copies_is_refused():
    with pytest.raises(ParameterError, match="injected_copies=-1"):
        TrainConfig(injected_copies=-1)
