"""How fast a clip becomes embeddings: relaylib's path for wav2vec-style models against plain transformers in float32.

Both run the same random weights on the same sound, whose normalisation is part of neither. The cosine of each frame
with that of transformers says how close they are. Random weights show speed and rounding, not quality.

    python benchmarks/embed.py [--seconds 10 60] [--pairs 7] [--only hubert-base] [--device cuda] [--json FILE]
"""

from __future__ import annotations

import argparse
import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import transformers
from lib.pairs import HEADING, Row, compare, write_report

from relaylib.models.pretrained import PretrainedEncoder
from relaylib.optional import import_torchaudio
from relaylib.types import SAMPLE_RATE

FloatArray = npt.NDArray[np.float32]

# name -> (prefix of the class names in transformers, what differs from their defaults, which are the base models)
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "wav2vec2-base": ("Wav2Vec2", {}),
    "hubert-base": ("Hubert", {}),
    "wavlm-base-plus": ("WavLM", {}),
    "wav2vec2-small": (
        "Wav2Vec2",
        {
            "hidden_size": 256,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "intermediate_size": 1024,
            "conv_dim": (256,) * 7,
        },
    ),
}


def quiet() -> None:
    """Prepare transformers, and keep its messages off the screen."""
    import_torchaudio()  # our way first: transformers imports it too, and trips over a build for another torch
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def make_checkpoint(folder: Path, name: str) -> Path:
    """Write a checkpoint with random weights, and return its folder."""
    prefix, differing = MODELS[name]
    torch.manual_seed(0)
    config = getattr(transformers, f"{prefix}Config")(**differing)
    getattr(transformers, f"{prefix}Model")(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(folder)
    return folder


def plain(folder: Path, device: str) -> Callable[[FloatArray], FloatArray]:
    """Return what a user of transformers writes."""
    model = transformers.AutoModel.from_pretrained(folder).eval().to(device)

    def encode(samples: FloatArray) -> FloatArray:
        with torch.inference_mode():
            return model(torch.from_numpy(samples)[None].to(device)).last_hidden_state[0].cpu().numpy()

    return encode


def device_name(device: str) -> str:
    """Return what a GPU is called, and of other devices the name that they were given by."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def cosines(ours: FloatArray, theirs: FloatArray) -> FloatArray:
    """Return the cosine of each frame with the other's."""
    return (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)


def measure(name: str, samples: FloatArray, n_pairs: int, device: str) -> list[tuple[Row, dict[str, Any]]]:
    """Return a row for each precision, and how close its frames are."""
    found = []
    seconds = len(samples) / SAMPLE_RATE
    with tempfile.TemporaryDirectory() as scratch:
        folder = make_checkpoint(Path(scratch), name)
        peer = plain(folder, device)
        encoders = [PretrainedEncoder(str(folder), device=device)]
        if encoders[0].precision != "fp32":
            encoders.append(PretrainedEncoder(str(folder), device=device, precision="fp32"))
        for encoder in encoders:
            what = f"{name}, {seconds:g} s, {encoder.precision}"
            cosine = cosines(encoder.encode(samples), peer(samples))
            row = compare(
                what, functools.partial(encoder.encode, samples), "transformers fp32", lambda: peer(samples), n_pairs
            )
            closeness = {"what": what, "cosine_mean": float(cosine.mean()), "cosine_min": float(cosine.min())}
            found.append((row, {**closeness, "times_real_time": seconds / row.ours_s}))
    return found


def main() -> None:
    """Run the comparisons and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, nargs="+", default=[10], help="lengths of the clip")
    parser.add_argument("--pairs", type=int, default=7, help="timed pairs of each comparison")
    parser.add_argument("--only", choices=MODELS, help="one model instead of all")
    parser.add_argument("--device", default="cpu", help="where both run, such as cuda")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()

    quiet()
    rows, facts = [], []
    print(HEADING)
    for seconds in options.seconds:
        samples = np.random.default_rng(0).standard_normal(round(seconds * SAMPLE_RATE)).astype(np.float32)
        for name in [options.only] if options.only else MODELS:
            for row, fact in measure(name, samples, options.pairs, options.device):
                print(row)
                print(f"{'':6}cosine mean {fact['cosine_mean']:.6f}, min {fact['cosine_min']:.6f}", flush=True)
                rows.append(row)
                facts.append(fact)
    if options.json:
        on = device_name(options.device)
        write_report(options.json, rows, {"closeness": facts, "threads": torch.get_num_threads(), "device": on})


if __name__ == "__main__":
    main()
