"""Training jobs: a published annotation set in, a model out."""

from relaylib.server.training.controller import TrainingController

__all__ = ["TrainingController"]
