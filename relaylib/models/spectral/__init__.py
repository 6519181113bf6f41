"""The `spectral` encoder: hand-made features, one module for each thing they listen for."""

from relaylib.models.spectral.encoder import SpectralEncoder

__all__ = ["SpectralEncoder"]
