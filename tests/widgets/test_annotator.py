"""The annotator without a browser: what comes of the messages that its view sends."""

import asyncio
import threading

import numpy as np
import pytest

from relaylib.audio import save
from relaylib.errors import ParameterError
from relaylib.formats import read_manifest
from relaylib.types import Annotation, ArtifactType, AudioItem, Detection, Manifest, Waveform, ms_to_samples
from relaylib.widgets.annotator import Annotator
from relaylib.widgets.keeping import ManifestKeeper, MemoryKeeper
from relaylib.widgets.session import Session
from relaylib.widgets.suggestions import Suggestions

TYPES = (ArtifactType("click", color="#0072B2"), ArtifactType("echo", color="#D55E00"))
BURST_MS = (400, 600)
HEARD = [({"kind": "heard"}, None)]


class Spoken(Annotator):
    """Remembers what it says to its view."""

    def __init__(self, *args, **kwargs):
        self.said = []
        super().__init__(*args, **kwargs)

    def send(self, content, buffers=None):
        self.said.append((content, buffers))

    def hear(self, **message):
        """Take a message as from the view; return what is said in answer."""
        self.said.clear()
        self._handle_custom_msg(message, [])
        return list(self.said)

    def edit(self, do, **fields):
        return self.hear(kind="edit", edit={"do": do, **fields})

    def wait_until_decoded(self):
        assert self._sound.recording.done.wait(10)


@pytest.fixture
def folder(tmp_path):
    """Give two recordings of a second, with noise from 400 to 600 ms in the first."""
    samples = np.zeros(16_000, np.float32)
    first, last = map(ms_to_samples, BURST_MS)
    samples[first:last] = np.random.default_rng(1).uniform(-0.5, 0.5, last - first)
    save(tmp_path / "a.wav", Waveform(samples))
    save(tmp_path / "b.wav", Waveform(np.zeros(8000, np.float32)))
    return tmp_path


@pytest.fixture
def annotator(folder):
    """Give an annotator of both, whose labels are in ``labels.json``."""
    start = Manifest(TYPES, (AudioItem("a.wav", annotations=(Annotation(100, 200, "click"),)), AudioItem("b.wav")))
    made = Spoken(Session(ManifestKeeper(folder / "labels.json", start), folder.joinpath))
    made.wait_until_decoded()
    yield made
    made.close()


def test_edits_change_marks_annotations_and_the_manifest(annotator, folder):
    """A drawn span is selected; who observes `annotations` is told."""
    seen = []
    annotator.observe(lambda change: seen.append(change["new"]), "annotations")
    assert annotator.edit("draw", start_ms=150, end_ms=300, artifact_type="echo") == HEARD
    drawn = Annotation(150, 300, "echo")
    assert annotator.annotations == (Annotation(100, 200, "click"), drawn)
    assert seen == [annotator.annotations]
    assert read_manifest(folder / "labels.json").audio[0].annotations == annotator.annotations
    assert [(mark["id"], mark["lane"]) for mark in annotator.marks] == [(1, 0), (2, 1)]
    assert annotator.selected == 2
    assert annotator.history == {"undo": True, "redo": False}
    annotator.hear(kind="undo")
    assert annotator.annotations == (Annotation(100, 200, "click"),)
    assert annotator.selected is None, "what is gone is not selected"
    assert annotator.history == {"undo": False, "redo": True}
    annotator.hear(kind="redo")
    assert annotator.annotations_by_file == {"a.wav": (Annotation(100, 200, "click"), drawn), "b.wav": ()}
    assert annotator.files[0]["n_marks"] == 2


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ({"kind": "edit", "edit": {"do": "remove", "id": 99}}, "id=99"),
        ({"kind": "edit", "edit": {"do": "juggle"}}, "juggle"),
        ({"kind": "edit", "edit": {"do": "draw", "start_ms": 1, "end_ms": 2, "artifact_type": "x"}}, "'x' is not one"),
        ({"kind": "open", "index": 2}, "index=2"),
        ({"kind": "done", "index": -1, "done": True}, "index=-1"),
        ({"kind": "filter", "filter": "odd"}, "odd"),
        ({"kind": "publish"}, "REST"),
    ],
)
def test_what_makes_no_sense_is_said_in_the_widget(annotator, message, says):
    """And changes nothing."""
    before = annotator.get_state()
    (answer, _), *rest = annotator.hear(**message)
    assert rest == (HEARD if message["kind"] in ("edit", "done") else [])
    assert answer["kind"] == "error"
    assert says in answer["message"]
    assert annotator.get_state() == before


def test_labels_that_cannot_be_kept_are_said_to_be(annotator, folder):
    """In the state that is always visible, and as a message."""
    (folder / "labels.json").write_text("{")
    (answer, _), *rest = annotator.edit("draw", start_ms=150, end_ms=300, artifact_type="echo")
    assert rest == HEARD
    assert annotator.saved["state"] == "failed"
    assert answer == {"kind": "error", "message": annotator.saved["message"]}
    (folder / "labels.json").unlink()
    assert annotator.edit("nudge", id=2, by_ms=10) == HEARD
    assert annotator.saved["state"] == "saved"
    assert read_manifest(folder / "labels.json").audio[0].annotations == annotator.annotations


def test_a_tile_shows_where_the_sound_is(annotator):
    """256 columns of 4 ms: the burst is loud in both pictures, the rest is silent."""
    sound = annotator.sound["id"]
    ((answer, (peaks, levels)),) = annotator.hear(kind="tile", sound=sound, level=0, index=0)
    assert answer == {
        "kind": "tile", "sound": sound, "level": 0, "index": 0, "columns": 256, "bands": 96, "whole": True
    }  # fmt: skip
    loud = np.frombuffer(peaks, np.int8).reshape(256, 2)[:, 1] > 20
    assert (loud == [BURST_MS[0] <= 4 * column < BURST_MS[1] for column in range(256)]).all()
    bands = np.frombuffer(levels, np.uint8).reshape(256, 96)
    assert bands[102:148].min(axis=1).min() > 0
    assert bands[:90].max() == 0


def test_pcm_is_the_sound_itself(annotator, folder):
    """16 bits, little endian, as far as there is any."""
    sound = annotator.sound["id"]
    ((answer, (data,)),) = annotator.hear(kind="pcm", sound=sound, start=6400, end=99_999, request=7)
    assert answer == {"kind": "pcm", "sound": sound, "start": 6400, "request": 7}
    samples = np.frombuffer(data, "<i2")
    assert len(samples) == 16_000 - 6400
    assert np.abs(samples[:3200]).max() > 10_000
    assert not samples[3200:].any()


def test_messages_about_a_recording_that_is_no_longer_open_are_dropped(annotator):
    """They were under way when the next one was opened."""
    before = annotator.sound["id"]
    annotator.hear(kind="open", index=1)
    assert annotator.sound["id"] != before
    assert annotator.hear(kind="tile", sound=before, level=0, index=0) == []
    assert annotator.hear(kind="pcm", sound=before, start=0, end=10, request=1) == []
    assert annotator.hear(kind="something of a newer view") == []


def test_snapping_finds_the_edges_of_the_burst(annotator):
    answers = [annotator.hear(kind="snap", request=k, ms=ms)[0][0] for k, ms in enumerate((385, 627.4))]
    for k, answer in enumerate(answers):
        assert (answer["kind"], answer["request"]) == ("snap", k)
        assert answer["ms"] == pytest.approx(BURST_MS[k], abs=3)


def test_the_queue_follows_the_filter_and_the_done_flags(annotator, folder):
    annotator.hear(kind="filter", filter="unlabelled")
    assert (annotator.file_filter, annotator.shown) == ("unlabelled", [1])
    annotator.hear(kind="done", index=1, done=True)
    assert annotator.shown == []
    assert read_manifest(folder / "labels.json").audio[1].done is True
    annotator.hear(kind="open", index=1)
    assert (annotator.current, annotator.marks, annotator.annotations) == (1, [], ())
    assert annotator.sound["filename"] == "b.wav"
    assert annotator.view_ms == (0.0, 500.0)


def test_a_recording_that_cannot_be_read_says_why(folder):
    """In its row, and where its picture would be; the others can be labelled."""
    (folder / "a.wav").write_text("no sound at all")
    start = Manifest(TYPES, (AudioItem("a.wav"), AudioItem("b.wav")))

    async def look():
        made = Spoken(Session(MemoryKeeper(start), folder.joinpath))
        await eventually(lambda: made.files[0]["error"])
        assert made.sound["error"] == made.files[0]["error"]
        made.hear(kind="open", index=1)
        assert made.sound["error"] is None
        await eventually(lambda: made.sound["decoded_ms"] == 500)
        made.close()

    asyncio.run(look())


def test_a_detector_is_asked_when_a_recording_is_opened(folder):
    """Once for each, beside the event loop; what it finds are suggestions, and failing is said."""
    asked, threads = [], set()

    class Listener:
        def detect(self, path):
            asked.append(path.name)
            threads.add(threading.current_thread())
            if path.name == "b.wav":
                raise OSError("no such disk")
            return [Detection(400, 600, "echo", 0.8)]

    start = Manifest(TYPES, (AudioItem("a.wav"), AudioItem("b.wav")))

    async def look():
        made = Spoken(Session(MemoryKeeper(start), folder.joinpath), Suggestions({}, Listener(), "mine"))
        await eventually(lambda: made.marks)
        assert [(m["state"], m["extra_data"]) for m in made.marks] == [("suggestion", {"by": "mine"})]
        made.edit("accept", id=made.marks[0]["id"])
        made.hear(kind="open", index=1)
        await eventually(lambda: made.said)
        assert made.said == [({"kind": "error", "message": "b.wav: no suggestions: no such disk"}, None)]
        made.hear(kind="open", index=0)
        assert [m["state"] for m in made.marks] == ["annotation"]
        made.close()

    asyncio.run(look())
    assert asked == ["a.wav", "b.wav"]
    assert threading.main_thread() not in threads


async def eventually(found):
    """Wait, with the event loop running, until there is something."""
    for _ in range(1000):
        if found():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nothing came")


def test_a_script_works_as_a_hand_does(annotator, folder):
    """The same edits under the same rules: what is drawn by a script is kept, selected, and can be undone."""
    drawn = annotator.draw(600, 450, "echo", confidence=0.5, extra_data={"note": "soft"})
    expected = Annotation(450, 600, "echo", 0.5, {"note": "soft"})
    assert annotator.annotations == (Annotation(100, 200, "click"), expected)
    assert annotator.selected == drawn
    assert read_manifest(folder / "labels.json").audio[0].annotations == annotator.annotations
    annotator.undo()
    assert annotator.annotations == (Annotation(100, 200, "click"),)
    annotator.redo()
    annotator.remove(drawn)
    assert annotator.annotations == (Annotation(100, 200, "click"),)


def test_a_script_is_told_what_it_did_wrong(annotator):
    """As an exception, where a hand sees a message."""
    with pytest.raises(ParameterError, match="artifact_type 'hum' is not one of"):
        annotator.draw(0, 10, "hum")
    with pytest.raises(ParameterError, match="confidence"):
        annotator.draw(0, 10, "click", confidence=1.5)
    with pytest.raises(ParameterError, match="there is no such mark"):
        annotator.remove(99)
    with pytest.raises(ParameterError, match="only suggestions are accepted"):
        annotator.accept(1)
    assert annotator.annotations == (Annotation(100, 200, "click"),)


def test_a_script_judges_suggestions(folder):
    """One of two is accepted, the other rejected; only the first is an annotation, and says where it comes from."""
    start = Manifest(TYPES, (AudioItem("a.wav"),))
    found = (Detection(100, 200, "click", 0.75), Detection(300, 400, "echo", 0.5))
    made = Spoken(Session(MemoryKeeper(start), folder.joinpath), Suggestions({"a.wav": found}))
    first, second = (mark["id"] for mark in made.marks)
    made.accept(first)
    made.reject(second)
    (kept,) = made.annotations
    assert (kept.start_ms, kept.end_ms, kept.confidence) == (100, 200, 1.0)
    assert kept.extra_data["suggested"]["confidence"] == 0.75
    assert len(made.marks) == 1
    made.close()
