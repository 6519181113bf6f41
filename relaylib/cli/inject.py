"""``relaylib inject``: clean speech in, labelled speech with artifacts out."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import click

from relaylib.cli.command import FAILED, Command, FloatRange, example, progress_option
from relaylib.cli.inputs import audio_files
from relaylib.cli.output import say, track
from relaylib.files import shown

__all__ = ["inject"]


@click.command(
    cls=Command,
    epilog=example(
        "relaylib inject clean/ --out labelled/",
        "relaylib train labelled/annotations.json --audio labelled/ --out my.safetensors",
        "relaylib inject clean/ --out clicks/ --type glitch --per-minute 20 --copies 3",
    ),
)
@click.argument("audio", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write recordings to."
)
@click.option("--type", "types", multiple=True, help="Type of artifact; may be given again.  [default: the usual six]")
@click.option("--per-minute", type=FloatRange(0, 60), default=12.0, show_default=True, help="Artifacts, on average.")
@click.option("--clean-share", type=FloatRange(0, 1), default=0.3, show_default=True, help="Files that get none.")
@click.option("--copies", type=click.IntRange(1, 100), default=1, show_default=True, help="Made of each file.")
@click.option("--keep-sound", is_flag=True, help="Leave level, sound, noise and codec of a recording as they are.")
@click.option("--without", multiple=True, metavar="SHAPE", help="Shape of artifact not to use; may be given again.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="The same gives the same.")
@progress_option
@click.pass_context
def inject(
    ctx: click.Context,
    /,
    audio: tuple[Path, ...],
    out: Path,
    types: tuple[str, ...],
    per_minute: float,
    clean_share: float,
    copies: int,
    keep_sound: bool,
    without: tuple[str, ...],
    seed: int,
    progress: bool | None,
) -> None:
    """Put artifacts into clean speech, at known places.

    AUDIO are recordings without artifacts, or folders of them. What is written can be trained on, or detected in to see
    what a detector misses: recordings, and their labels in `annotations.json`. Nothing takes the place of a recording
    of AUDIO, or of labels of other recordings. A file that cannot be read is reported, the rest goes on, and the exit
    status is 1.
    """
    from relaylib.formats import write_manifest
    from relaylib.inject import BASIC_TYPES, inject_files, labelled_manifest
    from relaylib.inject.folder import copy_names
    from relaylib.types import AudioItem

    files = audio_files(audio)
    labels = out / "annotations.json"
    _spare_labels(labels, chain.from_iterable(copy_names(files, copies)))
    wanted = tuple(dict.fromkeys(types)) or BASIC_TYPES
    found = inject_files(
        files,
        out,
        types=wanted,
        per_minute=per_minute,
        clean_share=clean_share,
        copies=copies,
        varied=not keep_sound,
        without=without,
        seed=seed,
    )
    results = list(track(found, len(files) * copies, "inject", progress))
    failed = [result for result in results if not isinstance(result, AudioItem)]
    for error in failed:
        say(shown(f"failed: {error}"), style="red")
    items = [result for result in results if isinstance(result, AudioItem)]
    write_manifest(labelled_manifest(items, wanted), labels)
    n_spans = sum(len(item.annotations) for item in items)
    click.echo(f"{n_spans} artifacts in {len(items)} recordings written to {shown(str(out))}")
    if failed:
        ctx.exit(FAILED)


def _spare_labels(labels: Path, names: Iterable[str]) -> None:
    """Raise if `labels` holds anything but what an earlier run said of recordings of these names."""
    from relaylib.errors import FormatError, ParameterError
    from relaylib.formats import read_manifest

    if not labels.exists():
        return
    way_out = "move it away, or write to another folder."
    try:
        others = {item.filename for item in read_manifest(labels)}.difference(names)
    except FormatError as exc:
        raise ParameterError(f"{exc} It would be written over; {way_out}") from exc
    if others:
        raise ParameterError(f"{labels} has labels of recordings that are not written now: {min(others)}; {way_out}")
