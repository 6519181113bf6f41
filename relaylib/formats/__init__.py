"""Annotations in and out of the formats that people already use."""
