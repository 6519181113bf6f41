"""How far frames near the seams of windows are from what they should be, on an encoder with trained weights.

A recording is encoded in windows, and as it should be: whole, or, since a model that was taught on seconds is not at
home in minutes, each second in the middle of a window (`--against middle`). For each context that is cropped at the
inner edges, frames are sorted by their distance from the nearest seam, and what is printed is one minus their cosine
with the same frame as it should be: the mean, and the worst of a hundred. Attention sees all of a window, so no context
makes the difference zero; past some length more of it brings nothing.

By default, the transformer inside `speech-small` on the speech that comes with the package.

    python benchmarks/seams.py [AUDIO...] [--checkpoint C] [--against middle|whole] [--seconds 100] [--window 20]
                               [--contexts 0.5 1 2 4] [--plot F.png] [--json OUT]
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import relaylib
from relaylib.audio import find_audio, load
from relaylib.models import embed, load_encoder
from relaylib.optional import import_torchaudio
from relaylib.types import HOP, SAMPLE_RATE

FloatArray = npt.NDArray[np.float32]

TRAINED = Path(relaylib.__file__).parent / "models" / "speech" / "speech-small"

BINS_S = (0, 0.1, 0.25, 0.5, 1, 2, 4, 8)


def speech(paths: list[Path], seconds: float) -> FloatArray:
    """Return recordings one after another, until there is enough."""
    parts: list[FloatArray] = []
    for file in find_audio(paths):
        parts.append(load(file.path).samples)
        if sum(map(len, parts)) >= seconds * SAMPLE_RATE:
            break
    return np.concatenate(parts)[: int(seconds * SAMPLE_RATE)]


def hops(seconds: float) -> int:
    """Return a length in samples that is whole frames."""
    return round(seconds * SAMPLE_RATE / HOP) * HOP


def distances(n_frames: int, window: int, context: int) -> npt.NDArray[np.float64]:
    """Return each frame's distance from the nearest seam in s [shape=(n_frames,)]."""
    step, first = (window - 2 * context) // HOP, (window - context) // HOP
    seams = np.arange(first, n_frames, step)
    frames = np.arange(n_frames)[:, None] + 0.5
    return np.abs(frames - seams).min(axis=1) * HOP / SAMPLE_RATE


def main() -> None:
    """Measure each context, print a table, draw the curves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("audio", nargs="*", type=Path, help="speech to try it on: files or folders")
    parser.add_argument("--checkpoint", default=str(TRAINED), help="encoder: a checkpoint's name or folder")
    parser.add_argument("--seconds", type=float, default=100, help="how much of it")
    parser.add_argument("--against", choices=["whole", "middle"], default="middle", help="what frames should be")
    parser.add_argument("--window", type=float, default=20, help="length of a window in s")
    parser.add_argument("--contexts", type=float, nargs="+", default=[0.5, 1, 2, 4], help="cropped at each edge, in s")
    parser.add_argument("--plot", type=Path, help="draw the curves into this file")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    import_torchaudio()
    samples = speech(options.audio or [relaylib.load_demo().audio_root], options.seconds)
    options_of: dict[str, Any] = {"precision": "fp32"}
    if options.against == "middle":
        options_of |= {"window": hops(options.window), "context": hops((options.window - 1) / 2)}
    else:
        options_of |= {"window": hops(len(samples) / SAMPLE_RATE + 1)}
    expected = embed(samples, load_encoder(options.checkpoint, **options_of)).embeddings
    found = []
    print(f"{'context':>8}" + "".join(f"{f'to {end:g} s':>20}" for end in BINS_S[1:]))
    for context in options.contexts:
        window = hops(options.window)
        encoder = load_encoder(options.checkpoint, precision="fp32", window=window, context=hops(context))
        rows = embed(samples, encoder).embeddings
        norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(expected, axis=1)
        apart = 1 - (rows * expected).sum(axis=1) / norms
        away = distances(len(rows), window, hops(context))
        bins = [apart[(away >= low) & (away < high)] for low, high in itertools.pairwise(BINS_S)]
        means = [float(b.mean()) if len(b) else float("nan") for b in bins]
        worst = [float(np.quantile(b, 0.99)) if len(b) else float("nan") for b in bins]
        print(f"{context:>6g} s" + "".join(f"{f'{m:.1e} ({w:.1e})':>20}" for m, w in zip(means, worst, strict=True)))
        found.append({"context_s": context, "mean": means, "worst_of_100": worst})
    if options.json:
        facts = {
            "checkpoint": options.checkpoint,
            "against": options.against,
            "window_s": options.window,
            "bins_s": BINS_S,
            "contexts": found,
        }
        options.json.write_text(json.dumps(facts, indent=2) + "\n")
    if options.plot:
        draw(found, options.against, options.plot)


def draw(found: list[dict[str, Any]], against: str, path: Path) -> None:
    """Draw one curve for each context."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    middles = [(low * high) ** 0.5 if low else high / 2 for low, high in itertools.pairwise(BINS_S)]
    for curve in found:
        axes.loglog(middles, curve["mean"], marker="o", label=f"{curve['context_s']:g} s of context")
    axes.set_xlabel("distance from the nearest seam (s)")
    axes.set_ylabel(f"1 − cosine with {against}")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
