"""Cutting audio of any length into overlapping windows whose frames join up again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError
from relaylib.models.encoder import Encoder
from relaylib.types import SAMPLE_RATE

__all__ = ["Window", "check_windows", "together", "windows"]

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Samples to encode at once, and which of their frames to keep.

    Of the frames of `samples`, those from `skip` on are kept, up to frame `first + n_frames` of the recording (None:
    all that follow). `first` is the number of the first kept frame in the recording.
    """

    samples: FloatArray
    first: int
    skip: int
    n_frames: int | None

    @property
    def kept(self) -> slice:
        """Which of the frames of `samples` are kept."""
        return slice(self.skip, None if self.n_frames is None else self.skip + self.n_frames)


def check_windows(encoder: Encoder) -> None:
    """Refuse an encoder whose hop, window and context do not fit together.

    Raises
    ------
    ParameterError
        Unless hop is whole ms, window and context are multiples of hop, and context is less than half the window.
    """
    hop, window, context = encoder.hop, encoder.window, encoder.context
    if hop <= 0 or hop * 1000 % SAMPLE_RATE:
        raise ParameterError(
            f"encoder {encoder.name!r} has hop={hop}; need whole ms at {SAMPLE_RATE} Hz, 320 is 20 ms."
        )
    if window % hop or context % hop or not 0 <= 2 * context < window:
        raise ParameterError(
            f"encoder {encoder.name!r} has window={window}, context={context}; need multiples of hop={hop} with "
            "0 <= 2 * context < window."
        )


def windows(blocks: Iterable[FloatArray], encoder: Encoder) -> Iterator[Window]:
    """Cut consecutive `blocks` of samples into the windows that `encoder` wants.

    Windows start at multiples of the hop and are `encoder.window` long; `encoder.context` samples are cropped at each
    inner edge. The last two share what is left evenly, so that none is shorter than half a window plus context. Where
    the cuts fall depends on the length of the recording alone, not on the blocks. A recording that fits into one
    window is one window. At most two windows and a block are held.

    Raises
    ------
    ParameterError
        If hop, window and context do not fit together.
    """
    check_windows(encoder)
    hop, window, context = encoder.hop, encoder.window, encoder.context
    step = window - 2 * context
    pending: list[FloatArray] = []
    n_pending, start = 0, 0
    for block in blocks:
        for part in _parts(block, window):
            pending.append(part)
            n_pending += len(part)
            while n_pending > window + step:
                rest = pending[0] if len(pending) == 1 else np.concatenate(pending)
                yield _window(rest[:window], start, start + window - context, encoder)
                pending = [rest[step:]]
                n_pending -= step
                start += step
    if not n_pending:
        return
    rest = np.concatenate(pending)
    if n_pending > window:
        half = -(-(n_pending + 2 * context) // (2 * hop)) * hop
        yield _window(rest[:half], start, start + half - context, encoder)
        start += half - 2 * context
        rest = rest[half - 2 * context :]
    yield _window(rest, start, None, encoder)


def together(cut: Iterable[Window], at_once: int) -> Iterator[list[Window]]:
    """Yield the windows in groups of `at_once` that are equally long; the last ones come in smaller groups.

    So many windows are held.
    """
    for _, alike in groupby(cut, key=lambda window: len(window.samples)):
        while group := list(islice(alike, at_once)):
            yield group


def _window(samples: FloatArray, start: int, end: int | None, encoder: Encoder) -> Window:
    """Return the window at sample `start`, whose frames are kept up to sample `end` (None: all)."""
    skip = encoder.context // encoder.hop if start else 0
    first = start // encoder.hop + skip
    return Window(samples, first, skip, None if end is None else end // encoder.hop - first)


def _parts(block: FloatArray, size: int) -> Iterator[FloatArray]:
    """Yield a block in parts of at most `size`, so that a long one is never copied whole."""
    for start in range(0, len(block), size):
        yield block[start : start + size]
