"""Windows that follow each other: the frames that two of them share are made once."""

from __future__ import annotations

from collections.abc import Callable

import torch

__all__ = ["Consecutive"]


class Consecutive:
    """A function from windows of samples to their frames that remembers the end of the window before.

    A frame depends on the samples it sees, and on what is near, so that what both windows hold need not be made again;
    that they do hold the same is looked at, not assumed.

    Parameters
    ----------
    frames_of : callable
        From samples [shape=(n,)] to their frames [shape=(n_frames, n_channels)].
    overlap : int >= 0
        Samples that a window shares with the one before.
    hop, field : int
        Samples between frames, and those that a frame sees.
    margin : int
        Frames at an end of a window that lack what is near. They are made again with the next window, and as many
        before them, which then are those at its start.
    """

    def __init__(
        self,
        frames_of: Callable[[torch.Tensor], torch.Tensor],
        *,
        overlap: int,
        hop: int,
        field: int,
        margin: int = 0,
    ) -> None:
        self._frames_of, self._overlap, self._hop, self._field, self._margin = frames_of, overlap, hop, field, margin
        self._n_in_overlap = max(0, (overlap - field) // hop + 1)
        self._n_shared = self._n_in_overlap - margin
        self._end: tuple[torch.Tensor, torch.Tensor] | None = None

    def __call__(self, samples: torch.Tensor) -> torch.Tensor:
        """Return the frames of the next window."""
        shared = self._shared(samples)
        if shared is None:
            frames = self._frames_of(samples)
        else:
            start = (len(shared) - self._margin) * self._hop
            frames = torch.cat([shared, self._frames_of(samples[start:])[self._margin :]])
        if self._n_shared > self._margin and (len(samples) - self._overlap) % self._hop == 0:
            shared = frames[-self._n_in_overlap :][: self._n_shared]
            self._end = samples[-self._overlap :].clone(), shared.clone()
        else:
            self._end = None
        return frames

    def _shared(self, samples: torch.Tensor) -> torch.Tensor | None:
        if self._end is None or len(samples) < self._n_in_overlap * self._hop + self._field:  # which makes one more
            return None
        seen, frames = self._end
        return frames if torch.equal(seen, samples[: self._overlap]) else None
