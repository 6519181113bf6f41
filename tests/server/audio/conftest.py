"""A server without workers, and the steps of its clients."""

from steps import seeds, settings, steps

__all__ = ["seeds", "settings", "steps"]
