"""``relaylib detect``: a detector and audio in, detections out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relaylib.cli.command import FAILED, Command, FloatRange, example, json_option, progress_option
from relaylib.cli.inputs import audio_files
from relaylib.cli.output import say, table, track
from relaylib.cli.target import make_ready
from relaylib.files import shown

if TYPE_CHECKING:
    from relaylib.types import DecodeConfig, FileResult

__all__ = ["detect"]


@click.command(
    cls=Command,
    epilog=example(
        "relaylib detect tts-artifacts take1.wav take2.mp3",
        "relaylib detect my.safetensors recordings/ --out found.json",
        "relaylib detect my.safetensors recordings/ --threshold 0.8 --json | jq '.files[].detections'",
    ),
)
@click.argument("model")
@click.argument("audio", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the detections as JSON here.")
@click.option("--threshold", type=FloatRange(0, 1), help="Lowest score that counts.  [default: 0.5]")
@click.option(
    "--low-threshold",
    type=FloatRange(0, 1),
    help="Extend a detection, both ways, while the score stays at or above this.",
)
@click.option(
    "--merge-window-ms",
    type=click.IntRange(0, 5000),
    help="Join detections of one type whose gap is at most this.  [default: 200]",
)
@click.option("--min-duration-ms", type=click.IntRange(0, 1000), help="Drop shorter detections.  [default: 50]")
@json_option("the detections")
@progress_option
@click.pass_context
def detect(
    ctx: click.Context,
    /,
    model: str,
    audio: tuple[Path, ...],
    out: Path | None,
    as_json: bool,
    progress: bool | None,
    **decoding: float | None,
) -> None:
    """Find artifacts in audio files.

    MODEL is a file that `train` wrote, or `tts-artifacts`, the detector that comes along. AUDIO are files, or folders
    that are searched for audio files. A file that cannot be read is reported as failed, the rest goes on, and the exit
    status is 1.
    """
    from relaylib.files import write_atomic
    from relaylib.formats.detections import detections_json
    from relaylib.models import Detector, detect_files

    files = audio_files(audio)
    if out is not None:
        make_ready(out, (Path(model), *(file.path for file in files)))
    detector = Detector.load(model)
    found = detect_files(detector, files, _config(decoding))
    results = list(track(found, len(files), "detect", progress))
    unwritten = None
    if out is not None:
        try:
            write_atomic(out, detections_json(results))
        except OSError as exc:  # raised once the results are told, which would be lost
            unwritten, out = exc, None
    if as_json:
        click.echo(detections_json(results), nl=False)
    else:
        _report(results, out)
    failed = [result for result in results if result.status == "failed"]
    for result in failed:
        say(shown(f"failed: {result.original_filename}: {result.error_message}"), style="red")
    if unwritten is not None:
        raise unwritten
    if failed:
        ctx.exit(FAILED)


def _config(given: dict[str, float | None]) -> DecodeConfig | None:
    """Return what the user asked for; None, the detector's own settings, where nothing was."""
    from relaylib.types import DecodeConfig

    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return DecodeConfig(**chosen) if chosen else None


def _report(results: Sequence[FileResult], out: Path | None) -> None:
    done = [result for result in results if result.status == "completed"]
    n_found = sum(len(result.detections) for result in done)
    summary = f"{n_found} detections in {len(done)} of {len(results)} files"
    if out is not None:
        click.echo(f"{summary}, written to {shown(str(out))}")
        return
    rows = [
        (result.original_filename, d.artifact_type, str(d.start_ms), str(d.end_ms), f"{d.confidence:.2f}")
        for result in done
        for d in result.detections
    ]
    if rows:
        click.echo(table(("file", "type", "start_ms", "end_ms", "confidence"), rows) + "\n")
    click.echo(summary)
