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
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf
from engines import say
from recordings import PACKAGES, speakers
from texts import draw, load_texts
from tqdm import tqdm
from voices import ENGINES, VOICES, Voice

from relaylib.inject.canvas import Canvas

FloatArray = npt.NDArray[np.float32]

RATE = 16_000
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
}


def tidy(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return speech with its peak at 0.7 and no pause, at the ends too, longer than the limit."""
    samples = (samples * (0.7 / (float(np.abs(samples).max()) + 1e-9))).astype(np.float32)
    canvas = Canvas(samples, RATE, rng, gap_ms=0)
    kept, done = [], 0
    for start, end in canvas.silences():
        over = (end - start) - canvas.ms(rng.uniform(150, LONGEST_PAUSE_MS - 40))
        if end - start > canvas.ms(LONGEST_PAUSE_MS - 40) and over > 0:
            middle = (start + end) // 2
            kept.append(samples[done : middle - over // 2])
            done = middle + over - over // 2
    kept.append(samples[done:])
    return joined(kept)


def joined(pieces: list[FloatArray]) -> FloatArray:
    """Return pieces one after another, cross-faded over 5 ms."""
    n = RATE * 5 // 1000
    rising = np.linspace(0, 1, n, dtype=np.float32)
    whole = pieces[0]
    for piece in pieces[1:]:
        if len(whole) < n or len(piece) < n:
            continue
        seam = whole[-n:] * rising[::-1] + piece[:n] * rising
        whole = np.concatenate([whole[:-n], seam, piece[n:]])
    return whole


def speak(voice: Voice, seed: int, target_s: float) -> FloatArray | None:
    """Return about `target_s` of a voice, or None if the engine fails."""
    rng = np.random.default_rng(seed)
    try:
        said = say(voice, draw(load_texts(), voice.language, rng, int(14 * target_s)), rng)
    except (OSError, subprocess.SubprocessError):
        return None
    if len(said) < 2 * RATE or float(np.abs(said).max()) < 0.01:
        return None
    return tidy(said, rng)[: 40 * RATE]


def recorded(source: str, rng: np.random.Generator, most_s: float) -> list[tuple[str, FloatArray]]:
    """Return recordings of 8 to 20 s by each speaker of a source, of clips one after another."""
    found: list[tuple[str, FloatArray]] = []
    for name, clips in speakers(source):
        order = [clips[k] for k in rng.permutation(len(clips))]
        while order:
            pieces: list[FloatArray] = []
            wanted = rng.uniform(8, 20) * RATE
            while order and sum(map(len, pieces)) < wanted:
                pieces.append(tidy(order.pop(), rng))
                pieces.append((1e-5 * rng.standard_normal(int(rng.uniform(0.02, 0.2) * RATE))).astype(np.float32))
            found.append((name, tidy(joined(pieces), rng)))
    rng.shuffle(found)  # type: ignore[arg-type]
    kept, total = [], 0.0
    for name, samples in found:
        if total < most_s and len(samples) > 3 * RATE:
            kept.append((name, samples))
            total += len(samples) / RATE
    return kept


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
    entries, missing = [], []

    def keep(engine: str, name: str, samples: FloatArray) -> float:
        filename = f"{engine}_{name.replace('/', '-')}_{len(entries):05d}.flac"
        sf.write(options.out / filename, samples, RATE)
        entries.append({"filename": filename, "engine": engine, "voice": name, "duration_s": len(samples) / RATE})
        return len(samples) / RATE

    with (
        ProcessPoolExecutor(options.workers) as pool,
        tqdm(total=options.hours * 3600, unit="s", unit_scale=True) as bar,
    ):
        for engine in options.engines:
            done = 0.0
            if engine in PACKAGES:
                try:
                    made = recorded(engine, rng, seconds[engine])
                except (OSError, subprocess.CalledProcessError):
                    made = []
                for name, samples in made:
                    bar.update(keep(engine, name, samples))
                    done += len(samples) / RATE
            voices = [voice for voice in VOICES if voice.engine == engine]
            failures = 0
            while voices and done < seconds[engine] and failures < 3 * len(voices):
                n = min(64, int((seconds[engine] - done) / 15) + 1)
                batch = [voices[k] for k in rng.integers(len(voices), size=n)]
                seeds = rng.integers(1 << 62, size=n).tolist()
                for voice, samples in zip(
                    batch, pool.map(speak, batch, seeds, rng.uniform(6, 25, n).tolist(), chunksize=4), strict=True
                ):
                    if samples is None:
                        failures += 1
                        continue
                    bar.update(keep(engine, voice.name, samples))
                    done += len(samples) / RATE
            if done == 0:
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
