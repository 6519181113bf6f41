"""A process that encodes clips for a while, from the moment that it is told to.

    python -m lib.encoding ENCODER SECONDS

It says "ready" when all is loaded, waits for a line, and prints how long a clip took, in seconds.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from relaylib.models import load_encoder  # before torch, as in a program that uses relaylib
from relaylib.types import SAMPLE_RATE

CLIP_S = 10


def main(name: str, seconds: float) -> None:
    """Encode for so long."""
    encoder = load_encoder(name)
    samples = np.random.default_rng(0).standard_normal(CLIP_S * SAMPLE_RATE, dtype=np.float32)
    for _ in range(2):
        encoder.encode(samples)
    print("ready", flush=True)
    sys.stdin.readline()
    start, n_clips = time.perf_counter(), 0
    while (took := time.perf_counter() - start) < seconds:
        encoder.encode(samples)
        n_clips += 1
    print(took / n_clips)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
