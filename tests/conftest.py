"""What holds for every test."""

import gc
from contextlib import contextmanager

import pytest

import relaylib  # noqa: F401 (before torch, so that tests side by side do not wait busily for each other)


def pytest_collection_modifyitems(items):
    """Begin with the files that hold slow tests, so that none is left to run by itself when all others are done."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture
def files_at_most():
    """Return a context in which no file grows beyond so many bytes: as on a disk that is full."""
    resource = pytest.importorskip("resource")

    @contextmanager
    def limited(n_bytes):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.fixture(autouse=True, scope="module")
def _young_garbage_only():
    """Spare the collector what earlier modules have left for good.

    Models, applications and imported packages are a million objects, and each of the many applications that the tests
    of the server make would have all of them looked through again.
    """
    yield
    gc.collect()
    gc.freeze()
