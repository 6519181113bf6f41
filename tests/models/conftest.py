import logging

import numpy as np
import pytest
import torch
from small_encoders import PlaceholderEncoder, make_checkpoint

from relaylib.models import EmbeddingCache, trainer
from relaylib.models.fast.layers import Layer


@pytest.fixture
def encoder():
    return PlaceholderEncoder()


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(autouse=True)
def one_thread():
    """Small models gain nothing from more, and lose much where other work runs beside the tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def fitted(monkeypatch):
    """Return what `train` fits to while the test runs: examples, and folds of their indices."""
    seen = {}

    def spy(material, folds, *args, **options):
        seen["material"], seen["folds"] = material, folds
        return fit(material, folds, *args, **options)

    fit = trainer.fit_folds
    monkeypatch.setattr(trainer, "fit_folds", spy)
    return seen


@pytest.fixture
def through_layers(monkeypatch):
    """Return how many frames go through a layer, at each call while the test runs."""
    seen = []
    run = Layer.__call__

    def spy(self, hidden, *positions):
        seen.append(len(hidden))
        return run(self, hidden, *positions)

    monkeypatch.setattr(Layer, "__call__", spy)
    return seen


@pytest.fixture(scope="session")
def embedded_once(tmp_path_factory):
    """Return a cache of embeddings that all tests share."""
    return EmbeddingCache(tmp_path_factory.mktemp("embeddings"))


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """Return a function from an architecture to the folder of a small checkpoint of it."""
    made = {}

    def checkpoint(architecture):
        if architecture not in made:
            made[architecture] = make_checkpoint(tmp_path_factory.mktemp("checkpoint") / architecture, architecture)
        return made[architecture]

    return checkpoint


@pytest.fixture(scope="session", autouse=True)
def quiet_hub():
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
