"""Where an event begins and ends, which frames only tell roughly: clicks, holes and the edges of silences show."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relaylib.postprocess.levels import STEPS_PER_DB, power_of
from relaylib.postprocess.runs import IntArray, active_runs
from relaylib.types import Levels

__all__ = ["located"]

FloatArray = npt.NDArray[np.float64]
Steps = npt.NDArray[np.uint8]

_USUAL = 0.9  # of the ms somewhere so many are no louder than what counts as usual there
_LONGEST_CLICK_MS = 150

_AROUND_MS = 100
_LEAST_DB = 3.0
_BELOW_PEAK_DB = 10.0

_REACH_MS = 40  # frames are told by what is around them, so edges are off by up to two

_LONGEST_HOLE_MS = _LONGEST_CLICK_MS + 2 * _REACH_MS
_SHORTEST_HOLE_MS = 8  # between the periods of a voice it is quiet too
_BESIDE_HOLE_MS = 10  # a period of a voice
_BELOW_USUAL_DB = 20.0
_FALL_DB = 25.0  # within 2 ms; what fades takes longer
_FALL_OF_DETAIL_DB = 40.0  # speech ends by less

_AROUND_SILENCE_MS = 300
_SMOOTH_MS = 5  # about a period of a voice
_LOUDER = 1e2  # 20 dB
_ABOVE_SILENCE = 2.0  # 3 dB
_BELOW_SOUND = 1e-4  # 40 dB


def located(starts: IntArray, ends: IntArray, levels: Levels, min_duration_ms: int = 0) -> tuple[IntArray, IntArray]:
    """Return spans of one type with the edges that the signal shows, where it shows them.

    A span of at most 230 ms in which sound is torn away, and comes back as suddenly, becomes that hole, or what reaches
    from the first to the last of several. A hole is a stretch of 8 ms or more that is quieter by 20 dB than what is
    usual there and, but for 2 ms at its ends, by 25 dB than most of the 10 ms before it and of those behind it; it goes
    on for at most 40 ms outside the span. Where there is none, detail that is torn away by 40 dB is a hole too: a
    sample that is held, at whatever level.

    Any other of at most 150 ms becomes what reaches from the first to the last ms whose detail is within 10 dB of the
    loudest, if that is louder by 3 dB or more than nine in ten of the ms around the span.

    A longer one is taken for a silence where nine in ten of its ms are quieter by 20 dB than the loudest tenth of the
    300 ms before or after it. Its edge there goes to where the sound ends or begins, at most 40 ms away: where power,
    smoothed over 5 ms, passes 3 dB above the silence, or 40 dB below the sound, whichever is louder.

    The others stay as they are, as do all edges with nothing beside them.

    Parameters
    ----------
    starts, ends : np.ndarray [shape=(n,), int]
        In ms, ascending, not overlapping; so are those returned.
    levels : Levels
        Of the recording.
    min_duration_ms : int >= 0
        Spans that were as long stay as long at least: what stands out in a short one is in its middle, as far as the
        span reaches.
    """
    starts, ends = starts.copy(), ends.copy()
    for k, span in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        before = int(ends[k - 1]) if k else 0
        after = int(starts[k + 1]) if k + 1 < len(starts) else len(levels.power)
        starts[k], ends[k] = _located(span, levels, (before, after), min_duration_ms)
    return starts, ends


def _located(span: tuple[int, int], levels: Levels, between: tuple[int, int], least_ms: int) -> tuple[int, int]:
    """Return the span with the edges that the signal shows between two places."""
    start, end = span
    if end - start <= _LONGEST_HOLE_MS:
        hole = _hole(span, levels.power, between, _FALL_DB) or _hole(span, levels.detail, between, _FALL_OF_DETAIL_DB)
        if hole:
            return _widened(*hole, (min(start, hole[0]), max(end, hole[1])), min(least_ms, end - start))
    if end - start <= _LONGEST_CLICK_MS:
        return _click(span, levels.detail, least_ms)
    found = _silence(span, levels.power, between)
    return found if found[1] - found[0] >= least_ms else span


def _hole(span: tuple[int, int], levels: Steps, between: tuple[int, int], fall_db: float) -> tuple[int, int] | None:
    """Return from where to where levels are torn away in a span, by `fall_db` at least; None if they are not.

    The span may be off by two frames, but not reach beyond two places.
    """
    start, end = span
    first = max(0, start - _AROUND_MS)
    near = levels[first : end + _AROUND_MS].astype(np.int16)
    if len(near) < _SHORTEST_HOLE_MS:
        return None
    usual = np.partition(near, at := int(_USUAL * len(near)))[at]
    earliest, latest = max(between[0], start - _REACH_MS), min(between[1], end + _REACH_MS)
    torn = [
        # somewhere in the ms before it begins, and in that behind its last
        (first + int(opens) - 1, first + int(closes) + 1)
        for opens, closes in zip(*active_runs(near <= usual - _BELOW_USUAL_DB * STEPS_PER_DB), strict=True)
        if closes - opens >= _SHORTEST_HOLE_MS and _fall(near, opens, closes) >= fall_db * STEPS_PER_DB
    ]
    holes = [hole for hole in torn if earliest <= hole[0] < end and start < hole[1] <= latest]
    return (holes[0][0], holes[-1][1]) if holes else None


def _fall(levels: npt.NDArray[np.int16], opens: int, closes: int) -> float:
    """Return by how much levels fall where a quiet stretch begins, and rise where it ends, within 2 ms."""
    if opens < _BESIDE_HOLE_MS or closes > len(levels) - _BESIDE_HOLE_MS:
        return 0.0
    before, behind = levels[opens - _BESIDE_HOLE_MS : opens], levels[closes : closes + _BESIDE_HOLE_MS]
    loud = min(np.median(before), np.median(behind))  # of most of it: a click beside silence is no sound that ends
    return float(loud - levels[opens + 2 : closes - 2].max())


def _click(span: tuple[int, int], detail: Steps, least_ms: int) -> tuple[int, int]:
    start, end = span
    around = np.concatenate([detail[max(0, start - _AROUND_MS) : start], detail[end : end + _AROUND_MS]])
    inside = detail[start:end].astype(np.float64)
    if not len(around) or not len(inside):
        return span
    usual = float(np.quantile(around, _USUAL))
    if inside.max() < usual + _LEAST_DB * STEPS_PER_DB:
        return span
    loud = np.flatnonzero(inside >= max(usual, inside.max() - _BELOW_PEAK_DB * STEPS_PER_DB))
    return _widened(start + int(loud[0]), start + int(loud[-1]) + 1, span, least_ms)


def _widened(start: int, end: int, within: tuple[int, int], least: int) -> tuple[int, int]:
    """Return a span that is as long as `least`, or as what it lies within if that is shorter, evenly to both sides."""
    length = max(end - start, min(least, within[1] - within[0]))
    first = min(max(within[0], start - (length - (end - start)) // 2), within[1] - length)
    return first, first + length


def _silence(span: tuple[int, int], levels: Steps, between: tuple[int, int]) -> tuple[int, int]:
    """Return the span with the edges of the sound around it, which are looked for between two places."""
    if len(levels) <= span[0] + _REACH_MS:
        return span
    first = max(0, span[0] - _AROUND_SILENCE_MS)
    power = power_of(levels[first : span[1] + _AROUND_SILENCE_MS])
    power = np.convolve(power, np.full(_SMOOTH_MS, 1.0 / _SMOOTH_MS), "same")
    start, end = span[0] - first, span[1] - first
    quiet = float(np.quantile(power[start + _REACH_MS : end - _REACH_MS], _USUAL))
    later = _edge(power, start, quiet, span[0] - between[0]) - start
    sooner = _edge(power[::-1], len(power) - end, quiet, between[1] - span[1]) - (len(power) - end)
    return span[0] + later, span[1] - sooner


def _edge(power: FloatArray, edge: int, quiet: float, room: int) -> int:
    """Return where the sound before a silence ends: near an edge, and not further before it than there is room."""
    around = power[max(0, edge - _AROUND_SILENCE_MS) : max(0, edge)]
    loud = float(np.quantile(around, _USUAL)) if len(around) else 0.0
    if loud < _LOUDER * quiet:
        return edge
    first = max(0, edge - min(_REACH_MS, room))
    passed = np.flatnonzero(power[first : edge + _REACH_MS] >= max(_ABOVE_SILENCE * quiet, _BELOW_SOUND * loud))
    return first + int(passed[-1]) + 1 if len(passed) else edge
