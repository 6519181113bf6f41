"""API keys: made, listed, revoked, and told from one another by their hash."""

from relaylib.server.keys.controller import KeyController

__all__ = ["KeyController"]
