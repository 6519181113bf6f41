"""How fast scores become detections: relaylib's decode against a plain loop over frames.

10 hours of 8 types, dense with events (random walks through a sigmoid), with hysteresis, merging and a minimum
duration. The loop goes over ``.tolist()``, the fastest way to walk an array in Python, and makes the same list of
detections; that both are equal is checked. It is processor time that counts: both use one thread. As in timeit, the
garbage collector rests while the clock runs, unless --gc is given: it goes through all objects of the process while
either makes its detections.

Before that, narrow peaks are removed from each curve. The peer is the grey opening of ``scipy.ndimage``.

    python benchmarks/decode.py [--hours 10] [--pairs 7] [--gc] [--json FILE]
"""

from __future__ import annotations

import argparse
import gc
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from lib.pairs import HEADING, compare, write_report
from scipy import ndimage
from scipy.signal import lfilter

from relaylib.postprocess import decode
from relaylib.postprocess.smooth import open_scores
from relaylib.types import HOP_MS, DecodeConfig, Detection, Scores

FloatArray = npt.NDArray[np.float32]

TYPES = tuple(f"type {k}" for k in range(8))
WIDTH = 20  # frames: peaks up to 400 ms
# sixteenths: exact in float32, so that the loop's comparisons in double precision are the same
CONFIG = DecodeConfig(threshold=0.625, low_threshold=0.375, merge_window_ms=200, min_duration_ms=50)


def walks(hours: float) -> Scores:
    """Return the sigmoid of random walks that are drawn back to the middle: about 1300 detections an hour and type."""
    rng = np.random.default_rng(0)
    n_frames = round(hours * 3.6e6 / HOP_MS)
    values = np.empty((n_frames, len(TYPES)), np.float32)
    for column in values.T:
        walk = lfilter([0.3], [1.0, -0.98], rng.standard_normal(n_frames, np.float32))
        column[:] = 1.0 / (1.0 + np.exp(-1.5 * walk))
    return Scores(values, TYPES, n_frames * HOP_MS)


def loop(scores: Scores, config: DecodeConfig) -> list[Detection]:
    """Return what :func:`relaylib.postprocess.decode` returns, one frame after the other."""
    high, low, hop_ms, end_ms = config.threshold, config.low_threshold, scores.hop_ms, scores.duration_ms
    window, least = config.merge_window_ms, config.min_duration_ms
    assert low is not None
    found = []
    for k, name in enumerate(scores.artifact_types):
        column = scores.values[:, k].tolist()
        column.append(-1.0)
        start, peak = -1, 0.0
        open_ms, close_ms, best = -1, -1, 0.0
        for i, score in enumerate(column):
            if score >= low:
                if start < 0:
                    start, peak = i, score
                elif score > peak:
                    peak = score
            elif start >= 0:
                if peak >= high:
                    start_ms = start * hop_ms
                    stop_ms = end_ms if i == len(column) - 1 else i * hop_ms
                    if open_ms >= 0 and start_ms - close_ms <= window:
                        close_ms = stop_ms
                        best = max(best, peak)
                    else:
                        if open_ms >= 0 and close_ms - open_ms >= least:
                            found.append(Detection(open_ms, close_ms, name, best))
                        open_ms, close_ms, best = start_ms, stop_ms, peak
                start = -1
        if open_ms >= 0 and close_ms - open_ms >= least:
            found.append(Detection(open_ms, close_ms, name, best))
    found.sort(key=lambda d: (d.start_ms, d.end_ms, d.artifact_type))
    return found


def opened(scores: Scores) -> FloatArray:
    """Return what :func:`relaylib.postprocess.smooth.open_scores` returns, by SciPy."""
    padded = np.pad(scores.values, ((WIDTH, WIDTH), (0, 0)), mode="edge")
    columns = [ndimage.grey_opening(column, size=WIDTH)[WIDTH:-WIDTH] for column in np.ascontiguousarray(padded.T)]
    return np.stack(columns, axis=1)


def main() -> None:
    """Check that both agree, time them in pairs and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=10.0, help="length of the recording")
    parser.add_argument("--pairs", type=int, default=7, help="timed pairs")
    parser.add_argument("--gc", action="store_true", help="let the garbage collector run meanwhile")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()

    scores = walks(options.hours)
    found = decode(scores, CONFIG)
    assert found == loop(scores, CONFIG), "decode and the loop disagree"
    what = f"scores to {len(found)} detections, {options.hours:g} h x {len(TYPES)}"
    if not options.gc:
        gc.disable()
    row = compare(
        what,
        lambda: decode(scores, CONFIG),
        "loop over a list",
        lambda: loop(scores, CONFIG),
        options.pairs,
        clock=time.process_time,
    )
    gc.enable()
    print(HEADING, row, sep="\n")
    widths = [WIDTH] * len(TYPES)
    assert np.array_equal(open_scores(scores.values, widths), opened(scores)), "the openings disagree"
    narrow = compare(
        f"narrow peaks removed, {options.hours:g} h x {len(TYPES)}",
        lambda: open_scores(scores.values, widths),
        "scipy.ndimage.grey_opening",
        lambda: opened(scores),
        options.pairs,
        clock=time.process_time,
    )
    print(narrow)
    if options.json:
        write_report(options.json, [row, narrow], {"gc": options.gc})


if __name__ == "__main__":
    main()
