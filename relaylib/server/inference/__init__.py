"""Inference jobs: a model and files in, detections out."""

from relaylib.server.inference.controller import InferenceController, InferenceFileController

__all__ = ["InferenceController", "InferenceFileController"]
