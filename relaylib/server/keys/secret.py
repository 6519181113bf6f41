"""What a key looks like, and what is kept of it."""

from __future__ import annotations

import hashlib
import secrets

__all__ = ["KEY_PREFIX", "hash_key", "new_key"]

KEY_PREFIX = "rl_live_"


def new_key() -> str:
    """Return a key that nobody else has: the prefix and 256 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """Return what is kept of a key; no salt and no slow hash, since nobody guesses 256 random bits."""
    return hashlib.sha256(key.encode()).hexdigest()
