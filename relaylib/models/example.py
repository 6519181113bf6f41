"""What a classifier is fitted to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relaylib.types import AudioItem

__all__ = ["Example"]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A labelled recording (its duration filled in) with its embeddings in half precision."""

    item: AudioItem
    embeddings: npt.NDArray[np.float16]
