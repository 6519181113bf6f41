"""Recordings with bursts at known times, in quiet noise."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from relaylib.audio import save
from relaylib.types import SAMPLE_RATE, ms_to_samples

BURST_MS = 10
NEAR_MS = 3000
_N = ms_to_samples(BURST_MS)
BURST = 0.8 * np.cos(2 * np.pi * 2000 * (np.arange(_N) - _N / 2) / SAMPLE_RATE) * np.hanning(_N)
"""A tone of 2 kHz under a window of 10 ms, loudest in its middle."""


def take(duration_ms: int, bursts_ms: Iterable[int]) -> npt.NDArray[np.float32]:
    """Return silence with bursts whose middles lie at the times given, and quiet noise around them."""
    samples, noise = np.zeros(ms_to_samples(duration_ms), np.float32), np.random.default_rng(4)
    for middle_ms in bursts_ms:
        near = samples[ms_to_samples(max(middle_ms - NEAR_MS, 0)) : ms_to_samples(middle_ms + NEAR_MS)]
        near += noise.normal(0, 0.003, len(near)).astype(np.float32)
        first = ms_to_samples(middle_ms) - _N // 2
        samples[first : first + _N] += BURST.astype(np.float32)
    return samples


def write_take(path: Path, samples: npt.NDArray[np.float32]) -> Path:
    """Write samples at 16 kHz in the format of the file's ending."""
    if path.suffix == ".m4a":
        _write_aac(path, samples)
    else:
        save(path, samples)
    return path


def burst_at(samples: npt.NDArray[np.float32], rate: int = SAMPLE_RATE) -> float:
    """Return the sample in the middle of the clearest burst, by correlation with its formula; nan without one."""
    assert rate == SAMPLE_RATE, f"heard at {rate} Hz"
    if len(samples) < _N:
        return float("nan")
    likeness = np.abs(np.correlate(samples, BURST, "valid"))
    best = int(likeness.argmax())
    return best + _N / 2 if likeness[best] > 0.3 * float(BURST @ BURST) else float("nan")


def loud_at(samples: npt.NDArray[np.float32]) -> list[float]:
    """Return the samples in the middles of all bursts, at whatever speed they are heard."""
    loud = np.flatnonzero(np.abs(samples) > 0.3)
    parts = np.split(loud, np.flatnonzero(np.diff(loud) > _N) + 1) if len(loud) else []
    return [float(part[0] + part[-1]) / 2 for part in parts]


def _write_aac(path: Path, samples: npt.NDArray[np.float32]) -> None:
    with av.open(str(path), "w", format="ipod") as out:
        stream = out.add_stream("aac", rate=SAMPLE_RATE)
        stream.layout = "mono"
        stream.bit_rate = 64_000
        for start in range(0, len(samples), 1024):  # the frame of the codec
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
