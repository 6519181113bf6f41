"""The scripts lie beside the package: tests import them from their folder."""

import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "pretraining"


@pytest.fixture(scope="module", autouse=True)
def _scripts():
    sys.path.insert(0, str(SCRIPTS))
    yield
    sys.path.remove(str(SCRIPTS))
