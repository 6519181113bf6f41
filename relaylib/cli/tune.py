"""``relaylib tune``: a detector and labelled audio in, the same detector with other thresholds out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from relaylib.cli.command import FAILED, Command, FloatRange, example, json_option, progress_option
from relaylib.cli.inputs import audio_root_option, cache_option, clean_recordings, embedding_cache, read_labelled
from relaylib.cli.output import figure, print_json, stages, table
from relaylib.cli.target import make_ready
from relaylib.files import shown

__all__ = ["tune"]


@click.command(
    cls=Command,
    epilog=example(
        "relaylib tune tts-artifacts --audio clean/ --out mine.safetensors --max-false-alarms-per-hour 5",
        "relaylib tune tts-artifacts labels.json --audio speech/ --out mine.safetensors",
    ),
)
@click.argument("model")
@click.argument("manifest", required=False, type=click.Path(path_type=Path))
@audio_root_option
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Write the detector here.")
@click.option(
    "--max-false-alarms-per-hour",
    type=FloatRange(0, min_open=True),
    default=20.0,
    show_default=True,
    help="False alarms to tune for, per hour of audio in which nothing is marked.",
)
@cache_option
@json_option("what was done")
@progress_option
@click.pass_context
def tune(
    ctx: click.Context,
    /,
    model: str,
    manifest: Path | None,
    audio_root: Path,
    out: Path,
    max_false_alarms_per_hour: float,
    cache: Path | None,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Move a detector's thresholds to suit your speech, without training.

    MODEL is a detector that comes along (tts-artifacts) or a file, MANIFEST names recordings that it was not trained
    on. Without MANIFEST nothing is wrong in any recording of the folder: thresholds then rise until there are no more
    false alarms than allowed. With marked events they go where event-F1 is best. Recordings that cannot be read are
    named and left out, and the exit status is 1.
    """
    from relaylib.files import utf8

    labelled = clean_recordings(audio_root) if manifest is None else read_labelled(manifest, audio_root)
    make_ready(out, (*([manifest] if manifest else []), *(audio_root / item.filename for item in labelled)))
    from relaylib.models import Detector  # torch, without which a missing recording is known at once
    from relaylib.models import tune as tune_detector

    with stages(progress) as show:
        detector = tune_detector(
            Detector.load(model),
            labelled,
            max_false_alarms_per_hour=max_false_alarms_per_hour,
            audio_root=audio_root,
            cache=embedding_cache(cache),
            progress=lambda state: show(state.stage, state.done, state.total, ""),
        )
    detector.save(out)
    done = detector.metrics["tuned"]
    if as_json:
        print_json({"model": utf8(str(out)), "artifact_types": list(detector.artifact_types), "tuned": done})
    else:
        click.echo(_summary(done["per_class"]))
        click.echo(f"\nThe detector is in {shown(str(out))}; use it with: relaylib detect {shown(str(out))} AUDIO…")
    if done["skipped_files"]:
        ctx.exit(FAILED)  # the tuner has said which and why


def _summary(per_class: dict[str, Any]) -> str:
    """Return what became of each type, as a table."""
    rows = []
    for name, now in per_class.items():
        was = now["before"]
        scores = [figure(way["f1_score"] if now["support"] else None) for way in (was, now)]
        alarms = [figure(way["false_alarms_per_hour"], 1) for way in (was, now)]
        rows.append((name, str(now["support"]), f"{now['threshold'] - was['threshold']:+.2f}", *scores, *alarms))
    header = ("type", "events", "threshold", "F1 before", "now", "false alarms/h before", "now")
    return table(header, rows)
