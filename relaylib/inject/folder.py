"""A folder of clean speech becomes a folder of labelled speech."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from relaylib.audio import AudioFile, load, save
from relaylib.errors import ParameterError, RelayError
from relaylib.files import targets, utf8
from relaylib.inject.catalogue import BASIC_TYPES, chosen
from relaylib.inject.injector import check_rates, inject
from relaylib.inject.nuisance import vary
from relaylib.types import SAMPLE_RATE, ArtifactType, AudioItem, Manifest, samples_to_ms

__all__ = ["copy_names", "inject_files", "labelled_manifest"]

FloatArray = npt.NDArray[np.float32]

_N_OTHERS = 3


def inject_files(
    files: Sequence[AudioFile],
    out: str | os.PathLike[str],
    *,
    types: Sequence[str] = BASIC_TYPES,
    per_minute: float = 12.0,
    benign_per_minute: float = 6.0,
    clean_share: float = 0.3,
    copies: int = 1,
    varied: bool = True,
    groups: Sequence[str | None] = (),
    without: Sequence[str] = (),
    seed: int = 0,
) -> Iterator[AudioItem | RelayError]:
    """Put artifacts into recordings, write them to a folder, and yield their labels one by one.

    Hallucinations and crosstalk take their voices from the other recordings. What is made of a file depends on the
    seed, its name and the number of its copy, on how many other files there are, and on the voices that it borrows.

    Parameters
    ----------
    files : sequence of AudioFile
        Clean speech, see :func:`relaylib.find_audio`.
    out : str or PathLike
        Made if absent; recordings are written into it as 16 kHz FLAC, under the names of :func:`copy_names`.
    types : sequence of str
        See :func:`relaylib.inject.inject`, as of the next two and `without`.
    per_minute, benign_per_minute : float
        On average over recordings; between recordings the former varies by half of it.
    clean_share : float, 0..1
        Share of recordings that get no artifact.
    copies : int >= 1
        How many to make of each file.
    varied : bool
        Whether level, sound, noise and codec change, see :func:`relaylib.inject.vary`.
    groups : sequence of str or None
        For each file its group; copies share it. Empty: a file is its own group, so that its copies stay together.
    without : sequence of str
    seed : int >= 0

    Yields
    ------
    AudioItem or RelayError
        For each copy its labels, or why it could not be read or written; the rest goes on.

    Raises
    ------
    ParameterError
        If a type or shape is unknown, a rate is below 0 or not finite, `clean_share`, `copies` or `groups` are not as
        above, or one of `files` would be written over; nothing is written then.
    OSError
        If `out` cannot be made.
    """
    chosen(types, without)
    check_rates(per_minute=per_minute, benign_per_minute=benign_per_minute)
    if not 0 <= clean_share <= 1:
        raise ParameterError(f"clean_share={clean_share}: need 0 <= clean_share <= 1.")
    if copies < 1:
        raise ParameterError(f"copies={copies}: need 1 or more.")
    if groups and len(groups) != len(files):
        raise ParameterError(f"{len(groups)} groups for {len(files)} files; give one for each, or none at all.")
    names, out = copy_names(files, copies), Path(out)
    _spare_inputs(files, out, names)
    out.mkdir(parents=True, exist_ok=True)
    for number, file in enumerate(files):
        group = groups[number] if groups else utf8(file.name)
        for copy, name in enumerate(names[number]):
            rng = np.random.default_rng([seed, zlib.crc32(file.name.encode("utf-8", "surrogatepass")), copy])
            try:
                samples = load(file.path).samples
                dirty = rng.random() >= clean_share
                rate = per_minute * float(rng.uniform(0.5, 1.5)) if dirty else 0.0
                order = rng.permutation(len(files))
                made = inject(
                    samples,
                    rng,
                    types=types,
                    per_minute=rate,
                    benign_per_minute=benign_per_minute,
                    others=_others(files, number, order) if dirty else (),
                    without=without,
                )
                heard = vary(made.samples, rng) if varied else made.samples
                _make_folder((out / name).parent)
                save(out / name, heard)
            except RelayError as exc:
                yield exc
                continue
            duration_ms = samples_to_ms(len(heard), SAMPLE_RATE)
            yield AudioItem(name, duration_ms=duration_ms, group=group, annotations=made.annotations())


def copy_names(files: Sequence[AudioFile], copies: int) -> list[list[str]]:
    """Return what the copies of each file are called: its own name, from the second copy on numbered.

    What would lead out of the folder or be there twice is changed, see :func:`relaylib.files.targets`.
    """
    endings = [f"-{copy + 1}.flac" if copy else ".flac" for copy in range(copies)]
    return targets((file.name for file in files), endings, short=True)


def labelled_manifest(items: Sequence[AudioItem], types: Sequence[str] = BASIC_TYPES) -> Manifest:
    """Return the labels of what :func:`inject_files` made, by file name."""
    return Manifest(tuple(map(ArtifactType, types)), tuple(sorted(items, key=lambda item: item.filename)))


def _spare_inputs(files: Sequence[AudioFile], out: Path, names: Sequence[Sequence[str]]) -> None:
    """Raise if what is written would take the place of one of `files`."""
    inputs = {os.path.realpath(file.path) for file in files}
    for target in (out / name for made in names for name in made):
        if os.path.realpath(target) in inputs:
            raise ParameterError(
                f"{target} is one of the recordings to put artifacts into, and would be written over; "
                "write to another folder."
            )


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise RelayError(f"{path}: the folder cannot be made: {exc.strerror}.") from exc


def _others(files: Sequence[AudioFile], number: int, order: npt.NDArray[np.int64]) -> list[FloatArray]:
    """Return a few of the other recordings, by a random order of all; those that cannot be read are left out."""
    found = []
    for k in order[: _N_OTHERS + 1].tolist():
        if k != number:
            try:
                found.append(load(files[k].path).samples)
            except RelayError:
                continue  # it is reported when its own turn comes
    return found[:_N_OTHERS]
