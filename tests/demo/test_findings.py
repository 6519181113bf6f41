"""The table of what was found, and the choice of the file to show, on results made by hand."""

from __future__ import annotations

from relaylib.demo import findings_table, most_telling
from relaylib.evaluate import EvalConfig, Evaluation, evaluate
from relaylib.types import Annotation, ArtifactType, AudioItem, Detection, FileResult, Manifest

GLITCH, ECHO = Annotation(1000, 1050, "glitch"), Annotation(2000, 3000, "echo")


def evaluation(**detections: tuple[Detection, ...]) -> Evaluation:
    """Score `detections` per file; a has a glitch and an echo, b only the glitch, c is clean."""
    spans = {"a": (GLITCH, ECHO), "b": (GLITCH,), "c": ()}
    items = tuple(AudioItem(f"test/{name}.flac", 5000, None, spans[name]) for name in spans)
    results = [FileResult(f"test/{name}.flac", 5000, "completed", detections.get(name, ())) for name in spans]
    manifest = Manifest((ArtifactType("glitch"), ArtifactType("echo")), items)
    return evaluate(manifest, results, EvalConfig(n_bootstrap=0))


def test_the_table_names_each_file_once_and_what_became_of_every_span():
    found = evaluation(a=(Detection(990, 1060, "glitch", 0.9),), b=(Detection(4000, 4500, "echo", 0.75),))
    assert findings_table(found).splitlines() == [
        "file    start ms  end ms  annotated  detected     outcome",
        "a.flac       990    1060  glitch     glitch 0.90  hit",
        "            2000    3000  echo       -            miss",
        "b.flac      1000    1050  glitch     -            miss",
        "            4000    4500  -          echo 0.75    false alarm",
        "c.flac                    -          -            clean",
    ]


def test_the_file_to_show_is_the_one_with_most_types_found():
    hit = Detection(1000, 1050, "glitch", 0.9)
    assert most_telling(evaluation(a=(hit, Detection(2000, 3000, "echo", 0.9)), b=(hit,))) == "test/a.flac"


def test_a_file_all_of_whose_events_are_found_beats_one_with_a_miss():
    hit = Detection(1000, 1050, "glitch", 0.9)
    assert most_telling(evaluation(a=(hit,), b=(hit,))) == "test/b.flac"
