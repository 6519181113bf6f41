"""``relaylib demo``: the main job end to end on speech that comes with the package."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relaylib.cli.command import Command, example, json_option, progress_option
from relaylib.cli.output import print_json, say

if TYPE_CHECKING:
    from relaylib.demo import DemoResult, DemoSpeech
    from relaylib.types import Manifest

__all__ = ["demo"]


@click.command(
    cls=Command,
    short_help="Everything once, on speech that comes along.",
    epilog=example("relaylib demo", "relaylib demo --out /tmp/demo --seed 1", "relaylib demo --json | jq .metrics"),
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-out"),
    show_default=True,
    help="Folder for the detector, the detections, the picture and the report.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the training.")
@json_option("figures and paths")
@progress_option
def demo(out: Path, seed: int, as_json: bool, progress: bool | None) -> None:
    """Train, detect and evaluate on real speech that comes along: under 3 minutes on two cores.

    Trains a detector on a few labelled minutes, runs it on voices it has not heard, prints how good it is, and
    writes a picture and an HTML report to listen to.
    """
    from relaylib.demo import load_demo, run

    say(_announcement(load_demo()))
    begin = time.perf_counter()
    result = run(out, seed=seed, progress=progress)
    say(f"Done in {time.perf_counter() - begin:.0f} s.\n")
    if as_json:
        print_json(result.to_dict())
    else:
        click.echo(f"{result.text()}\n\n{_closing(result)}")


def _announcement(speech: DemoSpeech) -> str:
    return (
        f"Training on {_extent(speech.train)}, then detecting in {_extent(speech.test)}\n"
        "that training does not hear. This takes about a minute."
    )


def _extent(manifest: Manifest) -> str:
    minutes = sum(item.duration_ms or 0 for item in manifest) / 60_000
    voices = len({item.group for item in manifest})
    return f"{len(manifest)} recordings ({minutes:.1f} min, {voices} voices)"


def _closing(result: DemoResult) -> str:
    """Say where the files are and what to do with them."""
    return "\n".join(
        (
            "Look at    " + f"{result.picture_path}  ({Path(result.pictured).name} with what was found in it)",
            "Listen in  " + f"{result.report_path}  (curves, and the worst errors with sound; open it in a browser)",
            "Read       " + f"{result.detections_path}  (every detection, times in ms)",
            "Use it     " + f"relaylib detect {result.detector_path} YOUR.wav",
            "The speech " + f"is in {result.speech.audio_root}",
        )
    )
