"""The version, where the build and the saved detector read it."""

__version__ = "0.1.0"
