"""``relaylib embed``: audio in, arrays of embeddings out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relaylib.cli.command import FAILED, Command, example, json_option, progress_option
from relaylib.cli.inputs import audio_files, layer_option, layer_value
from relaylib.cli.output import print_json, say, track
from relaylib.cli.target import make_ready
from relaylib.files import shown
from relaylib.models.encoder import DEFAULT_ENCODER

if TYPE_CHECKING:
    from relaylib.audio import AudioFile
    from relaylib.models import Encoder

__all__ = ["embed"]

INDEX = "index.json"


@click.command(
    cls=Command,
    epilog=example(
        "relaylib embed recordings/ --out embeddings/",
        "relaylib embed take1.wav --out embeddings/ --encoder facebook/wav2vec2-base --layer 7",
        "python -c \"import numpy; print(numpy.load('embeddings/take1.wav.npy').shape)\"",
    ),
)
@click.argument("audio", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for the arrays and index."
)
@click.option("--encoder", "encoder_name", default=DEFAULT_ENCODER, show_default=True, help="Encoder to use.")
@layer_option
@json_option("the index")
@progress_option
@click.pass_context
def embed(
    ctx: click.Context,
    /,
    audio: tuple[Path, ...],
    out: Path,
    encoder_name: str,
    layer: str | None,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Write the embeddings of audio files.

    Of take1.wav, take1.wav.npy holds an array of (frames, dimensions), float32; index.json names the encoder, its
    fingerprint, the hop from frame to frame in ms, and what became of each file. A file that cannot be read is
    listed as failed, the rest goes on, and the exit status is 1.
    """
    from relaylib.files import targets, write_atomic
    from relaylib.formats.json_text import encode_json
    from relaylib.models import load_encoder, map_recordings
    from relaylib.types import samples_to_ms

    files = audio_files(audio)
    make_ready(out / INDEX, (file.path for file in files))
    _check_own(out / INDEX)
    encoder = load_encoder(encoder_name, layer=layer_value(layer))
    arrays = [name for (name,) in targets((file.name for file in files), [".npy"])]
    found = map_recordings(partial(_entry, encoder, out), zip(files, arrays, strict=True), encoder)
    entries = list(track(found, len(files), "embed", progress))
    index = {
        "encoder": encoder.name,
        "layer": encoder.layer,
        "fingerprint": encoder.fingerprint,
        "dim": encoder.dim,
        "hop_ms": samples_to_ms(encoder.hop),
        "files": entries,
    }
    write_atomic(out / INDEX, encode_json(index))
    failed = [entry for entry in entries if entry["status"] == "failed"]
    if as_json:
        print_json(index)
    else:
        click.echo(
            f"{len(entries) - len(failed)} of {len(entries)} files embedded; the index is {shown(str(out / INDEX))}"
        )
    for entry in failed:
        say(f"failed: {entry['filename']}: {entry['error_message']}", style="red")
    if failed:
        ctx.exit(FAILED)


def _check_own(index: Path) -> None:
    """Raise ParameterError if there is a file by that name which this command has not written."""
    from relaylib.errors import ParameterError
    from relaylib.formats.json_text import top_keys
    from relaylib.formats.text import read_text

    if index.is_file() and "fingerprint" not in top_keys(read_text(index)):
        raise ParameterError(f"{index} is there, and no index of `relaylib embed`; name another folder.")


def _entry(encoder: Encoder, out: Path, todo: tuple[AudioFile, str]) -> dict[str, Any]:
    """Embed a file, write the array under a name inside of `out` and return its line of the index."""
    from relaylib.cli.npy import write_embeddings
    from relaylib.errors import RelayError

    file, array = todo
    name = shown(file.name)
    try:
        n_frames, duration_ms = write_embeddings(out / array, file.path, encoder)
    except (RelayError, OSError) as exc:
        return {"filename": name, "status": "failed", "error_message": shown(str(exc))}
    return {
        "filename": name,
        "status": "completed",
        "npy": array,
        "n_frames": n_frames,
        "duration_ms": duration_ms,
    }
