"""Texts to speak: sayings from the `fortunes` packages of Debian, in several languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

__all__ = ["draw", "load_texts", "sentences"]

FOLDER = Path("/usr/share/games/fortunes")

# language -> how the names of its files begin, in this folder or one of its own
_FILES = {
    "en": ("computers", "cookie", "education", "food", "humorists", "linux", "literature", "news", "people", "science"),
    "de": ("de/",),
    "es": ("es/",),
    "fr": ("fr/",),
    "it": ("it/", "italia"),
    "cs": ("cs/",),
    "pl": ("pl/",),
    "ru": ("ru/",),
    "pt": ("br/", "brasil"),
}

_SHORT = (
    *("Yes.", "No, thank you.", "One moment, please.", "What time is it?", "Call me back at half past nine."),
    *("Your order has been shipped.", "Turn left after two hundred metres.", "The number is 4 0 7 7 2 5 9 1 3."),
)


@cache
def load_texts() -> dict[str, list[str]]:
    """Return sentences by language; where a language's package is not installed, English ones stand for it."""
    found = {}
    for language, beginnings in _FILES.items():
        paths = [path for path in sorted(FOLDER.rglob("*")) if _is_of(path, beginnings)]
        sayings = [part for path in paths for part in path.read_text("utf-8", "replace").split("\n%")]
        found[language] = [text for saying in sayings for text in sentences(saying)]
    found["en"] += _SHORT * 5
    return {language: texts if len(texts) > 50 else found["en"] for language, texts in found.items()} | {
        "any": found["en"]
    }


def sentences(saying: str) -> list[str]:
    """Return what of a saying can be spoken, in pieces of 15 to 300 letters."""
    plain = " ".join(re.sub(r"--.*|\[.*?\]|[*_~|<>{}#=+/\\^]|\x1b\[[0-9;]*m|\x08", " ", saying).split())
    pieces = re.split(r"(?<=[.!?;:])\s+", plain)
    return [piece for piece in pieces if 15 <= len(piece) <= 300 and sum(c.isalpha() for c in piece) > 0.6 * len(piece)]


def draw(texts: Mapping[str, list[str]], language: str, rng: np.random.Generator, n_letters: int) -> str:
    """Return consecutive sentences in a language, about `n_letters` of them."""
    own = texts[language]
    at = int(rng.integers(len(own)))
    chosen, length = [], 0
    while length < n_letters:
        chosen.append(own[at % len(own)])
        length += len(chosen[-1])
        at += 1
    return " ".join(chosen)


def _is_of(path: Path, beginnings: tuple[str, ...]) -> bool:
    name = path.relative_to(FOLDER).as_posix()
    return path.is_file() and path.suffix not in (".dat", ".u8") and name.startswith(beginnings)
