"""Where the files of a Hugging Face checkpoint lie: a folder, the hub's cache, or the hub itself."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from relaylib.errors import EncoderNotAvailableError

__all__ = ["checkpoint_folder", "read_json", "uses_safetensors"]

_log = logging.getLogger(__name__)

_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
_CONFIG = "config.json"
_PREPROCESSOR = ("preprocessor_config.json", "processor_config.json")
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
_TIMEOUT_S = 10


def checkpoint_folder(name: str) -> Path:
    """Return the local folder that holds the checkpoint's files, fetched if need be.

    A folder is taken as it is; a hub name is first looked up in the hub's cache, without the network, and only
    then downloaded: the configuration, the preprocessor's, and one set of weights (safetensors if there are any).

    Raises
    ------
    EncoderNotAvailableError
        If files are missing and cannot be fetched; the message says how to bring them.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        lacks = _lacking(p.name for p in folder.iterdir())
        if lacks:
            raise EncoderNotAvailableError(
                f"{name} is no complete checkpoint: it lacks {lacks}. Copy that file beside the others "
                f"(a checkpoint is {_CONFIG}, {_PREPROCESSOR[0]} and {_WEIGHTS[0]} or {_WEIGHTS[2]})."
            )
        return folder
    if not _HUB_NAME.fullmatch(name):
        raise EncoderNotAvailableError(f"there is no folder {name}, and it is no Hugging Face hub name (owner/model).")
    return _cached(name) or _download(name)


def uses_safetensors(folder: Path) -> bool:
    """Whether the weights in `folder` are safetensors; else they are a torch file, read without unpickling code."""
    return any((folder / weights).is_file() for weights in _WEIGHTS[:2])


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file of a checkpoint.

    Raises
    ------
    EncoderNotAvailableError
        If it is no JSON object.
    """
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise EncoderNotAvailableError(f"{path} is damaged: {exc}. Copy the checkpoint again.") from exc
    if not isinstance(values, dict):
        raise EncoderNotAvailableError(f"{path} is damaged: it holds no JSON object. Copy the checkpoint again.")
    return values


def _lacking(names: Iterable[str]) -> str:
    """Return what is missing among the files called `names`, or an empty text."""
    there = set(names)
    if _CONFIG not in there:
        return _CONFIG
    if not there.intersection(_WEIGHTS):
        return f"weights ({_WEIGHTS[0]} or {_WEIGHTS[2]})"
    return "" if there.intersection(_PREPROCESSOR) else _PREPROCESSOR[0]


def _cached(name: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(name, _CONFIG)
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    return None if _lacking(p.name for p in folder.iterdir()) else folder


def _download(name: str) -> Path:
    from huggingface_hub import HfApi, constants, hf_hub_download
    from huggingface_hub.errors import RepositoryNotFoundError

    if constants.HF_HUB_OFFLINE:
        raise EncoderNotAvailableError(_how_to_bring(name, "HF_HUB_OFFLINE is set"))
    try:
        # one request with a timeout first: the downloads below would retry for half a minute without a network
        listed = HfApi().model_info(name, timeout=_TIMEOUT_S).siblings or []
        files = {sibling.rfilename for sibling in listed}
        lacks = _lacking(files)
        if lacks:
            raise EncoderNotAvailableError(
                f"{name} on the Hugging Face hub is no complete checkpoint: it lacks {lacks}."
            )
        _log.info("downloading %s from the Hugging Face hub", name)
        paths = [hf_hub_download(name, file, etag_timeout=_TIMEOUT_S) for file in _wanted(files)]
    except RepositoryNotFoundError as exc:
        raise EncoderNotAvailableError(
            f"{name} is neither a folder here nor a public model of the Hugging Face hub (else set HF_TOKEN)."
        ) from exc
    except EncoderNotAvailableError:
        raise
    except Exception as exc:  # the hub's client lets the errors of several libraries through
        raise EncoderNotAvailableError(_how_to_bring(name, f"the Hugging Face hub cannot be reached ({exc})")) from exc
    return Path(paths[0]).parent


def _wanted(files: set[str]) -> list[str]:
    first = next(weights for weights in _WEIGHTS if weights in files)
    shards = re.compile(re.escape(first.split(".", 1)[0]) + r"-\d+-of-\d+\." + first.split(".")[1])
    parts = [file for file in files if first.endswith(".index.json") and shards.fullmatch(file)]
    return [_CONFIG, *(file for file in _PREPROCESSOR if file in files), first, *sorted(parts)]


def _how_to_bring(name: str, why: str) -> str:
    folder = name.rpartition("/")[2]
    return (
        f"encoder {name!r} is not on this machine, and {why}. To bring it: on a machine with a connection run "
        f"`huggingface-cli download {name} --local-dir {folder}` (newer: `hf download ...`); of its files you need "
        f"{_CONFIG}, {_PREPROCESSOR[0]} and {_WEIGHTS[0]} (or {_WEIGHTS[2]}, if it has no other). Copy the folder "
        f"here and load it by its path: load_encoder('path/to/{folder}'). Or copy that machine's hub cache and point "
        "HF_HOME to it; HF_HUB_OFFLINE=1 then keeps the network from being tried."
    )
