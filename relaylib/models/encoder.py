"""What an encoder is, and how one is found by name.

An encoder turns samples into one embedding per frame. A new one is a new module with a factory, and a line in
:data:`_FACTORIES` (ours) or a call of :func:`register_encoder` (yours).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from relaylib.errors import EncoderNotAvailableError, ParameterError

if TYPE_CHECKING:  # the names alone are wanted by the command line, at once
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "DEFAULT_ENCODER",
    "Encoder",
    "Layer",
    "RecordingEncoder",
    "WindowEncoder",
    "check_encoder",
    "encoder_names",
    "encoder_options",
    "load_encoder",
    "register_encoder",
]

DEFAULT_ENCODER = "speech-small"
"""What is used where no encoder is named: it comes with the package."""

Layer = int | Literal["mix"] | None
"""Which hidden layer is returned: the last (None), one by index, or all of them side by side (``"mix"``)."""


class Encoder(Protocol):
    """Samples in, one embedding per frame out; deterministic, and safe to call from several threads.

    Attributes
    ----------
    name : str
        What :func:`load_encoder` finds it by.
    fingerprint : str
        Hex SHA-256 over the weights and all that changes the output (settings, layer, normalisation, code
        revision). Equal fingerprints mean equal embeddings, up to rounding where there is a choice of precision.
    dim : int
        Width of what :meth:`encode` returns.
    n_layers : int
        1, or with ``layer="mix"`` the number of hidden layers that stand side by side in a row: the row is
        ``(n_layers, dim // n_layers)`` flattened, and a head learns their weights.
    layer : int, "mix" or None
        The choice that was made.
    hop : int
        Samples between frame starts.
    window : int
        Samples encoded at once at most, a multiple of `hop`; longer audio goes through :func:`relaylib.embed`.
    context : int
        Samples that are cropped at each inner edge of a window, a multiple of `hop`. At least what the encoder
        needs to see behind the start of a frame.
    precision : str
        Optional: how it computes (``"bf16"``, ``"fp32"``, ``"reference"``), where it can in several ways. Not part of
        the fingerprint, so that a detector can move between machines; the cache keeps precisions apart.
    device : str
        Optional: where it computes, as torch names it. By default on a CPU, and several recordings at a time.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 (described above, as the others)
    @property
    def fingerprint(self) -> str: ...  # noqa: D102
    @property
    def dim(self) -> int: ...  # noqa: D102
    @property
    def n_layers(self) -> int: ...  # noqa: D102
    @property
    def layer(self) -> Layer: ...  # noqa: D102
    @property
    def hop(self) -> int: ...  # noqa: D102
    @property
    def window(self) -> int: ...  # noqa: D102
    @property
    def context(self) -> int: ...  # noqa: D102

    def encode(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the embeddings [shape=(n_frames, dim), float32] of `samples` [shape=(n,), float32, 16 kHz].

        Frame ``i`` starts at sample ``i * hop``.
        """
        ...


class WindowEncoder(Protocol):
    """From the windows of one recording to their embeddings."""

    def __call__(self, samples: npt.NDArray[np.float32], wanted: slice = slice(None)) -> npt.NDArray[np.float32]:
        """Return the embeddings [shape=(n_frames, dim)] of `samples` [shape=(n,)]; only those `wanted` must be right.

        Where the encoder has `at_once` above one, it takes several windows, too [shape=(n_windows, n)].
        """
        ...


class RecordingEncoder(Encoder, Protocol):
    """An encoder whose output depends on statistics of the whole recording, such as its loudness.

    Attributes
    ----------
    at_once : int
        Optional: of windows that are equally long, so many are encoded together at most.
    """

    def for_recording(self, blocks: Iterable[npt.NDArray[np.float32]]) -> WindowEncoder:
        """Return `encode` for the windows, in their order, of the recording of `blocks` (longer than one window)."""
        ...


EncoderFactory = Callable[..., Encoder]

_FACTORIES: dict[str, str | EncoderFactory] = {
    "spectral": "relaylib.models.spectral:SpectralEncoder",
    "speech-small": "relaylib.models.speech:SpeechEncoder",
    "torchaudio:": "relaylib.models.bundles:BundleEncoder",
}
_CHECKPOINTS = "relaylib.models.pretrained:PretrainedEncoder"
_FUSED = "relaylib.models.fused:FusedEncoder.of_names"


def encoder_names() -> tuple[str, ...]:
    """Return the registered names; one that ends with a colon is a prefix, as in ``torchaudio:HUBERT_BASE``."""
    return tuple(sorted(_FACTORIES))


def register_encoder(name: str, factory: str | EncoderFactory) -> None:
    """Make `name` known to :func:`load_encoder`.

    Parameters
    ----------
    name : str
        An exact name, or a prefix that ends with a colon.
    factory : callable or "module:attribute"
        Called as ``factory(**options)``, for a prefix as ``factory(rest_of_the_name, **options)``; `options` are
        those that the caller of :func:`load_encoder` gave. As text, it is imported on first use.

    Raises
    ------
    ParameterError
        If the name is empty, or taken by another factory.
    """
    if not name.strip(":"):
        raise ParameterError(f"encoder name {name!r}: need a name, or a prefix that ends with a colon.")
    if _FACTORIES.get(name, factory) != factory:
        raise ParameterError(f"an encoder named {name!r} is registered already; choose another name.")
    _FACTORIES[name] = factory


def load_encoder(name: str | Path, *, layer: Layer = None, **options: Any) -> Encoder:
    """Return the encoder called `name`, ready to use.

    Parameters
    ----------
    name : str or Path
        A registered name (``speech-small``, ``spectral``), ``torchaudio:`` and a bundle
        (``torchaudio:WAV2VEC2_BASE``), or a wav2vec 2.0, HuBERT, WavLM or data2vec-audio checkpoint: its Hugging Face
        hub name (``microsoft/wavlm-base-plus``) or its folder. Several of them with a plus between stand side by side
        (``spectral+microsoft/wavlm-base-plus``).
    layer : int, "mix" or None
        Hidden layer to return: the last one (None), one by index (0 is what enters the first transformer layer,
        negative counts from the end), or all side by side for a learned mix (``"mix"``).
    **options
        Passed on to the encoder, such as ``device="cuda"`` or ``precision="fp32"`` to a pretrained one.

    Raises
    ------
    EncoderNotAvailableError
        If the name is unknown, or the weights are neither here nor can be fetched.
    ParameterError
        If the encoder does not take the `layer` or an option, or cannot compute on the device.
    """
    if layer is not None:
        options["layer"] = layer
    text = str(name)
    factory, args = _find(text)
    return _make(text, factory, args, options)


def encoder_options(name: str | Path) -> frozenset[str]:
    """Return the options that :func:`load_encoder` takes for `name`, by keyword.

    Raises
    ------
    EncoderNotAvailableError
        If the name is unknown.
    """
    factory, args = _find(str(name))
    called = inspect.signature(_imported(factory)).parameters
    return frozenset(list(called)[len(args) :])


def check_encoder(name: str | Path) -> None:
    """Refuse a name that :func:`load_encoder` could not find, at no cost: weights are neither looked for nor read.

    Raises
    ------
    EncoderNotAvailableError
        If the name is unknown.
    """
    _find(str(name))


def _find(text: str) -> tuple[str | EncoderFactory, tuple[str, ...]]:
    """Return what makes the encoder of a name, and what is to be handed to it."""
    prefix = text[: text.find(":") + 1]
    if text in _FACTORIES and not text.endswith(":"):
        return _FACTORIES[text], ()
    if prefix in _FACTORIES and not Path(text).expanduser().exists():
        return _FACTORIES[prefix], (text.removeprefix(prefix),)
    if "+" in text and not Path(text).expanduser().exists():
        for part in text.split("+"):
            _find(part)
        return _FUSED, (text,)
    if "/" in text or (text and Path(text).expanduser().is_dir()):
        return _CHECKPOINTS, (text,)
    raise EncoderNotAvailableError(
        f"encoder {text!r} is unknown; known are {', '.join(encoder_names())} (a colon wants a bundle's name), "
        "a Hugging Face hub name such as microsoft/wavlm-base-plus, and the folder of a checkpoint."
    )


def _make(name: str, factory: str | EncoderFactory, args: tuple[str, ...], options: dict[str, Any]) -> Encoder:
    factory = _imported(factory)
    try:
        inspect.signature(factory).bind(*args, **options)
    except TypeError as exc:
        raise ParameterError(f"encoder {name!r} does not take the options {sorted(options)}: {exc}.") from exc
    return factory(*args, **options)


def _imported(factory: str | EncoderFactory) -> EncoderFactory:
    if not isinstance(factory, str):
        return factory
    module, _, attribute = factory.partition(":")
    found: EncoderFactory = attrgetter(attribute)(import_module(module))
    return found
