"""Scores in, detections out."""
