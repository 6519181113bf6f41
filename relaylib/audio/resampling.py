"""From one sample rate to another: soxr HQ for arrays, torchaudio on its own device for tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt
import soxr

from relaylib.errors import ParameterError

if TYPE_CHECKING:
    import torch

__all__ = ["Resampler", "resample"]

FloatArray = npt.NDArray[np.float32]

_QUALITY = "HQ"
# resampy's kaiser_best, in torchaudio's words
_KAISER_BEST: dict[str, Any] = {
    "lowpass_filter_width": 64,
    "rolloff": 0.9475937167399596,
    "resampling_method": "sinc_interp_kaiser",
    "beta": 14.769656459379492,
}


@overload
def resample(x: torch.Tensor, from_rate: int, to_rate: int) -> torch.Tensor: ...
@overload
def resample(x: npt.NDArray[Any], from_rate: int, to_rate: int) -> FloatArray: ...
def resample(x: Any, from_rate: int, to_rate: int) -> Any:
    """Resample a whole signal.

    An array goes through soxr HQ: to 16 kHz, it is flat within 0.01 dB up to 7 kHz and keeps what lies above 8.2 kHz
    below -120 dB. A tensor goes through torchaudio's windowed sinc, with the parameters of resampy's ``kaiser_best``,
    on the device where it lies; it is flat up to 7.3 kHz but less steep, and differentiable.

    Parameters
    ----------
    x : np.ndarray [shape=(n_samples,)] or torch.Tensor [shape=(..., n_samples), floating]
        Samples. Arrays are taken as float32.
    from_rate, to_rate : int
        Rates in Hz.

    Returns
    -------
    np.ndarray [shape=(n,), float32] or torch.Tensor [shape=(..., n)]
        The signal at `to_rate`, ``n`` about ``n_samples * to_rate / from_rate``. Of equal rates, `x` itself (an array
        of another type as float32).

    Raises
    ------
    ParameterError
        If an array is not one-dimensional, or a rate is not positive.
    """
    _check_rates(from_rate, to_rate)
    if _is_tensor(x):
        return _resample_tensor(x, int(from_rate), int(to_rate))
    x = _mono(x)
    if from_rate == to_rate or not len(x):
        return x
    return np.asarray(soxr.resample(x, from_rate, to_rate, quality=_QUALITY), np.float32)


class Resampler:
    """Resample a signal that comes in blocks.

    The concatenated output equals ``resample`` of the concatenated input; memory does not grow with the signal.

    Parameters
    ----------
    from_rate, to_rate : int
        Rates in Hz.

    Raises
    ------
    ParameterError
        If a rate is not positive.

    Examples
    --------
    >>> resampler = Resampler(48_000, 16_000)
    >>> sum(len(resampler.process(np.zeros(4800, np.float32), last=i == 9)) for i in range(10))
    16000
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        _check_rates(from_rate, to_rate)
        self.from_rate, self.to_rate = from_rate, to_rate
        self._done = False
        self._soxr: Any = None
        if from_rate != to_rate:
            self._soxr = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", quality=_QUALITY)

    def process(self, block: npt.NDArray[Any], *, last: bool = False) -> FloatArray:
        """Take the next block and return what is ready, which may be nothing.

        Parameters
        ----------
        block : np.ndarray [shape=(n_samples,)]
            The next samples; may be empty.
        last : bool
            Whether the signal ends here. What the filter still holds is then returned.

        Raises
        ------
        ParameterError
            If a block is not one-dimensional, or comes after the last.
        """
        if self._done:
            raise ParameterError("the last block was given already; make a new Resampler for a new signal.")
        self._done = last
        block = _mono(block)
        if self._soxr is None:
            return block
        return np.asarray(self._soxr.resample_chunk(block, last=last), np.float32)


def _mono(x: Any) -> FloatArray:
    x = np.ascontiguousarray(x, np.float32)
    if x.ndim != 1:
        raise ParameterError(f"samples have shape {x.shape}; need one dimension (mono), see downmix.")
    return x


def _check_rates(from_rate: int, to_rate: int) -> None:
    for name, rate in (("from_rate", from_rate), ("to_rate", to_rate)):
        if not rate > 0:
            raise ParameterError(f"{name}={rate}: need a positive rate in Hz.")


def _is_tensor(x: Any) -> bool:
    """Tell a tensor without importing torch: who holds one has imported it."""
    import sys

    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


def _resample_tensor(x: torch.Tensor, from_rate: int, to_rate: int) -> torch.Tensor:
    if from_rate == to_rate or not x.shape[-1]:
        return x
    from relaylib.optional import import_torchaudio

    import_torchaudio()
    from torchaudio.functional import resample as sinc_resample

    return sinc_resample(x, from_rate, to_rate, **_KAISER_BEST)
