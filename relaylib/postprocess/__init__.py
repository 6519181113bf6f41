"""Scores in, detections out."""

from relaylib.postprocess.decode import decode, spans_of_type

__all__ = ["decode", "spans_of_type"]
