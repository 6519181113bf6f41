"""A sitting over recordings: what is done, what is kept, and what another session does meanwhile."""

from contextlib import contextmanager
from pathlib import Path

import pytest

from relaylib.errors import FormatError, ParameterError
from relaylib.formats import read_manifest, write_manifest
from relaylib.types import Annotation, ArtifactType, AudioItem, Detection, Manifest
from relaylib.widgets.editing import Accept, Change, Draw, Reject, Remove
from relaylib.widgets.keeping import ManifestKeeper, MemoryKeeper
from relaylib.widgets.session import Session

TYPES = (ArtifactType("click", color="#0072B2"), ArtifactType("echo", color="#D55E00"))
START = Manifest(
    TYPES, (AudioItem("a.wav", group="x", annotations=(Annotation(100, 200, "click"),)), AudioItem("b.wav", 900))
)


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "labels.json"
    write_manifest(START, path)
    return path


def sitting(manifest):
    return Session(ManifestKeeper(manifest), Path)


def test_a_change_is_in_the_file_at_once(manifest):
    """Drawn, undone, done again: the file follows each step; what else it says stays."""
    session = sitting(manifest)
    assert session.do(Draw(300, 400, "echo"))
    drawn = (Annotation(100, 200, "click"), Annotation(300, 400, "echo"))
    assert read_manifest(manifest).audio[0] == AudioItem("a.wav", group="x", annotations=drawn)
    assert session.undo()
    assert read_manifest(manifest).audio[0].annotations == drawn[:1]
    assert session.redo()
    assert read_manifest(manifest).audio[0].annotations == drawn
    assert not session.redo()
    assert session.to_manifest() == read_manifest(manifest)
    assert session.saved.state == "saved"


def test_each_recording_has_its_own_history(manifest):
    """Undo in one undoes nothing in the other."""
    session = sitting(manifest)
    session.do(Draw(300, 400, "echo"))
    session.open(1)
    assert not session.can_undo
    assert not session.undo()
    session.do(Draw(800, 2000, "echo"))
    assert session.marks.items[0].end_ms == 900, "the manifest says how long it is"
    session.open(0)
    assert session.undo()
    assert [len(item.annotations) for item in read_manifest(manifest)] == [1, 1]


def test_the_queue_counts_what_is_done(manifest):
    """Filters follow the labels as they are now."""
    session = sitting(manifest)
    session.set_filter("unlabelled")
    assert session.shown == [1]
    session.set_done(1, True)
    assert session.shown == []
    assert read_manifest(manifest).audio[1].done is True
    session.set_filter("done")
    assert session.shown == [1]
    with pytest.raises(ParameterError, match="nonsense"):
        session.set_filter("nonsense")
    for index in (-1, 2):
        with pytest.raises(ParameterError, match="need 0 <= index < 2"):
            session.open(index)


def test_what_was_judged_is_not_suggested_again(manifest):
    """Neither in this sitting nor in the next one, whose detector finds the same."""
    found = [Detection(300, 400, "echo", 0.9), Detection(500, 600, "echo", 0.8), Detection(700, 800, "click", 0.7)]
    session = sitting(manifest)
    session.suggest("a.wav", found, "first")
    assert not session.can_undo, "suggestions are no step of the person"
    session.set_filter("suggestions")
    assert session.shown == [0]
    assert session.files[0].n_suggestions == 3
    ids = {mark.start_ms: mark.id for mark in session.marks.items}
    session.do(Accept(ids[300]))
    session.do(Reject(ids[500]))
    again = sitting(manifest)
    again.suggest("a.wav", found, "first")
    states = {mark.start_ms: mark.state for mark in again.marks.items}
    assert states == {100: "annotation", 300: "annotation", 700: "suggestion"}
    kept = read_manifest(manifest).audio[0].annotations[1].extra_data["suggested"]
    assert kept == {"artifact_type": "echo", "start_ms": 300, "end_ms": 400, "confidence": 0.9, "by": "first"}


def test_two_sittings_with_one_manifest_lose_nothing(manifest):
    """Different recordings go together; of one recording the second to change it is told, and may have both."""
    one, other = sitting(manifest), sitting(manifest)
    one.do(Draw(300, 400, "echo"))
    other.open(1)
    other.do(Draw(10, 20, "click"))
    assert [len(item.annotations) for item in read_manifest(manifest)] == [2, 1]
    other.open(0)
    assert len(other.marks.items) == 2, "opening it shows what the first one drew"
    one.do(Remove(1))
    other.do(Draw(500, 600, "echo"))
    assert other.saved.state == "failed"
    assert "changed elsewhere" in other.saved.message
    assert [span.start_ms for span in read_manifest(manifest).audio[0].annotations] == [300]
    other.open(0)
    assert other.saved.state == "saved"
    assert [mark.start_ms for mark in other.marks.items] == [300]
    assert other.undo(), "what could not be kept comes back, and is kept"
    assert [span.start_ms for span in read_manifest(manifest).audio[0].annotations] == [100, 300, 500]


def test_what_could_not_be_kept_is_kept_with_the_next_change(manifest):
    """A manifest that is damaged for a while costs nothing."""
    session = sitting(manifest)
    whole = manifest.read_text()
    manifest.write_text("{")
    session.do(Draw(300, 400, "echo"))
    assert session.saved.state == "failed"
    with pytest.raises(FormatError):
        session.open(1)
    assert session.filename == "a.wav"
    manifest.write_text(whole)
    session.open(1)
    session.do(Draw(10, 20, "click"))
    assert session.saved.state == "saved"
    assert [len(item.annotations) for item in read_manifest(manifest)] == [2, 1]


@contextmanager
def full_disk(keeper):
    """Let a keeper keep nothing."""

    def keep(filename, labels):
        raise OSError("No space left on device")

    keeper.keep = keep
    yield
    del keeper.keep


def test_what_could_not_be_kept_is_kept_when_its_recording_is_opened(manifest):
    """The disk was full for a while: the span stays, and is in the file as soon as there is room again."""
    keeper = ManifestKeeper(manifest)
    session = Session(keeper, Path)
    with full_disk(keeper):
        session.do(Draw(300, 400, "echo"))
        session.open(1)
        session.open(0)
        assert session.saved.state == "failed"
        assert "its labels cannot be written: No space left on device." in session.saved.message
        assert [mark.start_ms for mark in session.marks.items] == [100, 300]
        session.open(1)
    session.open(0)
    assert session.saved.state == "saved"
    assert [mark.start_ms for mark in session.marks.items] == [100, 300]
    assert [span.start_ms for span in read_manifest(manifest).audio[0].annotations] == [100, 300]
    assert session.undo()
    assert not session.undo(), "only the drawing was a step"


def test_what_could_not_be_kept_gives_way_to_others(manifest):
    """A note that somebody else wrote meanwhile is not written over; undo brings back what is here."""
    keeper = ManifestKeeper(manifest)
    session = Session(keeper, Path)
    with full_disk(keeper):
        session.do(Draw(300, 400, "echo"))
    sitting(manifest).do(Change(1, extra_data={"note": "soft"}))
    session.open(1)
    session.open(0)
    assert [mark.extra_data for mark in session.marks.items] == [{"note": "soft"}]
    assert read_manifest(manifest).audio[0].annotations[0].extra_data == {"note": "soft"}
    assert session.undo()
    assert [span.start_ms for span in read_manifest(manifest).audio[0].annotations] == [100, 300]


def test_reloading_takes_over_what_is_not_open_too(manifest):
    """Where somebody else has changed it; that can be undone there."""
    session, other = sitting(manifest), sitting(manifest)
    other.open(1)
    other.do(Draw(10, 20, "click"))
    session.set_done(1, True)
    assert session.saved.state == "failed"
    session.reload()
    assert session.saved.state == "saved"
    assert (session.files[1].done, session.files[1].n_marks) == (False, 1)
    session.open(1)
    assert [mark.start_ms for mark in session.marks.items] == [10]
    assert session.undo()
    assert session.marks.items == ()


def test_reloading_keeps_what_only_failed(manifest):
    """In a recording that is not open; of the open one the file counts, and undo brings back what is here."""
    keeper = ManifestKeeper(manifest)
    session = Session(keeper, Path)
    with full_disk(keeper):
        session.do(Draw(300, 400, "echo"))
        session.open(1)
        session.do(Draw(10, 20, "click"))
    session.reload()
    assert session.saved.state == "saved"
    assert [len(item.annotations) for item in read_manifest(manifest)] == [2, 0]
    assert session.undo()
    assert [len(item.annotations) for item in read_manifest(manifest)] == [2, 1]


def test_suggestions_that_arrive_late_leave_the_marks_alone(manifest):
    """Marks keep their ids, undo and redo are about what the person did, and the suggestions stay."""
    session = sitting(manifest)
    session.do(Draw(300, 400, "echo"))
    session.do(Draw(10, 20, "echo"))
    session.undo()
    before = session.marks
    session.suggest("a.wav", [Detection(50, 60, "click", 0.8)], "first")
    assert [mark for mark in session.marks.items if mark.state == "annotation"] == list(before.items)
    assert session.redo()
    assert [mark.start_ms for mark in session.marks.items] == [10, 50, 100, 300]
    assert session.undo()
    assert session.undo()
    assert not session.can_undo
    assert [mark.start_ms for mark in session.marks.items] == [50, 100]
    assert session.files[0].n_suggestions == 1


def test_a_recording_that_was_repaired_is_not_called_unreadable(manifest):
    session = sitting(manifest)
    session.found(None, "no sound at all")
    assert session.files[0].error == "no sound at all"
    session.found(1000, None)
    assert session.files[0].error is None


def test_labels_in_memory_say_so():
    """And there is nothing to publish."""
    session = Session(MemoryKeeper(START), Path)
    session.do(Draw(300, 400, "echo"))
    assert session.saved.state == "memory"
    assert session.to_manifest().audio[0].annotations[1] == Annotation(300, 400, "echo")
    assert not session.can_publish
    with pytest.raises(ParameterError, match="REST"):
        session.publish()


def test_without_recordings_there_is_nothing_to_label():
    with pytest.raises(ParameterError, match="no recording"):
        Session(MemoryKeeper(Manifest(TYPES, ())), Path)
