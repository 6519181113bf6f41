"""Datasets: what holds audio files and annotation sets, and names the artifact types."""

from relaylib.server.datasets.controller import DatasetController

__all__ = ["DatasetController"]
