"""Make clean speech to train on: TTS engines and people, many voices and languages, 16 kHz.

What comes out is a folder of FLAC files and `speech.json`, which says who speaks in each, and under which licence.
Nothing is fetched but Debian packages; an engine that is not installed is left out, and named. Natural pauses are
shortened to 380 ms at most, so that a long pause is always something that was put in.

    python pretraining/make_speech.py --out speech --hours 10 [--workers 2] [--seed 0] [--engines espeak flite ...]
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile as sf
from engines import say
from recordings import PACKAGES, speakers
from texts import draw, load_texts
from tqdm import tqdm
from voices import ENGINES, VOICES, Voice

from relaylib.inject.canvas import Canvas, crossed
from relaylib.types import SAMPLE_RATE

FloatArray = npt.NDArray[np.float32]

LONGEST_PAUSE_MS = 380
# shares of the speech, as far as there is any: people's voices are few, and none is heard for more than its part
SHARES = {
    "espeak": 0.3,
    "flite": 0.12,
    "festival": 0.2,
    "pico": 0.1,
    "asterisk": 0.14,
    "fillets": 0.1,
    "ktuberling": 0.04,
    "tuxpaint": 0.1,
    "queen": 0.1,
}
# sources whose clips are whole sentences, and stay by themselves: for tuning, not for artifacts to be put in
ONE_BY_ONE = ("queen",)


def level(samples: FloatArray) -> FloatArray:
    """Return speech with its peak at 0.7."""
    return (samples * (0.7 / (float(np.abs(samples).max()) + 1e-9))).astype(np.float32)


def tidy(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return speech with its peak at 0.7 and no pause, at the ends too, longer than the limit."""
    samples = level(samples)
    canvas = Canvas(samples, SAMPLE_RATE, rng, gap_ms=0)
    kept, done = [], 0
    for start, end in canvas.silences:
        over = (end - start) - canvas.ms(rng.uniform(150, LONGEST_PAUSE_MS - 40))
        if end - start > canvas.ms(LONGEST_PAUSE_MS - 40) and over > 0:
            middle = (start + end) // 2
            kept.append(samples[done : middle - over // 2])
            done = middle + over - over // 2
    kept.append(samples[done:])
    return joined(kept)


def halts(samples: FloatArray) -> bool:
    """Return whether there is a pause longer than the limit, at the ends too, be there hiss in it.

    A pause is what stays 25 dB below the loudest 20 ms.
    """
    n = SAMPLE_RATE // 50
    power = np.square(samples[: len(samples) // n * n].reshape(-1, n)).mean(axis=1)
    spoken = np.flatnonzero(power > 10**-2.5 * power.max())
    pauses = np.diff(spoken, prepend=-1, append=len(power)) - 1
    return bool(pauses.max() * 20 > LONGEST_PAUSE_MS)


def joined(pieces: list[FloatArray]) -> FloatArray:
    """Return pieces one after another, cross-faded over 5 ms."""
    n = SAMPLE_RATE * 5 // 1000
    whole = pieces[0]
    for piece in pieces[1:]:
        if len(whole) < n or len(piece) < n:
            continue
        whole = np.concatenate([whole[:-n], crossed(whole[-n:], piece[:n]), piece[n:]])
    return whole


def speak(voice: Voice, seed: int, target_s: float) -> FloatArray | None:
    """Return about `target_s` of a voice, or None if the engine fails."""
    rng = np.random.default_rng(seed)
    try:
        said = say(voice, draw(load_texts(), voice.language, rng, int(14 * target_s)), rng)
    except (OSError, subprocess.SubprocessError):
        return None
    if len(said) < 2 * SAMPLE_RATE or float(np.abs(said).max()) < 0.01:
        return None
    return tidy(said, rng)[: 40 * SAMPLE_RATE]


def people(source: str) -> list[tuple[str, list[FloatArray]]]:
    """Return each speaker's name and clips; none if the packages cannot be had."""
    try:
        return list(speakers(source))
    except (OSError, subprocess.CalledProcessError):
        return []


def drawn(
    found: list[tuple[str, FloatArray]], rng: np.random.Generator, most_s: float, least_s: float = 0
) -> Iterator[tuple[str, FloatArray]]:
    """Yield recordings in another order, but for those that are too short, until there is enough."""
    rng.shuffle(found)
    total = 0.0
    for name, samples in found:
        if total < most_s and len(samples) > least_s * SAMPLE_RATE:
            yield name, samples
            total += len(samples) / SAMPLE_RATE


def lines(source: str, rng: np.random.Generator, most_s: float, pool: Executor) -> Iterator[tuple[str, FloatArray]]:
    """Yield who speaks and one clip of it, a second or longer; none with a long pause, whoever meant it."""
    found = [
        (name, level(clip))
        for name, clips in people(source)
        for clip in clips
        if len(clip) > SAMPLE_RATE and not halts(clip)
    ]
    yield from drawn(found, rng, most_s)


def recorded(source: str, rng: np.random.Generator, most_s: float, pool: Executor) -> Iterator[tuple[str, FloatArray]]:
    """Yield who speaks and 8 to 20 s of it, of clips one after another."""
    found: list[tuple[str, FloatArray]] = []
    for name, clips in people(source):
        order = [clips[k] for k in rng.permutation(len(clips))]
        while order:
            pieces: list[FloatArray] = []
            wanted = rng.uniform(8, 20) * SAMPLE_RATE
            while order and sum(map(len, pieces)) < wanted:
                pieces.append(tidy(order.pop(), rng))
                pieces.append(
                    (1e-5 * rng.standard_normal(int(rng.uniform(0.02, 0.2) * SAMPLE_RATE))).astype(np.float32)
                )
            found.append((name, tidy(joined(pieces), rng)))
    yield from drawn(found, rng, most_s, least_s=3)


def spoken(engine: str, rng: np.random.Generator, most_s: float, pool: Executor) -> Iterator[tuple[str, FloatArray]]:
    """Yield a voice's name and what it says, until there is enough, or the engine has failed too often."""
    voices = [voice for voice in VOICES if voice.engine == engine]
    total, failures = 0.0, 0
    while total < most_s and failures < 3 * len(voices):
        n = min(64, int((most_s - total) / 15) + 1)
        batch = [voices[k] for k in rng.integers(len(voices), size=n)]
        seeds = rng.integers(1 << 62, size=n).tolist()
        said = pool.map(speak, batch, seeds, rng.uniform(6, 25, n).tolist(), chunksize=4)
        for voice, samples in zip(batch, said, strict=True):
            if samples is None:
                failures += 1
                continue
            yield voice.name, samples
            total += len(samples) / SAMPLE_RATE


def main() -> None:
    """Make the speech and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--hours", type=float, default=10.0, help="how much speech")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES), help="only these")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(options.seed)
    shares = {engine: SHARES[engine] for engine in options.engines}
    seconds = {engine: share / sum(shares.values()) * options.hours * 3600 for engine, share in shares.items()}
    entries: list[dict[str, Any]] = []
    missing = []

    def keep(engine: str, name: str, samples: FloatArray) -> float:
        filename = f"{engine}_{name.replace('/', '-')}_{len(entries):05d}.flac"
        sf.write(options.out / filename, samples, SAMPLE_RATE)
        entries.append(
            {"filename": filename, "engine": engine, "voice": name, "duration_s": len(samples) / SAMPLE_RATE}
        )
        return len(samples) / SAMPLE_RATE

    with (
        ProcessPoolExecutor(options.workers) as pool,
        tqdm(total=options.hours * 3600, unit="s", unit_scale=True) as bar,
    ):
        for engine in options.engines:
            source = lines if engine in ONE_BY_ONE else recorded if engine in PACKAGES else spoken
            before = len(entries)
            for name, samples in source(engine, rng, seconds[engine], pool):
                bar.update(keep(engine, name, samples))
            if len(entries) == before:
                missing.append(f"{engine} ({ENGINES[engine][0]})")
    licences = {engine: {"package": ENGINES[engine][0], "licence": ENGINES[engine][1]} for engine in options.engines}
    total = {"seed": options.seed, "licences": licences, "audio": entries}
    (options.out / "speech.json").write_text(json.dumps(total, indent=1), encoding="utf-8")
    hours = sum(entry["duration_s"] for entry in entries) / 3600
    print(f"{hours:.2f} h in {len(entries)} recordings by {len({(e['engine'], e['voice']) for e in entries})} voices")
    if missing:
        print(f"nothing from: {', '.join(missing)}; install the package to hear it")


if __name__ == "__main__":
    main()
