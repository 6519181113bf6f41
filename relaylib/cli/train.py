"""``relaylib train``: labelled audio in, a detector out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relaylib.cli.command import FAILED, Command, FloatRange, example, json_option, progress_option
from relaylib.cli.inputs import (
    audio_root_option,
    cache_option,
    embedding_cache,
    layer_option,
    layer_value,
    read_labelled,
)
from relaylib.cli.output import figure, print_json, stages, table
from relaylib.cli.target import make_ready
from relaylib.files import shown
from relaylib.models.encoder import DEFAULT_ENCODER

if TYPE_CHECKING:
    from relaylib.models import Detector, TrainProgress
    from relaylib.types import Manifest

__all__ = ["train"]


@click.command(
    cls=Command,
    epilog=example(
        "relaylib train labels.json --audio speech/ --out my.safetensors",
        "relaylib train labels.json --audio speech/ --out my.safetensors --epochs 40 --type glitch --type echo",
        "relaylib train labels.json --audio speech/ --out my.safetensors \\",
        "    --encoder microsoft/wavlm-base-plus --layer mix --cache ~/.cache/relaylib",
    ),
)
@click.argument("manifest", type=click.Path(path_type=Path))
@audio_root_option
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Write the detector here.")
@click.option("--encoder", default=DEFAULT_ENCODER, show_default=True, help="Encoder whose embeddings are learned on.")
@layer_option
@click.option(
    "--head",
    type=click.Choice(["linear", "mlp", "conv"]),
    help="Classifier on the embeddings; linear heeds rate, batches and crops only with mixed layers.  [default: conv]",
)
@click.option("--type", "artifact_types", multiple=True, metavar="NAME", help="Learn this type only; repeatable.")
@click.option("--epochs", type=click.IntRange(1, 100), help="Passes over the training part at most.  [default: 20]")
@click.option("--validation-split", type=FloatRange(0.1, 0.5), help="Part held out.  [default: 0.2]")
@click.option("--learning-rate", type=FloatRange(0.0001, 0.1), help="Step size.  [default: 0.001]")
@click.option("--batch-size", type=click.IntRange(8, 256), help="Crops per step.  [default: 32]")
@click.option("--chunk-size-ms", type=click.IntRange(20, 60_000), help="Length of a training crop.  [default: 500]")
@click.option("--stride-ms", type=click.IntRange(20, 60_000), help="Step from crop to crop.  [default: 250]")
@click.option(
    "--patience", type=click.IntRange(1), help="Stop after so many epochs without a better validation.  [default: 8]"
)
@click.option(
    "--max-false-alarms-per-hour",
    type=FloatRange(0, min_open=True),
    help="False alarms to tune for, per hour of held-out audio.  [default: 20]",
)
@click.option(
    "--decoding",
    type=click.Choice(["threshold", "sebb"]),
    help="Extents of events: frames above the threshold, or sound event bounding boxes.  [default: threshold]",
)
@click.option(
    "--start",
    metavar="DETECTOR|auto|none",
    help="Learn on from this detector's classifier, a name or a file; auto is one that comes along, if it fits; "
    "none begins anew.  [default: auto]",
)
@click.option(
    "--speeds",
    metavar="auto|none|SPEED,…",
    callback=lambda _ctx, _option, text: None if text is None else _speeds(text),
    help="Learn also from every recording at these speeds, such as 0.87,1.15; auto is these two for half an hour of "
    "speech and less, none for more. Choose none where a type is a matter of pace or pitch.  [default: auto]",
)
@click.option(
    "--injected-copies",
    type=click.IntRange(0),
    metavar="N",
    help="Learn also from N copies of each clean recording with artifacts put in.  [default: 0]",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="The same seed gives the same file.  [default: 0]")
@cache_option
@json_option("metrics")
@progress_option
@click.pass_context
def train(
    ctx: click.Context,
    /,
    manifest: Path,
    audio_root: Path,
    out: Path,
    encoder: str,
    layer: str | None,
    cache: Path | None,
    artifact_types: tuple[str, ...],
    as_json: bool,
    progress: bool | None,
    **settings: Any,
) -> None:
    """Train a detector on labelled audio.

    MANIFEST names recordings and their annotations, as JSON (see `convert` for other formats, which are read here
    as well). Recordings without annotations count as clean. A part of them is held out, whole groups where the
    manifest has groups, to stop early, tune thresholds and measure. Recordings that cannot be read are named and left
    out, and the exit status is 1.
    """
    from relaylib.files import utf8

    labelled = read_labelled(manifest, audio_root)
    make_ready(out, (manifest, *(audio_root / item.filename for item in labelled)))
    detector = _train(labelled, audio_root, encoder, layer, cache, _given(settings, artifact_types), progress)
    detector.save(out)
    if as_json:
        print_json(
            {"model": utf8(str(out)), "artifact_types": list(detector.artifact_types), "metrics": detector.metrics}
        )
    else:
        click.echo(_summary(detector.metrics))
        click.echo(f"\nThe detector is in {shown(str(out))}; use it with: relaylib detect {shown(str(out))} AUDIO…")
    if detector.metrics.get("skipped_files"):
        ctx.exit(FAILED)  # the trainer has said which and why


def _speeds(text: str) -> str | tuple[float, ...]:
    """Return the speeds of ``--speeds``."""
    if text in ("auto", "none"):
        return "auto" if text == "auto" else ()
    try:
        return tuple(float(speed) for speed in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r}: give auto, none, or numbers with commas between them.") from None


def _given(settings: dict[str, Any], artifact_types: tuple[str, ...]) -> dict[str, Any]:
    """Return the settings the user named; the others keep the trainer's defaults."""
    chosen = {name: value for name, value in settings.items() if value is not None}
    if chosen.get("start") == "none":
        chosen["start"] = None
    return chosen | ({"artifact_types": artifact_types} if artifact_types else {})


def _train(
    manifest: Manifest,
    audio_root: Path,
    encoder: str,
    layer: str | None,
    cache: Path | None,
    settings: dict[str, Any],
    progress: bool | None,
) -> Detector:
    from relaylib.models import TrainConfig, load_encoder
    from relaylib.models import train as train_detector

    with stages(progress) as show:
        return train_detector(
            manifest,
            load_encoder(encoder, layer=layer_value(layer)),
            TrainConfig(**settings),
            audio_root=audio_root,
            cache=embedding_cache(cache),
            progress=lambda state: show(state.stage, state.done, state.total, _losses(state)),
        )


def _losses(state: TrainProgress) -> str:
    figures = (("loss", state.train_loss), ("validation F1", state.validation_f1))
    return ", ".join(f"{name} {value:.3f}" for name, value in figures if value is not None)


def _summary(metrics: Any) -> str:
    """Return the validation figures as a table."""
    keys = ("precision", "recall", "f1_score")
    rows = [
        (name, *(figure(values.get(key)) for key in keys), str(values.get("support", "-")))
        for name, values in metrics.get("per_class", {}).items()
    ]
    rows.append(("all (macro)", *(figure(metrics.get(key)) for key in keys), ""))
    return "On the part that was held out:\n\n" + table(("type", "precision", "recall", "F1", "support"), rows)
