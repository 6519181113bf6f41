"""A server without workers: tests do the work themselves, step by step."""

import dataclasses

import pytest
from seeding import Seeds


@pytest.fixture
def settings(settings):
    return dataclasses.replace(settings, workers=0)


@pytest.fixture
def seeds(app, call):
    """Give what makes rows for the tenant of `client`."""
    return Seeds(app, call)
