import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from relaylib.audio import save
from relaylib.errors import ParameterError
from relaylib.evaluate import EvalConfig, evaluate
from relaylib.formats import read_manifest, write_detections, write_manifest
from relaylib.types import Annotation, ArtifactType, AudioItem, Detection, FileResult, Manifest, Waveform
from relaylib.widgets.review import review
from relaylib.widgets.review_list import ReviewList
from relaylib.widgets.review_picture import lane_columns
from relaylib.widgets.review_state import (
    ERRORS,
    LOOKS,
    Listing,
    kind_counts,
    nearest,
    outcomes_of,
    results_given,
    row_of,
    rows_of,
)

TYPES = ("click", "echo")


def manifest_of(**annotations):
    items = tuple(AudioItem(f"{name}.wav", 60_000, annotations=tuple(spans)) for name, spans in annotations.items())
    return Manifest(tuple(map(ArtifactType, TYPES)), items)


REFERENCE = manifest_of(
    a=[
        Annotation(1000, 1100, "click"),  # found
        Annotation(5000, 6000, "echo"),  # found as a click
        Annotation(9000, 9050, "click"),  # missed
    ],
    b=[Annotation(2000, 3000, "echo")],  # found, ends late
)
FOUND = {
    "a.wav": [Detection(1010, 1110, "click", 0.9), Detection(5100, 5900, "click", 0.6)],
    "b.wav": [Detection(2000, 4000, "echo", 0.7), Detection(7000, 7100, "click", 0.8)],  # and a false alarm
}


def compared(**options):
    return review(REFERENCE, FOUND, **options)


def told(widget):
    return [(row["kind"], row["filename"], row["type"]) for row in widget._list.rows]


def numbers(packed):
    return np.frombuffer(packed["buffer"], packed["dtype"])


def test_errors_come_first_the_surest_detections_before_the_misses():
    """Worked by hand: confidences 0.8, 0.7, 0.6, and a miss, which has none; the hit is not shown."""
    assert told(compared()) == [
        ("false_alarm", "b.wav", "click"),
        ("boundary", "b.wav", "echo"),
        ("wrong_type", "a.wav", "echo → click"),
        ("miss", "a.wav", "click"),
    ]


def test_the_list_is_sorted_and_filtered_as_asked():
    _, outcomes = outcomes_of(REFERENCE, results_given(FOUND), EvalConfig())
    everything = Listing(tuple(LOOKS), sort_by="place", descending=False)
    places = [(outcomes[k].filename, outcomes[k].start_ms) for k in rows_of(outcomes, everything)]
    assert places == [("a.wav", 1000), ("a.wav", 5000), ("a.wav", 9000), ("b.wav", 2000), ("b.wav", 7000)]
    longest = Listing(tuple(LOOKS), sort_by="duration")
    assert [outcomes[k].kind for k in rows_of(outcomes, longest)][:2] == ["boundary", "wrong_type"]
    of_echo = Listing(tuple(LOOKS), artifact_type="echo")
    assert {outcomes[k].kind for k in rows_of(outcomes, of_echo)} == {"boundary", "wrong_type"}
    misses = Listing(("miss",))
    assert [outcomes[k].start_ms for k in rows_of(outcomes, misses)] == [9000]


spans = st.lists(
    st.builds(
        lambda start, length, kind, sure: (start, start + length, kind, sure),
        st.integers(0, 5000),
        st.integers(1, 900),
        st.sampled_from(TYPES),
        st.floats(0, 1),
    ),
    max_size=6,
)


@given(truth=spans, found=spans, collar_ms=st.integers(0, 500))
def test_kinds_are_counted_as_the_evaluation_does(truth, found, collar_ms):
    """Hits are the true positives of `evaluate`; every annotation and detection is in exactly one row."""
    reference = manifest_of(a=[Annotation(*span) for span in truth])
    results = [FileResult("a.wav", 60_000, "completed", tuple(Detection(*span) for span in found))]
    config = EvalConfig(collar_ms=collar_ms, n_bootstrap=0)
    _, outcomes = outcomes_of(reference, results, config)
    evaluation = evaluate(reference, results, config)
    counts = kind_counts(outcomes)
    assert counts == evaluation.n_outcomes
    assert counts["hit"] == evaluation.event_counts.tp.sum()
    rows = rows_of(outcomes, Listing(tuple(LOOKS)))
    assert sorted(rows) == list(range(len(outcomes)))
    assert sum(outcomes[k].reference is not None for k in rows) == len(truth)
    assert sum(outcomes[k].detection is not None for k in rows) == len(found)


def test_detections_are_taken_from_results_files_and_mappings(tmp_path):
    results = [FileResult(name, None, "completed", tuple(found)) for name, found in FOUND.items()]
    write_detections(results, tmp_path / "found.json")
    assert results_given(FOUND) == results_given(results) == results_given(tmp_path / "found.json") == results
    with pytest.raises(ParameterError, match="detections hold a Detection; need FileResult"):
        results_given(FOUND["a.wav"])


def test_unknown_kinds_and_columns_are_refused():
    with pytest.raises(ParameterError, match="kinds 'typo' are unknown; known are hit, boundary"):
        Listing(("typo",))
    with pytest.raises(ParameterError, match="sort_by='size' is unknown; known are confidence"):
        Listing(sort_by="size")


def test_files_that_cannot_be_compared_are_named():
    widget = review(REFERENCE, {"a.wav": FOUND["a.wav"]})
    assert "1 files compared, collar 200 ms; left out: 1 without a result" in widget._status.value


def test_a_smaller_collar_turns_a_hit_into_a_boundary():
    assert repr(compared()) == "Review(1 hit, 1 boundary, 1 wrong type, 1 miss, 1 false alarm)"
    assert repr(compared(collar_ms=5)) == "Review(0 hit, 2 boundary, 1 wrong type, 1 miss, 1 false alarm)"


def test_what_the_view_sets_is_listed():
    """The view writes to the list's traits; rows and numbers follow."""
    widget = compared()
    widget._list.shown = ["hit", "miss"]
    widget._list.sort_by, widget._list.descending = "place", False
    assert told(widget) == [("hit", "a.wav", "click"), ("miss", "a.wav", "click")]
    widget._list.artifact_type = "echo"
    assert told(widget) == []
    assert {kind["kind"]: kind["n"] for kind in widget._list.kinds} == {
        "hit": 0, "boundary": 1, "wrong_type": 1, "miss": 0, "false_alarm": 0
    }  # fmt: skip
    assert widget.listing == Listing(("hit", "miss"), "echo", "place", False)


def test_steps_stay_in_the_list():
    widget = compared()
    order = [row["id"] for row in widget._list.rows]
    assert widget.selected == order[0]
    widget.step(1)
    assert widget._list.selected == order[1]
    widget.step(-5)
    assert widget.selected == order[0]
    widget.step(99)
    assert widget.selected == order[-1]


def test_a_row_says_what_where_and_how_sure():
    _, outcomes = outcomes_of(REFERENCE, results_given(FOUND), EvalConfig())
    miss = next(k for k, outcome in enumerate(outcomes) if outcome.kind == "miss")
    row = row_of(outcomes[miss], miss)
    assert (row["at"], row["duration_ms"], row["confidence"], row["sign"]) == ("0:09.000", 50, None, "○")


def test_bars_that_overlap_lie_in_lanes_of_their_side():
    truth = [Annotation(0, 500, "click"), Annotation(300, 900, "click"), Annotation(600, 700, "echo")]
    _, outcomes = outcomes_of(manifest_of(a=truth), [FileResult("a.wav", 60_000, "completed")], EvalConfig())
    bars = lane_columns(outcomes, "annotated")
    assert bars["left"].tolist() == [0.0, 0.3, 0.6]
    assert bars["top"][0] == bars["top"][2] < bars["bottom"][0] < 0.5 <= bars["top"][1] < bars["bottom"][1] < 1
    assert set(bars["color"]) == {LOOKS["miss"].color}
    assert lane_columns(outcomes, "detected")["text"] == []


def test_names_of_bars_that_begin_before_the_picture_are_inside_it():
    """And those of bars that end before it are outside."""
    truth = [Annotation(0, 5000, "click"), Annotation(1500, 2000, "echo"), Annotation(3000, 3500, "echo")]
    _, outcomes = outcomes_of(manifest_of(a=truth), [FileResult("a.wav", 60_000, "completed")], EvalConfig())
    assert lane_columns(outcomes, "annotated", from_ms=2000)["label_x"].tolist() == [2.0, 1.5, 3.0]


def test_many_bars_above_one_another_make_the_picture_higher():
    """Names have the room of a line each, whichever file is looked at."""
    four = [Annotation(100 * k, 1000, "click") for k in range(4)]
    manifest = manifest_of(a=[Annotation(0, 500, "click")], b=four)
    reviewed = review(manifest, {"a.wav": [], "b.wav": []})
    heights = {}
    for k, outcome in enumerate(reviewed.outcomes):
        reviewed.selected = k
        heights[outcome.filename] = reviewed._view.widget.properties["lanes"]["height"]
    assert heights == {"a.wav": 170, "b.wav": 290}


def test_kinds_differ_by_more_than_their_colour():
    """Each has a sign and a colour of its own, for readers and printers without colour."""
    assert len({look.sign for look in LOOKS.values()}) == len({look.color for look in LOOKS.values()}) == 5
    assert set(ERRORS) == set(LOOKS) - {"hit"}


@pytest.fixture
def folder(tmp_path):
    """Give a folder with the manifest as a file, and its audio: a ramp, so that each sample is known."""
    for name in ("a.wav", "b.wav"):
        save(tmp_path / name, Waveform((np.arange(160_000) % 20_000 / 32_768).astype(np.float32)))
    write_manifest(REFERENCE, tmp_path / "labels.json")
    return tmp_path


def test_the_waveform_of_the_chosen_file_is_drawn_and_played(folder):
    widget = review(folder / "labels.json", FOUND)
    widget._view._sound.done.wait(10)
    widget.selected = next(k for k, outcome in enumerate(widget.outcomes) if outcome.kind == "miss")
    widget._view._sound.done.wait(10)
    widget._view._draw_wave()
    x = numbers(widget._view.widget.data_wave["x"])
    assert x[0] < 8.0
    assert x[-1] == pytest.approx(10.0, abs=0.01)
    assert widget._view.widget.properties["chosen"] == {"left": 9.0, "right": 9.05}
    widget.play()
    content = base64.b64decode(re.search(r"base64,([^\"]+)", widget._player.value).group(1))
    played, rate = soundfile.read(io.BytesIO(content))
    assert len(played) / rate == pytest.approx(10.0 - 8.0, abs=0.06)  # from a second before, to the end of the file


def test_a_tap_on_a_bar_chooses_its_outcome():
    widget = compared()
    widget.selected = next(k for k, outcome in enumerate(widget.outcomes) if outcome.filename == "a.wav")
    bar = {"start": 5100, "end": 5900, "type": "click", "kind": "wrong type"}
    widget._view.widget._handle_custom_msg({"kind": "tap", "source": "detected", "row": bar}, [])
    assert widget.outcomes[widget.selected].kind == "wrong_type"


def test_of_bars_at_one_place_the_one_is_chosen_that_was_tapped():
    """The same click annotated twice: one is a hit, the other a miss."""
    widget = review(
        manifest_of(a=[Annotation(1000, 1100, "click")] * 2), {"a.wav": [Detection(1000, 1100, "click", 0.9)]}
    )
    for look in ("hit", "miss", "hit"):
        bar = {"start": 1000, "end": 1100, "type": "click", "kind": look}
        widget._view.widget._handle_custom_msg({"kind": "tap", "source": "annotated", "row": bar}, [])
        assert widget.outcomes[widget.selected].kind == look


def test_a_row_to_play_is_chosen_by_the_order_itself(folder):
    """The choice may reach the kernel after the order to play: it is held back while another waits for its answer."""
    widget = review(folder / "labels.json", FOUND)
    row = next(row for row in widget._list.rows if row["id"] != widget.selected)
    widget.selected = row["id"]
    widget._view._sound.done.wait(10)
    widget.selected = next(other["id"] for other in widget._list.rows if other != row)
    widget._list._handle_custom_msg({"kind": "play", "id": row["id"]}, [])
    widget._list.selected = row["id"]
    assert widget.selected == row["id"]
    assert "<audio" in widget._player.value


def test_without_audio_the_reason_is_said(tmp_path):
    widget = review(REFERENCE, FOUND, audio_root=tmp_path)
    assert "The file is not in" in widget._title.value
    widget.play()
    assert widget._player.value == ""


def test_audio_that_cannot_be_decoded_is_said(folder):
    (folder / "b.wav").write_text("no audio")
    widget = review(folder / "labels.json", FOUND)
    assert widget.outcomes[widget.selected].filename == "b.wav"
    assert "b.wav" in widget._player.value


def test_names_are_escaped():
    reference = Manifest((ArtifactType("<b>x"),), (AudioItem("<i>.wav", annotations=(Annotation(0, 9, "<b>x"),)),))
    widget = review(reference, {"<i>.wav": []})
    assert re.findall(r"<[bi]>x|<i>", widget._title.value) == []


def test_fixing_opens_the_annotator_there_and_compares_anew(folder):
    """The missed click is removed by the annotator: one miss less, also in the manifest file."""
    widget = review(folder / "labels.json", FOUND)
    miss = next(k for k, outcome in enumerate(widget.outcomes) if outcome.kind == "miss")
    widget.selected = miss
    widget.fix()
    annotator = widget.annotator
    assert annotator.sound["filename"] == "a.wav"
    assert annotator.view_ms[0] < 9000 < 9050 < annotator.view_ms[1]
    chosen = next(mark for mark in annotator.marks if mark["id"] == annotator.selected)
    assert (chosen["start_ms"], chosen["artifact_type"]) == (9000, "click")
    annotator._on_message(None, {"kind": "edit", "edit": {"do": "remove", "id": chosen["id"]}}, [])
    assert kind_counts(widget.outcomes)["miss"] == 0
    assert [row["kind"] for row in widget._list.rows] == ["false_alarm", "boundary", "wrong_type"]
    assert len(read_manifest(folder / "labels.json").audio[0].annotations) == 2
    annotator.close()


def test_a_false_alarm_that_is_none_is_accepted(folder):
    widget = review(folder / "labels.json", FOUND)
    assert widget.outcomes[widget.selected].kind == "false_alarm"
    widget.fix()
    annotator = widget.annotator
    annotator._on_message(None, {"kind": "edit", "edit": {"do": "accept", "id": annotator.selected}}, [])
    assert kind_counts(widget.outcomes) == {"hit": 2, "boundary": 1, "wrong_type": 1, "miss": 1, "false_alarm": 0}
    annotator.close()


@pytest.fixture
def corrected(folder):
    """Give a function that opens a review with the annotator at an outcome, and one that edits there."""
    opened = []

    def start(found, **annotations):
        write_manifest(manifest_of(**annotations), folder / "labels.json")
        opened.append(review(folder / "labels.json", found))
        return opened[-1], edit

    def edit(do, **fields):
        widget = opened[-1]
        widget.annotator._on_message(None, {"kind": "edit", "edit": {"do": do, **fields}}, [])

    yield start
    for widget in opened:
        if widget.annotator is not None:
            widget.annotator.close()


def chosen(widget):
    return None if widget.selected is None else widget.outcomes[widget.selected]


def clicks(*starts_ms):
    return [Annotation(start_ms, start_ms + 40, "click") for start_ms in starts_ms]


def test_when_the_last_outcome_goes_nothing_is_left_to_see(corrected):
    """The miss that is removed was the only one; a tap on its bar that comes late finds nothing, and work goes on."""
    widget, edit = corrected({"a.wav": []}, a=clicks(300))
    widget.fix()
    view = widget._view.widget
    edit("remove", id=widget.annotator.selected)
    assert (widget.selected, widget._list.selected, widget._title.value, widget._player.value) == (None, None, "", "")
    assert len(numbers(view.data_annotated["left"])) == len(numbers(view.data_detected["left"])) == 0
    assert view.properties["chosen"] == {"left": 0.0, "right": 0.0}
    assert view.data_wave["x"] == []
    bar = {"start": 300, "end": 340, "type": "click", "kind": "miss"}
    view._handle_custom_msg({"kind": "tap", "source": "annotated", "row": bar}, [])
    assert widget.selected is None
    edit("draw", start_ms=500, end_ms=600, artifact_type="click")
    assert [row["kind"] for row in widget._list.rows] == ["miss"]
    widget.step(1)
    assert "500–600 ms" in widget._title.value


def test_what_is_none_of_the_outcomes_cannot_be_chosen():
    widget = compared()
    with pytest.raises(ParameterError, match="selected=5 is none of the 5 outcomes"):
        widget.selected = 5
    assert widget.selected != 5


def test_orders_given_on_an_older_list_are_dropped(corrected):
    """Of four misses the first is removed: what was the third row is another outcome now, and the list is put right."""
    widget, edit = corrected({"a.wav": []}, a=clicks(1000, 3000, 5000, 7000))
    widget.fix()
    before = [row["id"] for row in widget._list.rows]
    edit("remove", id=widget.annotator.selected)
    selected, sent = widget.selected, []
    assert selected is not None
    widget._list.send_state = lambda key: sent.append(key)
    for row_id in before:
        widget._list.set_state({"selected": row_id})
        widget._list._handle_custom_msg({"kind": "play", "id": row_id}, [])
        assert widget.selected == selected
    assert sent == ["selected"] * 4
    now = widget._list.rows[2]
    assert now["at"] == "0:07.000"
    widget._list.set_state({"selected": now["id"]})
    assert chosen(widget).start_ms == 7000


def test_fixing_alone_leaves_the_choice_as_it_is(corrected):
    """Also where it takes the annotator to another file, and a hit lies at the same place."""
    found = [Detection(100, 300, "click", 0.9), Detection(100, 300, "echo", 0.8)]
    truth = [Annotation(100, 300, "click")]
    widget, _ = corrected({"a.wav": found, "b.wav": found}, a=truth, b=[*truth, *clicks(700)])
    for name in ("a.wav", "b.wav"):
        alarm = next(k for k, o in enumerate(widget.outcomes) if (o.filename, o.kind) == (name, "false_alarm"))
        widget.selected = alarm
        widget.fix()
        assert widget.selected == alarm


def test_an_outcome_is_found_again_by_what_it_is_of():
    """An equal one, then the same detection, then the nearest."""
    _, (miss, alarm, other) = outcomes_of(
        manifest_of(a=[Annotation(100, 300, "click")]),
        results_given({"a.wav": [Detection(400, 500, "click", 0.9), Detection(2000, 2100, "echo", 0.7)], "b.wav": []}),
        EvalConfig(collar_ms=0),
    )
    _, (joined, last) = outcomes_of(
        manifest_of(a=[Annotation(300, 600, "click")]),
        results_given({"a.wav": [alarm.detection, other.detection], "b.wav": []}),
        EvalConfig(collar_ms=0),
    )
    assert joined.kind == "boundary"
    assert nearest([joined, last], alarm) == 0
    assert nearest([alarm, last, other], other) in (1, 2)
    assert nearest([joined, last], miss) == 0
    assert nearest([replace(joined, filename="b.wav")], alarm) is None
    same_place = [replace(alarm, detection=replace(alarm.detection, artifact_type="echo")), alarm]
    assert nearest(same_place, alarm) == 1


@pytest.mark.parametrize(("by", "expected_ms"), [(1, 1600), (-1, 800), (2, 2000), (-9, 400)])
def test_after_a_correction_the_next_row_is_the_next(corrected, by, expected_ms):
    """A label is put right, and its row leaves the list; the list goes on from where it was."""
    found = [Detection(at, at + 40, "echo", 0.9) for at in (400, 800, 1200, 1600, 2000)]
    widget, edit = corrected({"a.wav": found}, a=clicks(400, 800, 1200, 1600, 2000))
    widget.listing = Listing(sort_by="place", descending=False)
    widget.step(2)
    assert chosen(widget).start_ms == 1200
    widget.fix()
    edit("change", id=widget.annotator.selected, artifact_type="echo")
    assert (chosen(widget).start_ms, chosen(widget).kind) == (1200, "hit")
    assert len(widget._list.rows) == 4
    widget.step(by)
    assert chosen(widget).start_ms == expected_ms


def test_after_a_label_was_removed_the_next_row_is_the_next(corrected):
    """Not the one after its neighbour in the file, which is shown for want of it; nor do later corrections matter."""
    widget, edit = corrected({"a.wav": []}, a=[*clicks(400, 1200), Annotation(4000, 4900, "echo"), *clicks(5000, 9000)])
    widget.listing = Listing(sort_by="duration")
    widget.step(2)
    assert chosen(widget).start_ms == 5000
    widget.fix()
    edit("remove", id=widget.annotator.selected)
    assert (chosen(widget).start_ms, widget._list.rows[0]["at"]) == (4000, "0:04.000")
    edit("draw", start_ms=9500, end_ms=9510, artifact_type="click")
    widget.step(1)
    assert chosen(widget).start_ms == 9000


def test_a_label_that_was_moved_stays_the_chosen_row(corrected):
    widget, edit = corrected({"a.wav": []}, a=clicks(400, 1200, 5000))
    widget.listing = Listing(sort_by="place", descending=False)
    widget.step(1)
    widget.fix()
    edit("change", id=widget.annotator.selected, start_ms=1190)
    assert chosen(widget).start_ms == 1190
    widget.step(1)
    assert chosen(widget).start_ms == 5000


def test_what_is_hidden_by_a_filter_is_followed_by_the_first_row():
    widget = compared()
    widget.step(2)
    widget.listing = Listing(("hit", "miss"))
    widget.step(1)
    assert chosen(widget).kind == "hit"


def test_the_list_says_how_long_it_is():
    assert repr(ReviewList(n_rows=3)) == "ReviewList(3 rows)"
