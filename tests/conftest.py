"""What holds for every test."""

import gc

import pytest


@pytest.fixture(autouse=True, scope="module")
def _young_garbage_only():
    """Spare the collector what earlier modules have left for good.

    Models, applications and imported packages are a million objects, and each of the many applications that the tests
    of the server make would have all of them looked through again.
    """
    yield
    gc.collect()
    gc.freeze()
