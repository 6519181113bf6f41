import numpy as np
import pytest

from relaylib.models.held_out import Labelled
from relaylib.models.operating_point import OperatingPoint, apply_points, of_member, points_of_average
from relaylib.models.tuning import shape_candidates, tune_point, tune_points
from relaylib.postprocess import decode
from relaylib.types import Annotation, DecodeConfig, Scores


def recording(levels, *, n_frames=1000, base=-6.0, kinds=None):
    """Return a recording with an event of 10 frames per level, real ones annotated and others not.

    `levels` are pairs of logit and whether it is an event; they come every 100 frames.
    """
    logits = np.full((n_frames, 1), base, np.float32)
    spans = []
    for k, (level, real) in enumerate(levels):
        start = 50 + 100 * k
        logits[start : start + 10] = level
        if real:
            spans.append(Annotation(start * 20, (start + 10) * 20, (kinds or {}).get(k, "echo")))
    return Labelled(logits, tuple(spans), n_frames * 20)


def detections(item, points):
    return decode(Scores(apply_points(item.logits, points), ("echo",), item.duration_ms))


def test_a_threshold_known_by_construction_is_found():
    """Events at a logit of 4, and stray peaks at 2: the point lies between, and its F1 is 1."""
    items = [recording([(4.0, True), (2.0, False), (4.0, True), (2.0, False)]) for _ in range(3)]
    point, f1 = tune_point(items, 0, "echo", [OperatingPoint()], 30.0)
    assert 2.0 < point.logit <= 4.0
    assert f1 == 1.0


def test_of_thresholds_that_do_equally_well_it_is_the_middle_one():
    """Events at 4, strays at -1: all between are perfect, and a speaker a little louder or softer changes nothing."""
    items = [recording([(4.0, True), (-1.0, False)] * 3) for _ in range(4)]
    point, f1 = tune_point(items, 0, "echo", [OperatingPoint()], 30.0)
    assert f1 == 1.0
    assert abs(point.logit - 1.5) <= 0.5


def test_events_of_any_level_are_found_where_nothing_strays():
    items = [recording([(level, True)]) for level in (0.5, 1.5, 2.5, 3.5)]
    point, f1 = tune_point(items, 0, "echo", [OperatingPoint()], 30.0)
    assert point.logit <= 0.5
    assert f1 == 1.0


@pytest.mark.parametrize("logit", [-2.5, 0.0, 3.0])
def test_a_score_of_one_half_is_the_operating_point(logit):
    """Scores keep the order of the logits, and 0.5 lies where the point does."""
    logits = np.linspace(-8, 8, 801, dtype=np.float32)[:, None]
    scores = apply_points(logits, [OperatingPoint(logit)])
    assert scores.dtype == np.float32
    assert (np.diff(scores[:, 0]) >= 0).all()
    np.testing.assert_array_equal(scores[:, 0] >= 0.5, logits[:, 0] >= np.float32(logit))
    assert 0 <= scores.min() < scores.max() <= 1


def test_extreme_logits_give_scores_not_warnings():
    with np.errstate(all="raise"):
        scores = apply_points(np.array([[-1e30], [1e30]], np.float32), [OperatingPoint(5.0)])
    assert scores[:, 0].tolist() == pytest.approx([0.0, 1.0], abs=1e-6)


def test_points_belong_to_their_columns():
    logits = np.zeros((5, 2), np.float32)
    scores = apply_points(logits, [OperatingPoint(-2.0), OperatingPoint(2.0)])
    assert (scores[:, 0] > 0.5).all()
    assert (scores[:, 1] < 0.5).all()


def test_detecting_at_one_half_finds_what_tuning_saw():
    """What tuning chose from is what the default decoding gives."""
    items = [recording([(3.0, True), (1.0, False), (5.0, True)]) for _ in range(2)]
    (point,) = tune_points(items, ["echo"], [[OperatingPoint()]], 30.0)
    for item in items:
        found = detections(item, [point])
        assert [(d.start_ms, d.end_ms) for d in found] == [(a.start_ms, a.end_ms) for a in item.annotations]


def test_narrow_peaks_are_removed_at_any_threshold():
    """With a minimum of 5 frames, a louder peak of 4 frames is no detection at 0.5 nor at 0.1."""
    logits = np.full((200, 1), -6.0, np.float32)
    logits[50:60], logits[100:104] = 3.0, 6.0
    scores = Scores(apply_points(logits, [OperatingPoint(0.0, min_frames=5)]), ("echo",), 4000)
    for threshold in (0.1, 0.5, 0.9):
        assert [d.start_ms for d in decode(scores, DecodeConfig(threshold=threshold))] == [1000]


def test_short_events_are_spread_so_that_the_default_minimum_keeps_them():
    """A click of one frame (20 ms) is reported at the default minimum of 50 ms; the candidates see to it."""
    clicks = [Annotation(1000 * k, 1000 * k + 2, "click") for k in range(5)]
    candidates = shape_candidates(clicks, "click")
    logits = np.full((100, 1), -6.0, np.float32)
    logits[40] = 5.0
    for point in candidates:
        assert point.min_frames == 1
        assert decode(Scores(apply_points(logits, [point]), ("click",), 2000))


def test_candidates_leave_long_events_room():
    """No minimum duration is longer than the short ones among the events, and doing nothing is tried too."""
    pauses = [Annotation(0, 400, "pause"), Annotation(1000, 2000, "pause"), Annotation(3000, 4500, "pause")]
    widths = [point.min_frames for point in shape_candidates(pauses, "pause")]
    assert widths[0] == 1
    assert 1 < max(widths) <= 20
    assert all(point.reach == 0 for point in shape_candidates(pauses, "pause"))
    assert shape_candidates([], "pause")


def test_a_minimum_duration_is_chosen_where_it_separates():
    """Stray peaks as loud as events but of 4 frames: only a minimum tells them apart."""
    item = recording([(4.0, True)] * 4)
    logits = item.logits.copy()
    for start in range(500, 900, 40):
        logits[start : start + 4] = 4.0
    item = Labelled(logits, item.annotations, item.duration_ms)
    shapes = [OperatingPoint(min_frames=width) for width in (1, 3, 5, 7)]
    point, f1 = tune_point([item] * 2, 0, "echo", shapes, 30.0)
    assert 5 <= point.min_frames <= 7
    assert f1 == 1.0


def test_a_smaller_budget_of_false_alarms_never_allows_more():
    """Strays at many levels: the fewer alarms allowed, the higher the threshold, and none but the budget changed."""
    rng = np.random.default_rng(0)
    items = [recording([(rng.normal(2.5, 1.0), bool(k % 2)) for k in range(9)]) for _ in range(8)]
    logits = [tune_point(items, 0, "echo", [OperatingPoint()], budget)[0].logit for budget in (1e6, 100.0, 1.0, 1e-3)]
    assert logits == sorted(logits)


def test_one_false_alarm_in_a_minute_says_little_twenty_in_twenty_minutes_say_much():
    """By hand: low is worth 14/15 - 8/11 = 0.2 of F1; it costs 0.1 log2((1 + 1) / 1), or 0.1 log2((20 + 1) / 1)."""
    item = recording([(4.0, True)] * 4 + [(1.0, True)] * 3 + [(1.0, False)])
    few, many = (tune_point([item] * n, 0, "echo", [OperatingPoint()], 1e-6)[0].logit for n in (1, 20))
    assert few <= 1.0 < many


def test_few_events_hardly_move_a_threshold_that_is_known_and_many_do():
    """By hand: all from -3 to 3.5 find both events; half a logit off costs 0.4 * 0.25 / 2 = 0.05, which counts."""
    item = recording([(4.0, True)] * 2)
    few, many = (tune_point([item] * n, 0, "echo", [OperatingPoint()], 30.0, 2.5)[0].logit for n in (1, 100))
    assert few == 2.5
    assert many < few
    (there,) = tune_points([item], ["echo"], [[OperatingPoint()]], 30.0, {"echo": 2.5, "click": 0.0})
    assert there.logit == few


def test_a_threshold_that_few_events_speak_against_is_left():
    """Half of the events lie below it: 0.33 of F1, against 0.4 * 2.5**2 / 8 = 0.31 for two and a half logits."""
    item = recording([(4.0, True)] * 4 + [(0.3, True)] * 4)
    assert tune_point([item], 0, "echo", [OperatingPoint()], 30.0, 2.0)[0].logit <= 0.5


def test_a_type_without_validation_events_keeps_the_neutral_point():
    items = [recording([(3.0, False)])]
    assert tune_point(items, 0, "echo", [OperatingPoint(min_frames=7)], 30.0) == (OperatingPoint(), 0.0)


def test_types_are_tuned_each_for_itself():
    """The threshold of one does not depend on what the other's scores are."""
    one, other = recording([(4.0, True), (2.0, False)]), recording([(1.0, True), (-2.0, False)], kinds={0: "click"})
    both = Labelled(np.hstack([one.logits, other.logits]), one.annotations + other.annotations, one.duration_ms)
    points = tune_points([both] * 2, ["echo", "click"], [[OperatingPoint()]] * 2, 30.0)
    assert 2.0 < points[0].logit <= 4.0
    assert -2.0 < points[1].logit <= 1.0


@pytest.mark.parametrize(
    ("n", "agreement", "factor"), [(4, 0.0, 0.5), (4, 1.0, 1.0), (1, 0.0, 1.0), (3, 0.25, 0.5**0.5)]
)
def test_an_average_is_quieter_the_more_its_members_err_apart(n, agreement, factor):
    """Thresholds above zero come down by the deviation of a mean of `n` that correlate; those below stay."""
    points = [OperatingPoint(2.0, 3, 1), OperatingPoint(-1.0)]
    scaled = points_of_average(points, n, agreement)
    assert scaled[0].logit == pytest.approx(2.0 * factor)
    assert (scaled[0].min_frames, scaled[0].reach) == (3, 1)
    assert scaled[1] == points[1]
    assert [of_member(point.logit, n, agreement) for point in scaled] == pytest.approx([p.logit for p in points])
