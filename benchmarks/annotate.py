"""How soon an hour of audio can be seen: the sound and the pictures behind `relaylib.annotate`, without a browser.

The demo's speech, again and again for an hour at 44.1 kHz, in each format. A fresh process, in which only the package
is imported, opens it. Measured are the time until the first second can be seen whole (libraries are loaded in it) and
until all is decoded; what the main thread notices of the decoding, as the delay of sleeps of 5 ms, and how long a tile
of 256 columns takes at any zoom and place, both while decoding goes on and afterwards, which tells how busy the machine
is; and by how much the memory has grown at the end, against the same process after a recording of seconds.

    python benchmarks/annotate.py [--minutes 60] [--formats wav flac mp3 m4a] [--tiles 300] [--json FILE]
"""

from __future__ import annotations

import argparse
import functools
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil

from relaylib.widgets.sound import Recording

RATE = 44_100
FORMATS = ("wav", "flac", "mp3", "m4a")
_LEVEL_0_MS = 1024  # that a tile covers


def speech(seconds: float) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the demo's training speech in pieces of one file, repeated to a length."""
    from relaylib.audio import load, resample
    from relaylib.demo import load_demo

    train, _, folder = load_demo()
    pieces = [resample(load(folder / item.filename).samples, 16_000, RATE) for item in train]
    left, k = round(seconds * RATE), 0
    while left > 0:
        piece = pieces[k % len(pieces)][:left]
        yield piece
        left, k = left - len(piece), k + 1


def write(path: Path, seconds: float) -> None:
    """Write `seconds` of speech in the format of the ending."""
    if path.suffix == ".m4a":
        write_m4a(path, seconds)
        return
    import soundfile

    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        for piece in speech(seconds):
            file.write(piece)


def write_m4a(path: Path, seconds: float) -> None:
    """Write AAC, which soundfile cannot."""
    import av

    with av.open(str(path), "w", format="ipod") as out:
        stream = out.add_stream("aac", rate=RATE, layout="mono", bit_rate=64_000)
        fifo = av.AudioFifo()
        at = 0
        for piece in speech(seconds):
            frame = av.AudioFrame.from_ndarray(piece[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = RATE, at
            at += len(piece)
            fifo.write(frame)
            for full in fifo.read_many(1024):
                out.mux(stream.encode(full))
        rest = fifo.read()
        if rest is not None:
            out.mux(stream.encode(rest))
        out.mux(stream.encode(None))


def seconds_of(call: Callable[[], object]) -> float:
    """Return how long a call takes by the clock."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def random_tile(rng: np.random.Generator, decoded_ms: int) -> tuple[int, int]:
    """Return level and index of a tile in what is decoded, every zoom as likely as the others."""
    n_levels = max(1, int(np.log2(max(1, decoded_ms / _LEVEL_0_MS))) + 2)
    level = int(rng.integers(n_levels))
    return level, int(rng.integers(max(1, decoded_ms // (_LEVEL_0_MS << level))))


def measure(path: Path, n_tiles: int) -> dict[str, float]:
    """Open a recording and return all figures; times in s, memory in MB."""
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    recording = Recording(path)
    while not recording.tile(0, 0).whole:
        time.sleep(0.005)
    figures = {"first_picture_s": time.perf_counter() - start}
    delays: dict[str, list[float]] = {"busy": [], "idle": []}
    tiles: dict[str, list[float]] = {"busy": [], "idle": []}
    while len(tiles["idle"]) < n_tiles:
        state = "idle" if recording.done.is_set() else "busy"
        if state == "busy":
            figures["decoded_s"] = time.perf_counter() - start
        delays[state].append(seconds_of(lambda: time.sleep(0.005)) - 0.005)
        level, index = random_tile(rng, recording.decoded_ms)
        tiles[state].append(seconds_of(functools.partial(recording.tile, level, index)))
    assert recording.error is None, recording.error
    for name, found in (("delay", delays), ("tile", tiles)):
        for state, times in found.items():
            low, high = np.percentile(times, [50, 95])
            figures |= {f"{state}_{name}_median_s": low, f"{state}_{name}_p95_s": high}
    figures["piece_median_s"] = float(np.median([seconds_of(lambda: recording.pcm(0, 160_000)) for _ in range(20)]))
    recording.close()
    return figures


def memory(path: Path, warm_up: Path, n_tiles: int) -> dict[str, float]:
    """Return by how many MB a process grows with a recording, once it has shown another of seconds."""
    process, rng = psutil.Process(), np.random.default_rng(0)
    sizes = []
    for which in (warm_up, path):
        recording = Recording(which)
        recording.done.wait()
        for _ in range(n_tiles):
            recording.tile(*random_tile(rng, recording.duration_ms))
        sizes.append(process.memory_info().rss / 2**20)
    return {"growth_mb": sizes[1] - sizes[0]}


def alone(task: Callable[..., dict[str, float]], *arguments: object) -> dict[str, float]:
    """Return what a task gives in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(task, *arguments).result()


def main() -> None:
    """Make the files, measure each in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0, help="length of the recordings")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--tiles", type=int, default=300, help="timed once all is decoded")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()

    report = {}
    print(f"{options.minutes:g} minutes; times in ms, median / 95th percentile")
    print("                                        while decoding                 afterwards")
    print(
        "format   first picture   all decoded    delay          tile           delay         tile     10 s     memory"
    )
    with tempfile.TemporaryDirectory() as folder:
        for format_ in options.formats:
            path, warm_up = Path(folder) / f"long.{format_}", Path(folder) / f"short.{format_}"
            write(path, options.minutes * 60)
            write(warm_up, 30)
            found = alone(measure, path, options.tiles) | alone(memory, path, warm_up, options.tiles)
            path.unlink()
            report[format_] = found
            ms = {name: 1e3 * value for name, value in found.items()}
            print(
                f"{format_:6}{ms['first_picture_s']:16.0f}{ms['decoded_s']:14.0f}"
                + "".join(
                    f"{ms[f'{which}_median_s']:7.1f} /{ms[f'{which}_p95_s']:6.1f}"
                    for which in ("busy_delay", "busy_tile", "idle_delay", "idle_tile")
                )
                + f"{ms['piece_median_s']:10.1f}{found['growth_mb']:11.1f} MB"
            )
    if options.json:
        options.json.write_text(
            json.dumps({"minutes": options.minutes, "formats": report}, indent=2) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
