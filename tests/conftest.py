"""What holds for every test."""

import gc

import pytest

import relaylib  # noqa: F401 (before torch, so that tests side by side do not wait busily for each other)


def pytest_collection_modifyitems(items):
    """Begin with the files that hold slow tests, so that none is left to run by itself when all others are done."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(autouse=True, scope="module")
def _young_garbage_only():
    """Spare the collector what earlier modules have left for good.

    Models, applications and imported packages are a million objects, and each of the many applications that the tests
    of the server make would have all of them looked through again.
    """
    yield
    gc.collect()
    gc.freeze()
