"""The audio files of datasets: uploaded, prepared for training, fetched, removed."""

from relaylib.server.audio.controller import AudioController

__all__ = ["AudioController"]
