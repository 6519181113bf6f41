"""An hour takes the memory of a minute."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest
import soundfile
from sounds import marked, write

# not ru_maxrss where there is VmHWM: the former starts at the memory of the process that started this one
CODE = """
    import pathlib, resource, sys
    from relaylib.audio import stream
    n_samples = sum(len(block) for block in stream(sys.argv[1]))
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        peak_kb = int(status.read_text().split("VmHWM:")[1].split()[0])
    else:
        peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)
    print(n_samples, peak_kb)
"""


def peak_mb(path):
    """Return the length in s and the peak memory in MB of a process that streams `path`."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CODE), str(path)], capture_output=True, text=True, check=True
    )
    n_samples, peak_kb = map(int, done.stdout.split())
    return n_samples / 16_000, peak_kb / 1024


@pytest.mark.skipif(sys.platform == "win32", reason="resource is not there")
@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_memory_does_not_grow_with_length(tmp_path, kind):
    """20 minutes of stereo at 44.1 kHz (423 MB as floats) take at most 25 MB more than 6 s."""
    piece = np.stack([marked(44_100), marked(44_100)], axis=1)
    short, long = tmp_path / f"short.{kind}", tmp_path / f"long.{kind}"
    if kind == "wav":
        for path, times in ((short, 3), (long, 600)):
            with soundfile.SoundFile(path, "w", 44_100, 2, subtype="PCM_16") as file:
                for _ in range(times):
                    file.write(piece)
    else:  # frames of MP3 can be repeated as they are
        write(short, np.tile(marked(44_100), 3), 44_100, "mp3", "libmp3lame", {"write_xing": "0"})
        long.write_bytes(short.read_bytes() * 200)
    _, low = peak_mb(short)
    seconds, high = peak_mb(long)
    assert seconds == pytest.approx(1200, abs=15)
    assert high - low <= 25
