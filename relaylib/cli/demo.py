"""``relaylib demo``: the main job end to end on speech that comes with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from relaylib.cli.command import Command, example

__all__ = ["demo"]


@click.command(
    cls=Command,
    short_help="Everything once, on speech that comes along.",
    epilog=example("relaylib demo", "relaylib demo --out /tmp/demo --seed 1"),
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-out"),
    show_default=True,
    help="Folder for the detector, the detections, the picture and the report.",
)
@click.option("--seed", type=click.IntRange(0), help="Seed of the training.  [default: 0]")
def demo(out: Path, seed: int | None) -> None:
    """Train, detect and evaluate on real speech that comes along: under 3 minutes on two cores.

    Trains a detector on a few labelled minutes, runs it on voices it has not heard, prints how good it is, and
    writes a picture and an HTML report to listen to.
    """
    from relaylib.demo import run

    given: dict[str, Any] = {} if seed is None else {"seed": seed}
    run(out, **given)
