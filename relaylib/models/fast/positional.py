"""The positional convolution: as wide as the clip is long, in groups of channels."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from relaylib.models.fast.precision import has_amx
from relaylib.models.runner import BESIDE
from relaylib.models.threads import one_core

__all__ = ["PositionalConvolution"]


class PositionalConvolution:
    """A grouped convolution and GELU: where a frame is, from all that is around it.

    It is a product of spectra, in float32: frames are transformed in blocks that overlap by the kernel (overlap-save
    [1]_), and every frequency is a small matrix product for each group. A convolution takes as many products for each
    frame as the kernel is wide, all of this a sixth to a third of oneDNN's time with 128 frames and 16 groups.

    Where the processor has AMX, in bfloat16, that time is as short, and it is oneDNN's convolution. With fewer than 16
    channels a group it is not even there: oneDNN 3.12 convolves those wrongly when the kernel is wide (see
    https://github.com/pytorch/pytorch/issues/163347).

    Parameters
    ----------
    convolution : torch.nn.Conv1d
        Of transformers, as long as it has its weight norm.
    dtype : torch.dtype
        Of the other products of the model.

    References
    ----------
    .. [1] A. V. Oppenheim, R. W. Schafer, "Discrete-Time Signal Processing", 3rd ed., Pearson, 2010, section 8.7.
    """

    def __init__(self, convolution: Any, dtype: torch.dtype) -> None:
        # the product of the weight norm's factors, reckoned once; on more cores, the norm's last digits would be others
        with one_core():
            weight: torch.Tensor = convolution.weight.detach()
        self._groups, self._kernel = convolution.groups, convolution.kernel_size[0]
        self._by_spectra = dtype == torch.float32 or weight.shape[1] < 16 or not has_amx()
        # of a block: a power of two, half of which or more are frames
        self._size = 2 << (self._kernel - 1).bit_length()
        self._weight = self._spectra_of(weight) if self._by_spectra else weight.to(dtype)
        self._bias: torch.Tensor = convolution.bias.detach().to(torch.float32 if self._by_spectra else dtype)

    def seen_only(self, n_frames: int, wanted: slice) -> tuple[int, int]:
        """Return how many of the first and of the last frames have done their part when they were seen here.

        Without them the convolution is complete at all others, and frames that are `wanted` still have as many beside
        them as they should.
        """
        reach = self._kernel // 2
        start, stop, _ = wanted.indices(n_frames)
        return reach if start >= reach + BESIDE else 0, reach if n_frames - stop >= reach + BESIDE else 0

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return what is to be added to the frames `hidden` [shape=(n_frames, width), float32]."""
        if self._by_spectra:
            return self._of_spectra(hidden)
        channels = hidden.t()[None].to(self._weight.dtype)
        moved = functional.conv1d(channels, self._weight, self._bias, padding=self._kernel // 2, groups=self._groups)[
            0, :, : len(hidden)
        ]  # an even kernel makes one frame too many
        return functional.gelu(moved).t()

    def _spectra_of(self, weight: torch.Tensor) -> torch.Tensor:
        """Return for each frequency and group what takes its channels [shape=(n_inside, n_inside)] to the new ones."""
        n_inside = weight.shape[1]
        spectra = torch.fft.rfft(weight, self._size).conj_physical()  # such a convolution does not reverse its kernel
        return spectra.view(self._groups, n_inside, n_inside, -1).permute(3, 0, 2, 1).flatten(0, 1).contiguous()

    def _of_spectra(self, hidden: torch.Tensor) -> torch.Tensor:
        (n_frames, width), step = hidden.shape, self._size - self._kernel + 1
        n_blocks = max(2, -(-n_frames // step))  # of one row, sums depend on the number of threads
        length, before = n_blocks * step + self._kernel - 1, self._kernel // 2
        channels = functional.pad(hidden, (0, 0, before, length - before - n_frames)).t().contiguous()
        blocks = channels.as_strided((width, n_blocks, self._size), (length, step, 1))
        spectra = torch.fft.rfft(blocks).view(self._groups, -1, n_blocks, self._size // 2 + 1)
        found = torch.bmm(spectra.permute(3, 0, 2, 1).flatten(0, 1), self._weight)
        spectra = found.view(-1, self._groups, n_blocks, width // self._groups).permute(1, 3, 2, 0).contiguous()
        moved = torch.fft.irfft(spectra, self._size)[..., :step].reshape(width, -1)[:, :n_frames]
        return functional.gelu(moved + self._bias[:, None]).t()
