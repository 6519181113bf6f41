"""Import of packages that may be absent or only partly usable, once and with a clear error."""

from __future__ import annotations

import importlib
import sys
import threading
import types
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from typing import Any

from relaylib.errors import RelayError

__all__ = ["OptionalPackageError", "import_torchaudio"]

_EXTENSION = "torchaudio._extension"
_lock = threading.Lock()


class OptionalPackageError(RelayError, ImportError):
    """A package that this step needs is absent or does not load; the message says how to get it."""


def import_torchaudio() -> types.ModuleType:
    """Import torchaudio, without its compiled extension where that cannot load.

    The wheels on PyPI link the extension to CUDA libraries, which a CPU-only torch does not bring, and
    ``import torchaudio`` then ends in an ``OSError``. Everything relaylib uses of it (resampling,
    transforms, wav2vec-style models and their bundles) is plain Python on top of torch, so with a
    CPU-only torch the extension is left out, as torchaudio itself does where it was built without one:
    the filters that have a compiled form run their Python form, and forced alignment says that it needs
    the extension.

    Returns
    -------
    module
        ``torchaudio``, with ``functional``, ``transforms``, ``models`` and ``pipelines`` loaded.

    Raises
    ------
    OptionalPackageError
        If torchaudio is not installed, or does not load for another reason, such as a torch of another
        CUDA version. A failed import leaves nothing of torchaudio in ``sys.modules``.
    """
    with _lock:
        if "torchaudio" in sys.modules:
            return sys.modules["torchaudio"]
        before = set(sys.modules)
        try:
            return importlib.import_module("torchaudio")
        except Exception as exc:
            _forget("torchaudio", keep=before)
            if isinstance(exc, ModuleNotFoundError) and exc.name in ("torch", "torchaudio"):
                raise OptionalPackageError(f"{exc.name} is not installed; run: pip install torch torchaudio.") from exc
            if not (isinstance(exc, (OSError, ImportError)) and _torch_is_cpu_only()):
                raise OptionalPackageError(_does_not_load(exc)) from exc
        return _import_without_extension(before)


def _import_without_extension(before: set[str]) -> types.ModuleType:
    stand_in = _extension_stand_in()
    sys.modules[_EXTENSION] = stand_in
    try:
        module = importlib.import_module("torchaudio")
    except Exception as exc:
        _forget("torchaudio", keep=before)
        raise OptionalPackageError(_does_not_load(exc)) from exc
    module._extension = stand_in  # type: ignore[attr-defined]  # the import system sets it for real submodules
    return module


def _extension_stand_in() -> types.ModuleType:
    """Return a module with the names that torchaudio reads from its extension package, all "not available"."""
    module = types.ModuleType(_EXTENSION, "Stands in for the compiled extension, which does not fit this torch.")
    module.__spec__ = ModuleSpec(_EXTENSION, loader=None)
    names: dict[str, Any] = {
        "_IS_TORCHAUDIO_EXT_AVAILABLE": False,
        "_IS_ALIGN_AVAILABLE": False,
        "_check_cuda_version": lambda: None,
        "_load_lib": lambda lib: False,
        "lazy_import_sox_ext": lambda: types.SimpleNamespace(is_available=lambda: False),  # before torchaudio 2.9
        "fail_if_no_align": _needs_extension,
    }
    module.__dict__.update(names)
    return module


def _needs_extension(func: Callable[..., Any]) -> Callable[..., Any]:
    def unavailable(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            f"{func.__module__}.{func.__name__} needs torchaudio's compiled extension, which does not load with this "
            "CPU-only torch; install torch and torchaudio from the same index."
        )

    unavailable.__name__, unavailable.__doc__ = func.__name__, func.__doc__
    return unavailable


def _torch_is_cpu_only() -> bool:
    try:
        version = importlib.import_module("torch").version
    except ImportError:
        return False
    return version.cuda is None and getattr(version, "hip", None) is None


def _does_not_load(exc: Exception) -> str:
    torch = sys.modules.get("torch")
    version = getattr(torch, "__version__", "unknown")
    return (
        f"torchaudio does not load with torch {version} ({type(exc).__name__}: {exc}); "
        "install a torch and a torchaudio that fit each other, from the same index (https://pytorch.org)."
    )


def _forget(package: str, keep: set[str]) -> None:
    for name in [n for n in sys.modules if n == package or n.startswith(f"{package}.")]:
        if name not in keep:
            del sys.modules[name]
