from __future__ import annotations

import numpy as np
import pytest
from sounds import marked, write


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.fixture
def encoded(tmp_path):
    """Return a function that writes the marked sound in a format and gives the path."""

    def make(suffix, container, codec, rate, **options):
        path = tmp_path / f"{codec}{rate}{suffix}"
        return write(path, marked(rate), rate, container, codec, options)

    return make
