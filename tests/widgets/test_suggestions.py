from pathlib import Path

import pytest

from relaylib.errors import ParameterError
from relaylib.formats import write_detections
from relaylib.types import Detection, FileResult
from relaylib.widgets.suggestions import suggest

CLICK = Detection(100, 120, "glitch", 0.9)
RESULTS = [FileResult("a.wav", 900, "completed", (CLICK,)), FileResult("b.wav", None, "failed", (), "no audio")]
NAMES = ["day1/a.wav", "day1/b.wav", "day1/c.wav"]


@pytest.fixture(params=["results", "mapping", "file"])
def source(request, tmp_path):
    """Give the same results as they are, by name, and from a file."""
    if request.param == "results":
        return RESULTS
    if request.param == "mapping":
        return {"a.wav": [CLICK], "b.wav": []}
    write_detections(RESULTS, tmp_path / "found.json")
    return str(tmp_path / "found.json")


def test_results_go_by_the_names_of_the_recordings(source):
    """A failed file, and one without result, have no suggestions."""
    found = suggest(source, NAMES, by="first")
    assert [found.of(name, Path(name)) for name in NAMES] == [(CLICK,), (), ()]
    assert found.known["day1/a.wav"] == (CLICK,)
    assert found.by == "first"


def test_two_results_for_one_recording_are_refused():
    with pytest.raises(ParameterError, match="more than one result"):
        suggest([RESULTS[0], RESULTS[0]], NAMES)


@pytest.mark.parametrize("source", [[CLICK], 0.5])
def test_what_suggests_nothing_is_refused(source):
    """Detections alone do not say of which recording they are."""
    with pytest.raises(ParameterError, match=r"FileResult|float"):
        suggest(source, NAMES)


class Counting:
    """Finds one span in every recording, and notes which it was given."""

    def __init__(self):
        self.asked = []

    def detect(self, source):
        self.asked.append(source)
        return [CLICK]


def test_a_detector_is_asked_when_a_recording_is():
    detector = Counting()
    found = suggest(detector, NAMES)
    assert detector.asked == []
    assert not found.known
    assert found.of("day1/b.wav", Path("speech/day1/b.wav")) == (CLICK,)
    assert detector.asked == [Path("speech/day1/b.wav")]
