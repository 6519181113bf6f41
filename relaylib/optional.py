"""Packages that may be there in part."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any, cast

from relaylib.errors import RelayError

__all__ = ["import_torchaudio"]

_EXTENSION = "torchaudio._extension"


def import_torchaudio() -> ModuleType:
    """Import torchaudio, without its compiled extension if that does not load.

    The wheels of torchaudio link their extension to one build of torch; beside another (CPU torch, say) ``import
    torchaudio`` raises OSError. Its Python parts, `functional.resample`, `transforms`, `models` and `pipelines` among
    them, need no extension: they are imported with a stand-in for ``torchaudio._extension`` that says it is not
    available, as a build without it would. Once done, a plain ``import torchaudio`` gives the same module.

    Returns
    -------
    module
        torchaudio, complete or without forced alignment, CTC decoders and compiled filters.

    Raises
    ------
    RelayError
        If torchaudio is not installed, or its Python parts do not load either; `sys.modules` is then left as it was
        found.
    """
    try:
        return importlib.import_module("torchaudio")
    except ModuleNotFoundError as exc:
        if exc.name in ("torchaudio", "torch"):
            raise RelayError(f"{exc.name} is not installed; install it with: pip install torch torchaudio") from exc
        first: Exception = exc
    except (ImportError, OSError, RuntimeError) as exc:  # RuntimeError: built for another CUDA version
        first = exc
    before = _forget()
    sys.modules[_EXTENSION] = _stand_in()
    try:
        return importlib.import_module("torchaudio")
    except Exception as exc:
        _forget()
        sys.modules.update(before)
        raise RelayError(
            f"torchaudio cannot be imported: {first}; nor can its Python parts: {exc}. "
            "Install the torchaudio that belongs to the installed torch."
        ) from exc


def _forget() -> dict[str, ModuleType]:
    """Take what is loaded of torchaudio out of `sys.modules`, and return it."""
    names = [name for name in sys.modules if name == "torchaudio" or name.startswith("torchaudio.")]
    return {name: sys.modules.pop(name) for name in names}


def _stand_in() -> ModuleType:
    module: Any = ModuleType(_EXTENSION, "Stands in for the compiled extension, which did not load.")
    module.__path__ = []
    module._IS_TORCHAUDIO_EXT_AVAILABLE = False
    module._IS_RIR_AVAILABLE = False  # asked for by torchaudio before 2.9
    module._IS_ALIGN_AVAILABLE = False
    module._check_cuda_version = lambda: None
    module._load_lib = lambda lib: False
    for name in ("fail_if_no_align", "fail_if_no_rir"):
        setattr(module, name, _unavailable)
    module.lazy_import_sox_ext = _unavailable
    return cast(ModuleType, module)


def _unavailable(func: Any = None) -> Any:
    def fail(*_args: Any, **_kwargs: Any) -> Any:
        raise RuntimeError("This needs torchaudio's compiled extension, which does not fit the installed torch.")

    return fail
