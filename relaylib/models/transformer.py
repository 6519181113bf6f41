"""What all wav2vec-style encoders share: a convolution stack, transformer layers, and a choice among their outputs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from relaylib.errors import EncoderNotAvailableError, ParameterError
from relaylib.models.encoder import Layer
from relaylib.models.fingerprint import fingerprint
from relaylib.models.moments import Moments, moments
from relaylib.models.recording_norm import RecordingNorm
from relaylib.types import HOP, SAMPLE_RATE

__all__ = ["TransformerEncoder"]

FloatArray = npt.NDArray[np.float32]

_REVISION = 1  # raise it when a change here changes what encode returns
_UNUSED = "masked_spec_embed"  # stands in for masked frames while pretraining; never read here, often absent

WINDOW = 30 * SAMPLE_RATE
"""Samples encoded at once: attention costs the square of this, closeness to the whole clip wants it long. With a
context of 2 s, windows of 30 s cost what windows of 20 s do (less is encoded twice) and differ half as much."""

CONTEXT = 2 * SAMPLE_RATE
"""Samples cropped at each inner edge: more than the 1.28 s that the positional convolution sees. With 1 s the frames at
the seams differ ten times as much."""


class _Reached(Exception):
    """Carries a hidden state out of the model, so that the layers above it are not run."""

    def __init__(self, hidden: torch.Tensor) -> None:
        super().__init__()
        self.hidden = hidden


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
    final : callable
        From a batch [shape=(1, n), float32] to the model's last hidden state [shape=(1, n_frames, width)].
    layers : sequence of torch.nn.Module
        The transformer layers that `final` runs through, in order.
    convolutions : sequence of torch.nn.Module
        The blocks of the convolution stack, each with its ``conv`` and, maybe, its ``layer_norm``.
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

    Raises
    ------
    ParameterError
        If there is no such layer, or window and context do not fit.
    EncoderNotAvailableError
        If the model's hop is not 320 samples.
    """

    hop = HOP

    def __init__(
        self,
        name: str,
        model: torch.nn.Module,
        *,
        final: Callable[[torch.Tensor], torch.Tensor],
        layers: torch.nn.ModuleList,
        convolutions: torch.nn.ModuleList,
        width: int,
        normalize_eps: float | None,
        settings: Mapping[str, Any],
        layer: Layer = None,
        device: str = "cpu",
        window: int = WINDOW,
        context: int = CONTEXT,
    ) -> None:
        hop, self.receptive_field = _reach([_step(block.conv) for block in convolutions])
        if hop != HOP:
            raise EncoderNotAvailableError(
                f"encoder {name!r} has a frame every {hop} samples; relaylib needs {HOP} (20 ms at 16 kHz)."
            )
        self.name, self.window, self.context, self.device = name, window, context, device
        self.layer = _checked_layer(name, layer, len(layers))
        self.n_layers = len(layers) + 1 if layer == "mix" else 1
        self.dim = width * self.n_layers
        self._model = model.float().eval().requires_grad_(False).to(device)
        self._final = final
        self._normalize_eps = normalize_eps
        self._settings = {**settings, "layer": self.layer, "normalize_eps": normalize_eps, "revision": _REVISION}
        self._local = threading.local()  # hidden states on their way out, so that threads do not meet
        self._first: Any = convolutions[0].conv
        self._norm = RecordingNorm.put_into(convolutions[0])
        for index, module in enumerate(layers):
            if self.layer in ("mix", index):
                module.register_forward_pre_hook(self._see, with_kwargs=True)

    @cached_property
    def fingerprint(self) -> str:
        """Hex SHA-256 over weights, configuration, layer and normalisation."""
        state = self._model.state_dict().items()
        return fingerprint(self._settings, ((k, v.cpu().numpy()) for k, v in state if not k.endswith(_UNUSED)))

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
        return self._encode(samples, None)

    def for_recording(self, blocks: Iterable[FloatArray]) -> Callable[[FloatArray], FloatArray]:
        """Return :meth:`encode` for windows of one recording, with the statistics of the whole of it.

        Parameters
        ----------
        blocks : iterable of np.ndarray [shape=(n,), float32, 16 kHz]
            The whole recording, longer than one window.
        """
        if self._normalize_eps is None and self._norm is None:
            return self.encode
        whole = moments(blocks, *_step(self._first))
        return lambda samples: self._encode(samples, whole)

    def _encode(self, samples: FloatArray, whole: Moments | None) -> FloatArray:
        samples = np.asarray(samples, np.float32)
        if samples.ndim != 1:
            raise ParameterError(f"samples have shape {samples.shape}; need one dimension (mono).")
        if not len(samples):
            return np.zeros((0, self.dim), np.float32)
        offset, scale = 0.0, 1.0
        if self._normalize_eps is not None:
            offset, variance = (samples.mean(), samples.var()) if whole is None else (whole.mean, whole.variance)
            scale = 1 / np.sqrt(variance + self._normalize_eps)
            samples = ((samples - offset) * scale).astype(np.float32)
        if len(samples) < self.receptive_field:
            samples = np.pad(samples, (0, self.receptive_field - len(samples)))
        batch = torch.from_numpy(np.ascontiguousarray(samples))[None].to(self.device)
        norm = nullcontext() if whole is None else self._norm_of(whole, float(offset), float(scale))
        with torch.inference_mode(), norm:
            rows: FloatArray = self._run(batch)[0].cpu().numpy()
        return rows

    def _run(self, batch: torch.Tensor) -> torch.Tensor:
        states: list[torch.Tensor] = []
        self._local.states = states  # filled by _see while the model runs
        try:
            states.append(self._final(batch))
        except _Reached as reached:
            return reached.hidden
        return torch.cat(states, dim=-1)

    def _see(self, _: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        hidden: torch.Tensor = args[0] if args else kwargs["hidden_states"]
        if self.layer != "mix":
            raise _Reached(hidden)
        self._local.states.append(hidden)

    def _norm_of(self, whole: Moments, offset: float, scale: float) -> AbstractContextManager[None]:
        """Give the group norm of the first convolution, if there is one, the statistics of the `whole` recording."""
        if self._norm is None:
            return nullcontext()
        kernels = self._first.weight[:, 0].double().cpu().numpy()
        bias = 0.0 if self._first.bias is None else self._first.bias.double().cpu().numpy()
        return self._norm.given(*whole.of_convolution(kernels, bias, offset=offset, scale=scale))


def _step(convolution: Any) -> tuple[int, int]:
    """Return kernel and stride."""
    return convolution.kernel_size[0], convolution.stride[0]


def _reach(convolutions: list[tuple[int, int]]) -> tuple[int, int]:
    """Return the samples between frames and the samples that one frame sees."""
    hop, field = 1, 1
    for kernel, stride in convolutions:
        field += (kernel - 1) * hop
        hop *= stride
    return hop, field


def _checked_layer(name: str, layer: Layer, n_layers: int) -> Layer:
    """Return `layer` counted from the start; the last one is None."""
    if layer is None or layer == "mix":
        return layer
    if isinstance(layer, bool) or not isinstance(layer, int) or not -n_layers - 1 <= layer <= n_layers:
        raise ParameterError(
            f"layer={layer!r}: encoder {name!r} has hidden layers 0 to {n_layers} (negative from the end); "
            "None is the last, 'mix' all of them."
        )
    return None if layer in (-1, n_layers) else layer % (n_layers + 1)
