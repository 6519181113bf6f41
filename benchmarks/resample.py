"""How fast a file becomes 16 kHz mono: relaylib's order of work against librosa.load's.

Both resample by soxr HQ. relaylib averages the channels by column sums and streams blocks; librosa's way is
``soxr.resample(x.mean(axis=0))`` on the whole signal.

    python benchmarks/resample.py [--seconds 120] [--pairs 15] [--json FILE]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from lib.pairs import HEADING, compare, write_report

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
        what, peer, n_pairs = f"44.1 kHz stereo to 16 kHz, {options.seconds} s", "librosa's way", options.pairs
        rows = [
            compare(f"{what}, in memory", lambda: core_ours(x), peer, lambda: core_theirs(x), n_pairs),
            compare(f"{what}, from WAV", lambda: file_ours(path), peer, lambda: file_theirs(path), n_pairs),
        ]
    print(HEADING, *rows, sep="\n")
    if options.json:
        write_report(options.json, rows)


if __name__ == "__main__":
    main()
