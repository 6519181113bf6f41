"""``relaylib evaluate``: detections and labels in, figures and a report out."""

from __future__ import annotations

from pathlib import Path

import click

from relaylib.cli.command import Command, example, json_option
from relaylib.cli.inputs import read_reference
from relaylib.cli.output import print_json, say
from relaylib.cli.target import make_ready

__all__ = ["evaluate"]


@click.command(
    cls=Command,
    epilog=example(
        "relaylib evaluate found.json labels.json",
        "relaylib evaluate found.json labels.json --collar-ms 100 --json | jq .f1_score",
        "relaylib evaluate found.json labels.json --report report.html --audio recordings/",
    ),
)
@click.argument("detections", type=click.Path(path_type=Path))
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option(
    "--collar-ms",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    help="How far apart two onsets may be and still match; offsets get the same or 20 % of the length.",
)
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write an HTML page of its own here.")
@click.option(
    "--audio",
    "audio_root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the recordings: the report then shows and plays the worst errors.",
)
@json_option("all figures")
def evaluate(
    detections: Path, manifest: Path, collar_ms: int, report: Path | None, audio_root: Path | None, as_json: bool
) -> None:
    """Compare detections with labels.

    DETECTIONS is what `detect` wrote, MANIFEST the labels of the same recordings. Failed files, and recordings that
    only one side has, are named and left out of the figures.
    """
    from relaylib.evaluate import EvalConfig, write_report
    from relaylib.evaluate import evaluate as evaluate_results
    from relaylib.formats import read_detections

    reference, results = read_reference(manifest), read_detections(detections)
    if report is not None:
        recordings = [audio_root / item.filename for item in reference] if audio_root else []
        make_ready(report, (detections, manifest, *recordings))
    found = evaluate_results(reference, results, EvalConfig(collar_ms=collar_ms))
    if report is not None:
        write_report(report, found, reference, results, audio_root=audio_root)
    if as_json:
        print_json(found.to_dict())
    else:
        click.echo(found.table())
    if report is not None:
        say(f"The report is in {report}")
    elif audio_root is not None:
        say("note: --audio serves the report; give --report too.")
