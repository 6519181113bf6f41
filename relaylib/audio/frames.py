"""FFmpeg's short frames as mono blocks: conversion, silence for gaps, padding, joining."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from relaylib.audio.channels import downmix

__all__ = ["Block", "join_short", "silence_blocks", "to_mono", "without_padding"]

Block = tuple[int, npt.NDArray[np.float32]]
"""A sample rate in Hz and mono samples at it."""

_JOINED = 1 << 16  # frames are too short to resample singly
_MAX_PADDING = 1 << 12  # more than the last frame of any codec


def to_mono(frame: Any) -> npt.NDArray[np.float32]:
    """Average the channels of an ``av.AudioFrame``; integer formats are scaled by their lowest value, to -1..1."""
    values = frame.to_ndarray()
    values = values.T if frame.format.is_planar else values.reshape(frame.samples, -1)
    if values.dtype == np.uint8:
        return downmix((values.astype(np.float32) - 128) / 128)
    if np.issubdtype(values.dtype, np.integer):
        values = (values * (1.0 / -float(np.iinfo(values.dtype).min))).astype(np.float32)
    return downmix(values)


def silence_blocks(seconds: float, rate: int) -> Iterator[Block]:
    """Yield `seconds` of silence in pieces."""
    left = round(seconds * rate)
    while left > 0:
        yield rate, np.zeros(min(left, _JOINED), np.float32)
        left -= _JOINED


def without_padding(blocks: Iterator[Block], n_samples: int) -> Iterator[Block]:
    """Drop what the last frame holds beyond `n_samples`; more than a frame of it is no padding and stays."""
    position = 0
    beyond: list[Block] = []
    for rate, block in blocks:
        n_within = min(len(block), max(0, n_samples - position))
        position += len(block)
        if position - n_samples >= _MAX_PADDING:
            yield from beyond
            beyond.clear()
            yield rate, block
            continue
        yield rate, block[:n_within]
        beyond.append((rate, block[n_within:]))


def join_short(blocks: Iterator[Block]) -> Iterator[Block]:
    """Join blocks of one rate until they hold at least 65 536 samples."""
    rate, parts, n_parts = 0, list[npt.NDArray[np.float32]](), 0
    for next_rate, block in blocks:
        if parts and (next_rate != rate or n_parts >= _JOINED):
            yield rate, np.concatenate(parts)
            parts, n_parts = [], 0
        rate = next_rate
        parts.append(block)
        n_parts += len(block)
    if parts:
        yield rate, np.concatenate(parts)
