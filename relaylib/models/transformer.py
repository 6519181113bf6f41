"""What all wav2vec-style encoders share: a convolution stack, transformer layers, and a choice among their outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from relaylib.errors import EncoderNotAvailableError, ParameterError
from relaylib.models.encoder import Layer, WindowEncoder
from relaylib.models.fingerprint import fingerprint
from relaylib.models.moments import moments
from relaylib.models.reach import reach, step
from relaylib.models.runner import BESIDE, Precision, Runner
from relaylib.types import HOP, SAMPLE_RATE

__all__ = ["TransformerEncoder", "usable_device"]

FloatArray = npt.NDArray[np.float32]

_REVISION = 1  # raise it when a change here changes what encode returns
_UNUSED = "masked_spec_embed"  # stands in for masked frames while pretraining; never read here, often absent

_SEEN = 64
"""Frames on either side of one that the positional convolution of all known checkpoints sees."""

WINDOW = 20 * SAMPLE_RATE + 2 * _SEEN * HOP
"""Samples encoded at once. 20 s of them go through the layers, a little more than such models are taught on (15.6 s):
attention costs the square of it, while of short windows more is encoded twice."""

CONTEXT = (_SEEN + BESIDE + 1) * HOP
"""Samples cropped at each inner edge: what the positional convolution sees, half a second more for attention, and the
frame that the convolutions lack at the end."""

_AT_ONCE = 8  # windows: gigabytes for a moment, which accelerators have, and products that keep them busy


class TransformerEncoder:
    """A frozen wav2vec-style model as an :class:`~relaylib.models.encoder.Encoder`.

    Hidden state ``k`` is what enters transformer layer ``k``; the last one is what the model returns, after its
    final norm where it has one. (The ``hidden_states`` of transformers agree, but for the last one of models with
    ``do_stable_layer_norm``, which some of its releases give before that norm and some after.)

    Audio longer than `window` goes through :func:`relaylib.embed`, window by window. Statistics over time (the
    normalisation of the input, the group norm of the first convolution) are then still those of the whole recording:
    with those of each window a quiet one would be blown up, and sound unlike what it is (:meth:`for_recording`).

    Parameters
    ----------
    name : str
        What :func:`~relaylib.models.encoder.load_encoder` finds it by.
    model : torch.nn.Module
        Taken over: put into eval mode, in float32, on `device`.
    runner : callable
        Makes of the layer, counted from the start, what runs `model`; called when that is ready to run.
    n_layers : int
        Transformer layers of the model.
    convolutions : sequence of torch.nn.Module
        The convolutions that make frames of samples, in order.
    width : int
        Of a hidden state.
    normalize_eps : float or None
        Added to the variance when the input is brought to zero mean and unit variance; None leaves the input.
    settings : mapping
        What besides the weights changes the output, as JSON values; for the fingerprint.
    layer : int, "mix" or None
        Hidden state to return.
    device : str
        Where the model runs.
    window, context : int
        In samples, see :class:`~relaylib.models.encoder.Encoder`.
    at_once : int > 0, optional
        Windows of a recording that are encoded together. Default: one on a CPU, which gains nothing by more; else
        eight.

    Raises
    ------
    ParameterError
        If there is no such layer or device, or window and context do not fit, or `at_once` is none.
    EncoderNotAvailableError
        If the model's hop is not 320 samples.
    """

    hop = HOP

    def __init__(
        self,
        name: str,
        model: torch.nn.Module,
        *,
        runner: Callable[[Layer], Runner],
        n_layers: int,
        convolutions: Sequence[torch.nn.Module],
        width: int,
        normalize_eps: float | None,
        settings: Mapping[str, Any],
        layer: Layer = None,
        device: str = "cpu",
        window: int = WINDOW,
        context: int = CONTEXT,
        at_once: int | None = None,
    ) -> None:
        usable_device(device)
        hop, self.receptive_field = reach(convolutions)
        if hop != HOP:
            raise EncoderNotAvailableError(
                f"encoder {name!r} has a frame every {hop} samples; relaylib needs {HOP} (20 ms at 16 kHz)."
            )
        self.name, self.window, self.context, self.device = name, window, context, device
        self.at_once = _checked_at_once(at_once, device)
        self.layer = _checked_layer(name, layer, n_layers)
        self.n_layers = n_layers + 1 if layer == "mix" else 1
        self.dim = width * self.n_layers
        self._normalize_eps = normalize_eps
        self._settings = {**settings, "layer": self.layer, "normalize_eps": normalize_eps, "revision": _REVISION}
        self._model: torch.nn.Module | None = model.float().eval().requires_grad_(False).to(device)
        self._runner = runner(self.layer)
        self._patches = step(convolutions[0])

    @property
    def precision(self) -> Precision:
        """How it computes; weights and settings are the same whatever it is, and so is the fingerprint."""
        return self._runner.precision

    @cached_property
    def fingerprint(self) -> str:
        """Hex SHA-256 over weights, configuration, layer and normalisation."""
        assert self._model is not None
        state = self._model.state_dict().items()
        return fingerprint(self._settings, ((k, v.cpu().numpy()) for k, v in state if not k.endswith(_UNUSED)))

    def release_model(self) -> None:
        """Let go of a model that the runner has copied, so that its weights are not held twice."""
        _ = self.fingerprint  # reads all weights, for the last time
        self._model = None

    def encode(self, samples: FloatArray) -> FloatArray:
        """Return the embeddings of one clip.

        Parameters
        ----------
        samples : np.ndarray [shape=(n,), float32, 16 kHz]
            A clip shorter than the 400 samples that the first frame sees is filled up with zeros, after
            normalisation. An empty one has no frames.

        Returns
        -------
        np.ndarray [shape=(n_frames, dim), float32]
            ``(n - 400) // 320 + 1`` frames. With ``layer="mix"``, all hidden states side by side, first to last.

        Raises
        ------
        ParameterError
            If `samples` is not one-dimensional.
        """
        samples = np.asarray(samples, np.float32)
        if samples.ndim != 1:
            raise ParameterError(f"samples have shape {samples.shape}; need one dimension (mono).")
        return self._encode(samples, partial(self._runner, statistics=None))

    def for_recording(self, blocks: Iterable[FloatArray]) -> WindowEncoder:
        """Return :meth:`encode` for the windows of one recording in their order, with the statistics of all of it.

        It also takes several that are equally long, up to :attr:`at_once` [shape=(n_windows, n)], and then returns the
        embeddings of each [shape=(n_windows, n_frames, dim)].

        Parameters
        ----------
        blocks : iterable of np.ndarray [shape=(n,), float32, 16 kHz]
            The whole recording, longer than one window.
        """
        overlap = 2 * self.context
        statistics, level = None, None
        if self._normalize_eps is not None or self._runner.takes_statistics:
            whole = moments(blocks, *self._patches)
            level = self._level(whole.mean, whole.variance)
            statistics = partial(whole.of_convolution, offset=level[0], scale=level[1])
        run = self._runner.for_windows(statistics, overlap)
        return lambda samples, wanted=slice(None): self._encode(samples, lambda batch: run(batch, wanted), level)

    def _level(self, mean: float, variance: float) -> tuple[float, float]:
        """Return what to take off samples of this mean and variance, and what to multiply them by after that."""
        return (0.0, 1.0) if self._normalize_eps is None else (mean, 1 / math.sqrt(variance + self._normalize_eps))

    def _encode(
        self, samples: FloatArray, run: Callable[[torch.Tensor], torch.Tensor], level: tuple[float, float] | None = None
    ) -> FloatArray:
        clips = samples[None] if samples.ndim == 1 else samples
        if not clips.size:
            return np.zeros((*samples.shape[:-1], 0, self.dim), np.float32)
        if self._normalize_eps is not None:
            offset, scale = level or self._level(float(clips.mean()), float(clips.var()))
            clips = ((clips - offset) * scale).astype(np.float32)
        if clips.shape[1] < self.receptive_field:
            clips = np.pad(clips, ((0, 0), (0, self.receptive_field - clips.shape[1])))
        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(clips)).to(self.device)
            rows: FloatArray = run(batch).cpu().numpy()
        return rows[0] if samples.ndim == 1 else rows


def usable_device(device: str) -> torch.device:
    """Return the device of that name.

    Raises
    ------
    ParameterError
        If nothing can be computed on it.
    """
    try:
        torch.empty(0, device=device)
    except (AssertionError, RuntimeError) as exc:  # the former from a build of torch that lacks it
        reason = str(exc).splitlines()[0]
        raise ParameterError(f"device={device!r} cannot be used here: {reason}. Name another, such as 'cpu'.") from exc
    return torch.device(device)


def _checked_at_once(at_once: int | None, device: str) -> int:
    if at_once is None:
        return 1 if torch.device(device).type == "cpu" else _AT_ONCE
    if isinstance(at_once, bool) or not isinstance(at_once, int) or at_once < 1:
        raise ParameterError(f"at_once={at_once!r}: need a number of windows, one or more.")
    return at_once


def _checked_layer(name: str, layer: Layer, n_layers: int) -> Layer:
    """Return `layer` counted from the start; the last one is None."""
    if layer is None or layer == "mix":
        return layer
    if isinstance(layer, bool) or not isinstance(layer, (int, np.integer)) or not -n_layers - 1 <= layer <= n_layers:
        raise ParameterError(
            f"layer={layer!r}: encoder {name!r} has hidden layers 0 to {n_layers} (negative from the end); "
            "None is the last, 'mix' all of them."
        )
    return None if layer in (-1, n_layers) else int(layer) % (n_layers + 1)
