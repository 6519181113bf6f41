"""``relaylib convert``: one annotation format in, another out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from relaylib.cli.command import Command, example
from relaylib.cli.output import say
from relaylib.cli.target import make_ready
from relaylib.files import shown

if TYPE_CHECKING:
    from relaylib.types import Manifest

__all__ = ["convert"]

NAMES = "audacity, csv, detections, labelstudio, manifest, raven, rttm, textgrid"


@click.command(
    cls=Command,
    epilog=example(
        "relaylib convert labels.csv labels.json",
        "relaylib convert labels.json grids/ --to textgrid       # a TextGrid for each recording",
        "relaylib convert grids/ labels.json --audio recordings/ # and back, with the length of each recording",
        "relaylib convert take1.txt take1.json --from audacity --recording take1.flac",
        "relaylib convert found.json check.labelstudio.json      # detections, to be corrected by hand",
    )
    + f"\n\nFormats: {NAMES}, and those that were registered.",
)
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--from", "from_format", metavar="FORMAT", help="Format of IN.  [default: by ending and content]")
@click.option("--to", "to_format", metavar="FORMAT", help="Format of OUT.  [default: by ending]")
@click.option("--recording", metavar="NAME", help="The audio file that IN is for, where IN has no room for its name.")
@click.option(
    "--audio",
    "audio_root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the recordings: look up lengths that IN does not know.",
)
def convert(
    source: Path,
    target: Path,
    from_format: str | None,
    to_format: str | None,
    recording: str | None,
    audio_root: Path | None,
) -> None:
    """Convert annotations from one format to another.

    Times stay exact to the millisecond. Formats whose files stand for one recording (audacity, raven, textgrid) are
    read from, and written to, a folder where there are many. Detections become annotations with their confidence,
    failed files are left out. What OUT cannot hold is named on stderr. IN itself is not written over.
    """
    from relaylib.formats import format_for, get_format, read, write

    if recording is not None and source.is_dir():
        raise click.UsageError("--recording names the recording of a single file; those of a folder name their own.")
    output = format_for(target) if to_format is None else get_format(to_format)
    make_ready(target, (source,))
    manifest = read(source, from_format, audio=recording)
    if audio_root is not None:
        manifest = _with_durations(manifest, audio_root)
    written = write(manifest, target, output.name)
    n_spans = sum(len(item.annotations) for item in manifest)
    where = shown(str(target)) if len(written) == 1 else f"{len(written)} files in {shown(str(target))}"
    click.echo(f"{n_spans} annotations of {len(manifest)} recordings written to {where} ({output.title})")
    lost = output.losses(manifest)
    if lost:
        say(f"note: {output.name} does not hold {', '.join(lost)}.", style="yellow")
    if output.one_recording and target.is_file():
        meant, found = (", ".join(repr(item.filename) for item in m) for m in (manifest, read(target, output.name)))
        if meant != found:
            say(
                shown(f"note: {target} is taken for labels of {found}, not of {meant}: read it with --recording."),
                style="yellow",
            )


def _with_durations(manifest: Manifest, audio_root: Path) -> Manifest:
    """Return `manifest` with the lengths it lacks, measured."""
    from dataclasses import replace

    from relaylib.audio import probe

    return replace(
        manifest,
        audio=tuple(
            item
            if item.duration_ms is not None
            else replace(item, duration_ms=probe(audio_root / item.filename).duration_ms)
            for item in manifest
        ),
    )
