import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relaylib.errors import FormatError, ParameterError
from relaylib.formats import read_manifest, write_manifest
from relaylib.types import Annotation, ArtifactType, AudioItem, Detection, Manifest
from relaylib.widgets.keeping import ConflictError, Keeper, Labels, ManifestKeeper

SPAN, CLICK_SPAN = Annotation(1, 5, "glitch"), Annotation(100, 120, "glitch")
CLICK, HUM = Detection(100, 120, "glitch", 0.9), Detection(300, 400, "echo", 0.6)
START = Manifest(
    (ArtifactType("glitch"), ArtifactType("echo", "heard twice", "#00AAFF")),
    (AudioItem("a.wav", 900, "anna", (SPAN,)), AudioItem("b.wav", 900, done=False)),
)


@pytest.fixture
def path(tmp_path):
    write_manifest(START, tmp_path / "labels.json")
    return tmp_path / "labels.json"


def test_a_change_is_in_the_file_when_it_is_kept(path):
    keeper: Keeper = ManifestKeeper(path)
    spans = (Annotation(7, 9, "echo", 0.5, {"note": "soft"}), SPAN)
    keeper.keep("b.wav", Labels(spans, done=True))
    a, b = read_manifest(path).audio
    assert a == START.audio[0]
    assert (b.annotations, b.annotations[0].extra_data, b.done, b.duration_ms) == (spans, {"note": "soft"}, True, 900)
    assert keeper.manifest() == read_manifest(path)
    assert sorted(os.listdir(path.parent)) == ["labels.json"]


def test_everything_is_there_after_a_restart(path):
    """Suggestions that are open, those that were turned down, and who made them."""
    labels = Labels((SPAN,), (HUM,), (CLICK,), "first", False)
    ManifestKeeper(path).keep("a.wav", labels)
    keeper = ManifestKeeper(path)
    assert keeper.labels("a.wav") == labels
    assert keeper.all_labels() == {"a.wav": labels, "b.wav": Labels(done=False)}
    marks = labels.suggested([CLICK, HUM], "first").marks()
    assert [(m.start_ms, m.state) for m in marks.items] == [(1, "annotation"), (300, "suggestion")]


def test_labels_are_understood_without_the_suggestions(path):
    """To other readers the manifest is what it was before, and one without suggestions has no trace of them."""
    before = json.loads(path.read_text())
    keeper = ManifestKeeper(path)
    keeper.keep("a.wav", Labels((SPAN,), (HUM,), (CLICK,)))
    assert read_manifest(path) == START
    keeper.keep("a.wav", Labels((SPAN,)))
    assert json.loads(path.read_text()) == before


def test_what_others_have_written_into_the_manifest_stays(path):
    """Fields that relaylib does not know, of the whole, of recordings, and of spans that are not touched."""
    document = json.loads(path.read_text())
    document["licence"] = {"name": "CC0"}
    document["audio"][0]["speaker"] = "anna"
    document["annotations"][0]["listener"] = 3
    document["suggestions"] = [
        {"filename": "gone.wav", "artifact_type": "echo", "start_ms": 1, "end_ms": 2, "confidence": 1, "rank": 1}
    ]
    path.write_text(json.dumps(document))
    ManifestKeeper(path).keep("a.wav", Labels((Annotation(0, 3, "echo"), SPAN), done=True))
    now = json.loads(path.read_text())
    assert now["licence"] == {"name": "CC0"}
    assert now["audio"][0] == {
        "filename": "a.wav",
        "duration_ms": 900,
        "group": "anna",
        "speaker": "anna",
        "done": True,
    }
    assert now["suggestions"] == document["suggestions"]
    assert [row.get("listener") for row in now["annotations"]] == [None, 3]


def test_sessions_with_one_manifest_keep_each_others_recordings(path):
    first, second = ManifestKeeper(path), ManifestKeeper(path)
    first.keep("a.wav", Labels(done=True))
    second.keep("b.wav", Labels((SPAN,), done=True))
    first.keep("a.wav", Labels((CLICK_SPAN,), done=True))
    assert [(i.filename, i.annotations, i.done) for i in read_manifest(path)] == [
        ("a.wav", (CLICK_SPAN,), True),
        ("b.wav", (SPAN,), True),
    ]


@pytest.mark.parametrize(
    "theirs",
    [
        Labels(),
        Labels((SPAN,), done=False),
        Labels((SPAN,), (HUM,)),
        Labels((Annotation(1, 5, "glitch", 1.0, {"note": "x"}),)),
    ],
    ids=["annotations", "done", "suggestions", "notes"],
)
def test_two_who_change_the_same_recording_are_told(path, theirs):
    """The first change stays; the second is refused until its session has read it, and may then replace it."""
    first, second = ManifestKeeper(path), ManifestKeeper(path)
    first.keep("a.wav", theirs)
    before = path.read_bytes()
    with pytest.raises(ConflictError, match=r"a\.wav: its labels in labels\.json were changed elsewhere") as caught:
        second.keep("a.wav", Labels((CLICK_SPAN,)))
    assert path.read_bytes() == before
    assert caught.value.theirs == theirs
    with pytest.raises(ConflictError):
        second.keep("a.wav", Labels((CLICK_SPAN,)))
    assert second.labels("a.wav") == theirs
    second.keep("a.wav", Labels((CLICK_SPAN,)))
    assert read_manifest(path).audio[0].annotations == (CLICK_SPAN,)


def test_the_same_change_elsewhere_in_the_file_is_no_conflict(path):
    """Another layout, another order of recordings, another recording: none of it is about this one."""
    keeper = ManifestKeeper(path)
    document = json.loads(path.read_text())
    document["audio"].reverse()
    document["artifact_types"].append("click")
    path.write_text(json.dumps(document))
    keeper.keep("a.wav", Labels((CLICK_SPAN,)))
    now = read_manifest(path)
    assert [item.filename for item in now] == ["b.wav", "a.wav"]
    assert now.type_names == ("glitch", "echo", "click")


def test_a_manifest_that_others_have_written_without_suggestions_is_no_conflict(path):
    """They come back with the next change, since this session still knows them."""
    labels = Labels((SPAN,), (HUM,), (CLICK,))
    keeper = ManifestKeeper(path)
    keeper.keep("a.wav", labels)
    write_manifest(read_manifest(path), path)
    assert ManifestKeeper(path).labels("a.wav") == Labels((SPAN,))
    keeper.keep("a.wav", labels)
    assert ManifestKeeper(path).labels("a.wav") == labels


def test_a_manifest_may_begin_with_the_first_change(tmp_path):
    """What it is to begin with is written along with it, new types too; until then there is no file."""
    path = tmp_path / "new" / "labels.json"
    keeper = ManifestKeeper(path, START)
    assert keeper.manifest() == START
    assert not path.exists()
    keeper.keep("b.wav", Labels((Annotation(1, 2, "hiss"),), done=True))
    now = read_manifest(path)
    assert now.artifact_types == (*START.artifact_types, ArtifactType("hiss"))
    assert now.audio[0] == START.audio[0]
    assert (now.audio[1].annotations, now.audio[1].done) == ((Annotation(1, 2, "hiss"),), True)


def test_what_is_in_the_file_comes_before_what_it_is_to_begin_with(path):
    """Recordings that are new are added, those that are there keep their labels."""
    more = Manifest((ArtifactType("hiss"),), (AudioItem("a.wav", done=False), AudioItem("c.wav", done=False)))
    keeper = ManifestKeeper(path, more)
    assert keeper.labels("a.wav") == Labels((SPAN,))
    keeper.keep("b.wav", Labels(done=True))
    now = read_manifest(path)
    assert now.type_names == ("glitch", "echo", "hiss")
    assert now.audio == (START.audio[0], AudioItem("b.wav", 900, done=True), AudioItem("c.wav", done=False))


def test_a_missing_manifest_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        ManifestKeeper(tmp_path / "absent.json")


def test_a_name_that_promises_another_format_is_refused(tmp_path):
    with pytest.raises(ParameterError, match=r"labels\.csv': labels are kept as JSON"):
        ManifestKeeper(tmp_path / "labels.csv", START)


def test_a_file_that_became_something_else_is_not_written_over(path):
    keeper = ManifestKeeper(path)
    path.write_text('{"artifact_types": [],')
    with pytest.raises(FormatError, match=r"labels\.json, line 1"):
        keeper.keep("a.wav", Labels())
    assert path.read_text() == '{"artifact_types": [],'


def test_what_json_cannot_hold_is_refused_and_changes_nothing(path):
    keeper, before = ManifestKeeper(path), path.read_bytes()
    with pytest.raises(ParameterError, match="cannot be written as JSON"):
        keeper.keep("a.wav", Labels((Annotation(1, 2, "glitch", 1.0, {"x": object()}),)))
    assert path.read_bytes() == before
    keeper.keep("a.wav", Labels((CLICK_SPAN,)))
    assert read_manifest(path).audio[0].annotations == (CLICK_SPAN,)


def test_a_change_that_cannot_be_written_is_not_taken_for_kept(path):
    """The folder becomes a place without room for files; afterwards the same change passes, without a conflict."""
    keeper, hidden = ManifestKeeper(path), path.parent.with_name("hidden")
    path.parent.rename(hidden)
    path.parent.write_text("no folder")
    with pytest.raises(OSError, match=r"."):
        keeper.keep("a.wav", Labels((CLICK_SPAN,)))
    path.parent.unlink()
    hidden.rename(path.parent)
    assert keeper.manifest() == START
    keeper.keep("a.wav", Labels((CLICK_SPAN,)))
    assert read_manifest(path).audio[0].annotations == (CLICK_SPAN,)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (3, r"\$\.suggestions: "),
        ({"filename": "a.wav"}, r"\$\.suggestions: .*artifact_type"),
        ({"start_ms": 5, "end_ms": 5}, r"\$\.suggestions\[0\]: start_ms=5, end_ms=5"),
        ({"start_ms": 0.5}, r"\$\.suggestions\[0\]\.start_ms: 0\.5"),
    ],
)
def test_suggestions_that_are_none_are_named(path, row, problem):
    whole = {"filename": "a.wav", "artifact_type": "glitch", "start_ms": 1, "end_ms": 2, "confidence": 0.5}
    given = {**whole, **row} if isinstance(row, dict) and "filename" not in row else row
    path.write_text(json.dumps({**json.loads(path.read_text()), "suggestions": [given]}))
    with pytest.raises(FormatError, match=rf"labels\.json: {problem}"):
        ManifestKeeper(path)


SPANS = st.builds(
    lambda start, length, name, confidence, notes: Annotation(start, start + length, name, confidence, notes),
    st.integers(0, 800),
    st.integers(1, 90),
    st.sampled_from(["glitch", "echo", "new one"]),
    st.floats(0, 1),
    st.sampled_from([None, {"note": "ü"}]),
)
DETECTIONS = st.builds(
    lambda start, length, name, confidence: Detection(start, start + length, name, confidence),
    st.integers(0, 800),
    st.integers(1, 90),
    st.sampled_from(["glitch", "unknown"]),
    st.floats(0, 1),
)
LABELS = st.builds(
    lambda spans, suggestions, rejected, by, done: Labels(
        tuple(spans), tuple(suggestions), tuple(rejected), by if suggestions else None, done
    ),
    st.lists(SPANS, max_size=3),
    st.lists(DETECTIONS, max_size=2),
    st.lists(DETECTIONS, max_size=2),
    st.sampled_from([None, "first"]),
    st.sampled_from([None, False, True]),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a.wav", "b.wav", "c.wav"]), LABELS), min_size=1, max_size=5))
def test_the_last_labels_of_each_recording_come_back(tmp_path_factory, changes):
    path = tmp_path_factory.mktemp("labels") / "labels.json"
    write_manifest(START, path)
    keeper = ManifestKeeper(path)
    expected = keeper.all_labels()
    for name, labels in changes:
        keeper.keep(name, labels)
        expected[name] = labels
    back = ManifestKeeper(path).all_labels()
    assert back == expected
    assert {name: [s.extra_data for s in labels.annotations] for name, labels in back.items()} == {
        name: [s.extra_data for s in labels.annotations] for name, labels in expected.items()
    }


def test_many_at_once_lose_nothing(path):
    """Four sessions, each with a recording of its own, write as fast as they can."""
    errors = []

    def label(k):
        try:
            keeper = ManifestKeeper(path)
            for n in range(1, 16):
                keeper.keep(f"{k}.wav", Labels(tuple(Annotation(i, i + 1, "glitch") for i in range(n)), done=n == 15))
        except Exception as exc:
            errors.append(exc)

    threads = [threading.Thread(target=label, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    kept = {item.filename: (len(item.annotations), item.done) for item in read_manifest(path)}
    assert kept == {"a.wav": (1, None), "b.wav": (0, False), **{f"{k}.wav": (15, True) for k in range(4)}}


LABELLER = """
import sys
from relaylib.types import Annotation
from relaylib.widgets.keeping import Labels, ManifestKeeper

keeper = ManifestKeeper(sys.argv[1])
spans = keeper.labels("b.wav").annotations
while True:
    spans = (*spans, Annotation(len(spans), len(spans) + 1, "glitch"))
    keeper.keep("b.wav", Labels(spans, done=False))
    print(len(spans), flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_a_kill_at_any_moment_loses_at_most_the_change_in_flight(path):
    """Killed 20 times while it writes one change after the other, at random moments."""
    moments, n_before = random.Random(5), 0
    for _ in range(20):
        labeller = subprocess.Popen([sys.executable, "-c", LABELLER, path], stdout=subprocess.PIPE, text=True)
        assert labeller.stdout.readline().strip() == str(n_before + 1)
        time.sleep(moments.uniform(0.0, 0.06))
        labeller.send_signal(signal.SIGKILL)
        said = [n_before + 1, *(int(line) for line in labeller.stdout.read().splitlines() if line)]
        labeller.wait()
        labeller.stdout.close()
        found = read_manifest(path)
        n_before = len(found.audio[1].annotations)
        assert n_before in (said[-1], said[-1] + 1)
        assert found.audio[0] == START.audio[0]
    assert n_before > 40


def test_a_large_manifest_is_kept_quickly(tmp_path):
    """2000 recordings with five spans each: the best of several, since other work may run beside this."""
    audio = tuple(
        AudioItem(f"{k}.wav", 60_000, annotations=tuple(Annotation(n, n + 50, "glitch") for n in range(5)))
        for k in range(2000)
    )
    path = Path(tmp_path / "labels.json")
    write_manifest(Manifest(START.artifact_types, audio), path)
    keeper, times = ManifestKeeper(path), []
    for n in range(5):
        began = time.perf_counter()
        keeper.keep("1000.wav", Labels((Annotation(n, n + 1, "echo"),)))
        times.append(time.perf_counter() - began)
    assert min(times) < 0.1
