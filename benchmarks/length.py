"""What a second of audio costs as recordings get longer: time, and the peak memory of the process.

Each figure comes from a fresh process, which loads a base-sized model with random weights and embeds noise that it
makes block by block; what is timed is embedding, after a clip of 20 s to warm up. The peer is transformers in float32
on the whole recording, up to a length that its memory lets it have. Lengths take turns, so that what else the machine
does meets all alike.

    python benchmarks/length.py [--seconds 20 60 120 600] [--peer-up-to 120] [--runs 3] [--model wav2vec2-base]
                                [--plot FILE.png] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from embed import MODELS, make_checkpoint, plain, quiet
from lib.pairs import write_report

from relaylib.models import embed_stream, load_encoder
from relaylib.types import SAMPLE_RATE

FloatArray = npt.NDArray[np.float32]
WARM_UP_S = 20


class Noise:
    """Seconds of noise in blocks of one second, the same whenever it is read."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def __iter__(self) -> Iterator[FloatArray]:
        rng = np.random.default_rng(0)
        for _ in range(self.seconds):
            yield rng.standard_normal(SAMPLE_RATE, dtype=np.float32)


def measure(who: str, folder: Path, seconds: int) -> dict[str, Any]:
    """Embed once in this process; return seconds of work for a second of audio, and the peak memory in MB."""
    quiet()
    if who == "relaylib":
        encoder = load_encoder(folder)

        def run(noise: Noise) -> int:
            return sum(map(len, embed_stream(noise, encoder)))

    else:
        encode = plain(folder, "cpu")

        def run(noise: Noise) -> int:
            return len(encode(np.concatenate(list(noise))))

    run(Noise(WARM_UP_S))
    start = time.perf_counter()
    n_frames = run(Noise(seconds))
    took = time.perf_counter() - start
    assert n_frames == (seconds * SAMPLE_RATE - 400) // 320 + 1
    return {"cost": took / seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def in_fresh_process(who: str, folder: Path, seconds: int) -> dict[str, Any]:
    """Return what a process of its own measures."""
    command = [sys.executable, __file__, "--child", who, str(folder), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def plot(table: dict[str, dict[int, dict[str, Any]]], path: Path) -> None:
    """Draw cost and memory against length."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for who, marker in (("relaylib", "o-"), ("transformers fp32", "s--")):
        of = table.get(who, {})
        axes[0].plot(list(of), [1 / row["cost"] for row in of.values()], marker, label=who)
        axes[1].plot(list(of), [row["peak_mb"] / 1000 for row in of.values()], marker, label=who)
    for axis, title in zip(axes, ("times as fast as real time", "peak memory of the process, GB"), strict=True):
        lengths = sorted({seconds for of in table.values() for seconds in of})
        axis.set(xscale="log", xlabel="length of the recording, s", title=title)
        axis.set_ylim(0, axis.get_ylim()[1] * 1.05)
        axis.set_xticks(lengths, map(str, lengths))
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure all lengths, print a table, and draw it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, nargs="+", default=[20, 60, 120, 600], help="lengths")
    parser.add_argument("--peer-up-to", type=int, default=120, help="longest recording for the peer, in s")
    parser.add_argument("--runs", type=int, default=3, help="fresh processes for each figure")
    parser.add_argument("--model", choices=MODELS, default="wav2vec2-base")
    parser.add_argument("--plot", type=Path, help="draw cost and memory into this file")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        who, folder, seconds = options.child
        print(json.dumps(measure(who, Path(folder), int(seconds))))
        return

    quiet()
    whom = ("relaylib", "transformers fp32")
    found: dict[str, dict[int, list[dict[str, Any]]]] = {who: {} for who in whom}
    with tempfile.TemporaryDirectory() as scratch:
        folder = make_checkpoint(Path(scratch), options.model)
        for _ in range(options.runs):
            for seconds in options.seconds:
                for who in whom if seconds <= options.peer_up_to else whom[:1]:
                    found[who].setdefault(seconds, []).append(in_fresh_process(who, folder, seconds))
    table: dict[str, dict[int, dict[str, Any]]] = {who: {} for who in whom}
    print(f"{options.model}: times as fast as real time (least and most of {options.runs} runs), peak memory")
    for who in whom:
        for seconds, runs in found[who].items():
            costs, peaks = ([run[name] for run in runs] for name in ("cost", "peak_mb"))
            table[who][seconds] = {"cost": float(np.median(costs)), "costs": costs, "peak_mb": max(peaks)}
            speed = f"{1 / np.median(costs):6.1f}x ({1 / max(costs):.1f}-{1 / min(costs):.1f})"
            print(f"{who:20} {seconds:>6} s  {speed}  {max(peaks):7.0f} MB", flush=True)
    if options.plot:
        plot(table, options.plot)
    if options.json:
        write_report(options.json, [], {"model": options.model, "length": table})


if __name__ == "__main__":
    main()
