"""How fast a file becomes 16 kHz mono: relaylib's order of work against librosa.load's.

Both resample by soxr HQ. relaylib averages the channels by column sums and streams blocks; librosa's way is
``soxr.resample(x.mean(axis=0))`` on the whole signal. Pairs are interleaved, so that what else the machine does
meets both alike; the ratio is the median over pairs, its spread the quartiles.

    python benchmarks/resample.py [--seconds 120] [--pairs 15] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from relaylib.audio import downmix, load, resample

RATE = 44_100


def core_ours(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Downmix samples in memory, as soundfile gives them, then resample by soxr HQ."""
    return resample(downmix(x), RATE, 16_000)


def core_theirs(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Do the same as librosa.load does it: transpose, mean over channels, soxr HQ."""
    return np.asarray(soxr.resample(np.mean(x.T, axis=0), RATE, 16_000, quality="HQ"))


def file_ours(path: Path) -> npt.NDArray[np.float32]:
    """Load a file by relaylib."""
    return load(path).samples


def file_theirs(path: Path) -> npt.NDArray[np.float32]:
    """Load a file as librosa does, without its import and cache."""
    return core_theirs(soundfile.read(path, dtype="float32", always_2d=True)[0])


def compare(ours: Callable[[], object], theirs: Callable[[], object], n_pairs: int) -> dict[str, float]:
    """Time interleaved pairs; return medians in s and the ratio with its quartiles (below 1: ours is faster)."""
    ours(), theirs()
    times = np.empty((n_pairs, 2))
    for i in range(n_pairs):
        for which in (0, 1) if i % 2 else (1, 0):
            start = time.perf_counter()
            (ours, theirs)[which]()
            times[i, which] = time.perf_counter() - start
    low, ratio, high = np.percentile(times[:, 0] / times[:, 1], [25, 50, 75])
    ours_s, theirs_s = np.median(times, axis=0)
    return {"ours_s": ours_s, "theirs_s": theirs_s, "ratio": ratio, "ratio_q25": low, "ratio_q75": high}


def main() -> None:
    """Run both comparisons and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=120, help="length of the stereo sound")
    parser.add_argument("--pairs", type=int, default=15, help="timed pairs of each comparison")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()

    x = np.random.default_rng(0).uniform(-0.5, 0.5, (RATE * options.seconds, 2)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.wav")
        soundfile.write(path, x, RATE, subtype="PCM_16")
        assert np.allclose(core_ours(x), core_theirs(x), atol=1e-6)
        assert np.allclose(file_ours(path), file_theirs(path), atol=1e-6)
        rows = {
            "in memory": compare(lambda: core_ours(x), lambda: core_theirs(x), options.pairs),
            "from WAV": compare(lambda: file_ours(path), lambda: file_theirs(path), options.pairs),
        }
    print(f"{options.seconds} s of 44.1 kHz stereo to 16 kHz mono, {options.pairs} interleaved pairs")
    print(f"{'':12}{'relaylib':>12}{'librosa way':>14}{'ratio':>8}   quartiles")
    for name, row in rows.items():
        print(
            f"{name:12}{row['ours_s'] * 1e3:9.1f} ms{row['theirs_s'] * 1e3:11.1f} ms{row['ratio']:8.2f}"
            f"   {row['ratio_q25']:.2f}-{row['ratio_q75']:.2f}"
        )
    if options.json:
        report = {"seconds": options.seconds, "pairs": options.pairs, "results": rows}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
