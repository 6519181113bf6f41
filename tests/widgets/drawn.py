"""Random marks and edits of them, for the laws that hold for all."""

from contextlib import suppress

from hypothesis import strategies as st

from relaylib.errors import ParameterError
from relaylib.types import Annotation, Detection
from relaylib.widgets.editing import Accept, Change, Draw, Nudge, Reject, Remove, Rules, apply
from relaylib.widgets.marks import marks_of

TYPES = ("glitch", "echo")
LAST_MS = 1000
RULES = Rules(LAST_MS, TYPES)

_TYPE = st.sampled_from(TYPES)
_ID = st.integers(1, 8)
_MS = st.integers(-200, LAST_MS + 200)
_CONFIDENCE = st.floats(0, 1)


@st.composite
def spans(draw, kind, **fields):
    start_ms = draw(st.integers(0, LAST_MS - 1))
    end_ms = draw(st.integers(start_ms + 1, LAST_MS))
    return draw(st.builds(kind, st.just(start_ms), st.just(end_ms), _TYPE, _CONFIDENCE, **fields))


NOTES = st.sampled_from([None, {"note": "soft"}, {"note": "", "n": 3}])
ANNOTATION = spans(Annotation, extra_data=NOTES)
ANNOTATIONS = st.lists(ANNOTATION, max_size=4)
DETECTIONS = st.lists(spans(Detection), max_size=4)
MARKS = st.builds(marks_of, ANNOTATIONS, DETECTIONS, by=st.sampled_from([None, "first"]))


_FIELDS = {
    "start_ms": _MS,
    "end_ms": _MS,
    "artifact_type": _TYPE,
    "confidence": _CONFIDENCE,
    "extra_data": NOTES,
}
_CHANGES = st.builds(
    lambda mark_id, fields: Change(mark_id, **fields), _ID, st.fixed_dictionaries({}, optional=_FIELDS)
)

EDITS = st.one_of(
    st.builds(Draw, _MS, _MS, _TYPE),
    _CHANGES,
    st.builds(Nudge, _ID, st.integers(-300, 300), st.sampled_from(["both", "start", "end"])),
    st.builds(Remove, _ID),
    st.builds(Accept, _ID),
    st.builds(Reject, _ID),
)


def after(marks, edits):
    """Return the marks after each of `edits` that changes something; those that make no sense are passed over."""
    states = []
    for edit in edits:
        with suppress(ParameterError):
            changed = apply(marks, edit, RULES)
            states += [changed] if changed != marks else []
            marks = changed
    return states
