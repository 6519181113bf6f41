"""Models: what completed trainings leave behind."""

from relaylib.server.models.controller import ModelController

__all__ = ["ModelController"]
