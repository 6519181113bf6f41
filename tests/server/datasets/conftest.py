"""A server without workers."""

from steps import settings

__all__ = ["settings"]
