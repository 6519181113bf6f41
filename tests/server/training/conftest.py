"""A server without workers: tests do the work themselves, step by step."""

from steps import settings

__all__ = ["settings"]
