"""The error family: one root, few children, each also the built-in it resembles."""

from __future__ import annotations

__all__ = [
    "AudioDecodeError",
    "EncoderNotAvailableError",
    "FormatError",
    "ModelFormatError",
    "ParameterError",
    "RelayError",
    "TrainingError",
]


class RelayError(Exception):
    """Root of every error that relaylib raises on purpose."""


class ParameterError(RelayError, ValueError):
    """An argument or a configuration value breaks its rule."""


class AudioDecodeError(RelayError, ValueError):
    """A file is not audio that can be decoded, or its samples cannot be used."""


class FormatError(RelayError, ValueError):
    """An annotation or manifest file breaks its format; the message names the line or field."""


class ModelFormatError(RelayError, ValueError):
    """A saved detector is damaged, hostile, or does not fit the encoder or library at hand."""


class EncoderNotAvailableError(RelayError, LookupError):
    """An encoder is unknown, or its weights are not on this machine."""


class TrainingError(RelayError, ValueError):
    """The labelled material cannot train a detector; the message names the shortfall."""
