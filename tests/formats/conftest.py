from __future__ import annotations

import random

import pytest


@pytest.fixture
def rng_bytes() -> bytes:
    return random.Random(7).randbytes(4096)
