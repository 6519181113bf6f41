"""Train the classifier inside the encoder `speech-small`: what it hears becomes logits of all types.

    python pretraining/make_labelled.py speech --out labelled --hours 5 --seed 11 --per-minute 20 --types TYPE ...
    python pretraining/make_judge.py labelled --out relaylib/models/speech/judge.safetensors

The recordings that a detector is trained on later should be others: what this one knows by heart, it is too sure of.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from relaylib.cli.output import stages
from relaylib.formats import read_manifest
from relaylib.models import EmbeddingCache, TrainConfig, train
from relaylib.models.speech import heard


def main() -> None:
    """Train on labelled speech, and write the classifier."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labelled", type=Path, help="folder made by make_labelled.py")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--validation-split", type=float, default=0.25, help="one member for each part of this size")
    parser.add_argument("--cache", type=Path, help="keep embeddings in this folder")
    options = parser.parse_args()
    with stages(True) as show:
        detector = train(
            read_manifest(options.labelled / "annotations.json"),
            heard(),
            TrainConfig(epochs=options.epochs, validation_split=options.validation_split),
            audio_root=options.labelled,
            cache=EmbeddingCache(options.cache) if options.cache else None,
            progress=lambda state: show(state.stage, state.done, state.total, ""),
        )
    detector.save(options.out)
    for name, scores in detector.metrics["events"]["per_class"].items():
        print(f"{name:14s} event-F1 {scores['f1_score']:.2f} on {scores['support']} held out")


if __name__ == "__main__":
    main()
