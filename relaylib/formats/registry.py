"""Annotation files by extension, by name or by what they look like: `read` and `write`."""

from __future__ import annotations

import os
import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path, PurePosixPath, PureWindowsPath

import relaylib.formats
from relaylib.errors import FormatError, ParameterError
from relaylib.files import write_atomic
from relaylib.formats.builder import ManifestBuilder
from relaylib.formats.format import Format, Source, audio_name
from relaylib.formats.text import read_text
from relaylib.types import AUDIO_EXTENSIONS, AudioItem, Manifest

__all__ = ["format_for", "formats", "get_format", "read", "register", "write"]

_registered: list[Format] = []


@cache
def _shipped() -> tuple[Format, ...]:
    """Return the ``FORMAT`` of every module of this package that has one, by name."""
    modules = (f"relaylib.formats.{found.name}" for found in pkgutil.iter_modules(relaylib.formats.__path__))
    found = (getattr(import_module(name), "FORMAT", None) for name in modules if name != __name__)
    return tuple(sorted((f for f in found if isinstance(f, Format)), key=lambda f: f.name))


def formats() -> tuple[Format, ...]:
    """Return every known format: those of this package, then those registered."""
    return (*_shipped(), *_registered)


def register(format_: Format) -> None:
    """Make a format known that lives outside this package.

    Raises
    ------
    ParameterError
        If one of its names is taken, in upper or lower case.
    """
    taken = set().union(*map(_names, formats()))
    for name in (format_.name, *format_.aliases):
        if name.lower() in taken:
            raise ParameterError(f"format {name!r} is registered already; choose another name.")
    _registered.append(format_)


def get_format(name: str) -> Format:
    """Return the format called `name`, by its name or an alias, in upper or lower case.

    Raises
    ------
    ParameterError
        If there is none; the message lists the known ones.
    """
    for known in formats():
        if name.lower() in _names(known):
            return known
    raise ParameterError(f"format {name!r} is not known; known are {_listing()}.")


def _names(known: Format) -> set[str]:
    return {name.lower() for name in (known.name, *known.aliases)}


def _listing() -> str:
    return ", ".join(f"{known.name} ({known.suffixes[0]})" for known in formats())


def format_for(path: str | os.PathLike[str]) -> Format:
    """Return the format that a file called `path` is written in: the longest file ending that fits.

    Raises
    ------
    ParameterError
        If no ending fits; the message lists the known ones.
    """
    name = os.fspath(path)
    best = max(formats(), key=lambda known: len(known.ending(name)))
    if not best.ending(name):
        raise ParameterError(f"{path}: no format has this ending; name the format, one of {_listing()}.")
    return best


def _sniffed(path: Path, text: str) -> Format:
    """Return the format of a file that is there: its ending fits, and if several do, its text decides."""
    best = format_for(path)
    last = path.suffix.lower()
    rivals = [known for known in formats() if any(suffix.lower().endswith(last) for suffix in known.suffixes)]
    for known in (best, *rivals):
        if known.sniff(text):
            return known
    if len(rivals) == 1:
        return best  # let it name the line that is wrong
    names = " nor ".join(f"{known.name} ({known.title})" for known in rivals)
    start = text.strip()[:40]
    raise FormatError(f"{path}: looks like neither {names}: it begins {start!r}; name the format if you know it.")


def read(path: str | os.PathLike[str], format: str | None = None, *, audio: str | None = None) -> Manifest:  # noqa: A002 - the word users expect
    """Read annotations from a file, or from a folder of files that stand for one recording each.

    Nothing but label files is opened. Filenames inside them are kept as text, absolute ones and ``..`` too.

    Parameters
    ----------
    path : path
        The label file, or a folder (searched through) of Audacity, TextGrid or Raven files.
    format : str, optional
        Name of the format; by the file ending, and by the content where formats share it, when left out.
    audio : str, optional
        The recording that a file without room for its name stands for. When left out, the label file's stem:
        ``take1.flac.txt`` is for ``take1.flac``; ``take1.txt`` for the audio file of that stem that lies beside
        it, else ``take1.wav``.

    Returns
    -------
    Manifest

    Raises
    ------
    FormatError
        If the content breaks its format; the message names file and line, or the field.
    ParameterError
        If the format is not known.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> manifest = read("labels/", "textgrid")  # doctest: +SKIP
    """
    path = Path(path)
    chosen = None if format is None else get_format(format)
    if path.is_dir():
        return _read_folder(path, chosen)
    text = read_text(path)
    chosen = chosen or _sniffed(path, text)
    name = audio or _audio_beside(path, chosen).name
    return chosen.parse(Source(path, text, name))


def _audio_beside(path: Path, format_: Format) -> Path:
    """Return the recording that the label file at `path` stands for by its name."""
    stem = _without_suffix(path.name, format_)
    if not stem.lower().endswith(AUDIO_EXTENSIONS):
        for suffix in AUDIO_EXTENSIONS:
            if path.with_name(stem + suffix).is_file():
                return path.with_name(stem + suffix)
    return path.with_name(audio_name(stem))


def _without_suffix(name: str, format_: Format) -> str:
    ending = format_.ending(name)
    return name[: -len(ending)] if ending and ending != name else PurePosixPath(name).stem


def _read_folder(folder: Path, chosen: Format | None) -> Manifest:
    if chosen is not None and not chosen.one_recording:
        raise FormatError(f"{folder}: a folder, but a {chosen.name} file holds all recordings; name the file.")
    wanted = [chosen] if chosen else [known for known in formats() if known.one_recording]
    paths = sorted(
        path
        for path in folder.rglob("*")
        if any(known.ending(path.name) for known in wanted) and not path.name.startswith(".") and path.is_file()
    )
    if not paths:
        names = ", ".join(f"{known.name} ({known.suffixes[0]})" for known in wanted)
        raise FormatError(f"{folder}: no label files in this folder; looked for {names}.")
    builder = ManifestBuilder()
    for path in paths:
        text = read_text(path)
        format_ = chosen or _sniffed(path, text)
        name = _audio_beside(path, format_).relative_to(folder).as_posix()
        builder.add_manifest(str(path), format_.parse(Source(path, text, name)))
    return builder.build()


def write(manifest: Manifest, path: str | os.PathLike[str], format: str | None = None) -> tuple[Path, ...]:  # noqa: A002 - as in read
    """Write annotations to a file, whole or not at all, or to a folder of files.

    A format whose files stand for one recording (`Format.one_recording`) makes a folder of a manifest of many:
    ``a.wav`` becomes ``a.wav.txt``, in the same subfolder. Files that are in the folder already stay there.

    Parameters
    ----------
    manifest : Manifest
    path : path
        The file; for such a format also a folder: one that exists, or a name without the format's ending.
    format : str, optional
        Name of the format; by the file ending when left out.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ParameterError
        If the format is not known, cannot hold a name, or needs a folder.
    OSError
        If a file cannot be written.
    """
    path = Path(path)
    chosen = format_for(path) if format is None else get_format(format)
    if not chosen.one_recording:
        if path.is_dir():
            raise ParameterError(f"{path}: a folder; name a file, such as {path / f'labels{chosen.suffixes[0]}'}.")
        return (write_atomic(path, chosen.render(manifest)),)
    if path.is_dir() or not chosen.ending(path.name):
        return _write_folder(manifest, path, chosen)
    if len(manifest) != 1:
        raise ParameterError(
            f"{path}: a file of format {chosen.name} stands for one recording and the manifest has {len(manifest)}; "
            f"name a folder, such as {path.with_suffix('')}, and the format."
        )
    return (write_atomic(path, chosen.render(manifest)),)


def _write_folder(manifest: Manifest, folder: Path, format_: Format) -> tuple[Path, ...]:
    texts = {_place(folder, item, format_): format_.render(_alone(manifest, item)) for item in manifest}
    if len(texts) < len(manifest):
        raise ParameterError(f"{folder}: two filenames of the manifest lead to the same file; rename one.")
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(write_atomic(path, text) for path, text in texts.items())


def _alone(manifest: Manifest, item: AudioItem) -> Manifest:
    return Manifest(manifest.artifact_types, (item,))


def _place(folder: Path, item: AudioItem, format_: Format) -> Path:
    """Return where the labels of `item` go; never outside `folder`."""
    name = item.filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    if name.startswith("/") or PureWindowsPath(name).drive or ".." in parts or "\0" in name or not parts:
        raise ParameterError(f"{item.filename!r} leads out of the folder {folder}; use names relative to the audio.")
    return folder.joinpath(*parts[:-1], parts[-1] + format_.suffixes[0])
