"""How fast scores become detections: relaylib's decode against a plain loop over frames.

10 hours of 8 types, dense with events (random walks through a sigmoid), with hysteresis, merging and a minimum
duration. The loop goes over ``.tolist()``, the fastest way to walk an array in Python, and makes the same list of
detections; that both are equal is checked. Pairs are interleaved, so that what else the machine does meets both
alike, and it is processor time that counts: both use one thread. As in timeit, the garbage collector rests while the
clock runs, unless --gc is given: it goes through all objects of the process while either makes its detections. The
ratio is the median over pairs, its spread the quartiles.

    python benchmarks/decode.py [--hours 10] [--pairs 7] [--gc] [--json FILE]
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.signal import lfilter

from relaylib.postprocess import decode
from relaylib.types import HOP_MS, DecodeConfig, Detection, Scores

TYPES = tuple(f"type {k}" for k in range(8))
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


def seconds(call: Callable[[], object], *, collecting: bool) -> float:
    """Return the processor time that a call takes."""
    gc.collect()
    if not collecting:
        gc.disable()
    start = time.process_time()
    call()
    spent = time.process_time() - start
    gc.enable()
    return spent


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
    ways = (lambda: decode(scores, CONFIG), lambda: loop(scores, CONFIG))
    times = np.empty((options.pairs, 2))
    for i in range(options.pairs):
        for which in (0, 1) if i % 2 else (1, 0):
            times[i, which] = seconds(ways[which], collecting=options.gc)
    low, ratio, high = np.percentile(times[:, 1] / times[:, 0], [25, 50, 75])
    ours, theirs = np.median(times, axis=0)
    print(
        f"{options.hours:g} h x {len(TYPES)} types, {len(found)} detections, equal; {options.pairs} interleaved pairs"
    )
    print(f"{'relaylib decode':18}{ours * 1e3:9.0f} ms   {times[:, 0].min() * 1e3:.0f}-{times[:, 0].max() * 1e3:.0f}")
    print(f"{'python loop':18}{theirs * 1e3:9.0f} ms   {times[:, 1].min() * 1e3:.0f}-{times[:, 1].max() * 1e3:.0f}")
    print(f"{'times as fast':18}{ratio:9.2f}      quartiles {low:.2f}-{high:.2f}")
    if options.json:
        report = {
            "hours": options.hours,
            "n_types": len(TYPES),
            "n_detections": len(found),
            "pairs": options.pairs,
            "gc": options.gc,
            "ours_s": ours,
            "loop_s": theirs,
            "ratio": ratio,
            "ratio_q25": low,
            "ratio_q75": high,
        }
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
