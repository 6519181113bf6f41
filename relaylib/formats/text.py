"""Text that label files are made of: bytes to text, lines, decimal seconds to whole ms, names that fit."""

from __future__ import annotations

import codecs
import re
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path, PurePath
from typing import Literal

from relaylib.errors import FormatError, ParameterError

__all__ = [
    "decode",
    "is_number",
    "lines_of",
    "moved",
    "ms_of",
    "one_line",
    "read_text",
    "seconds_of",
    "share_of",
    "span_of",
]

_EXACT = Context(prec=40)
"""What times are reckoned in: the precision of the program around us may be that of its money."""

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d{1,3})?")
_MOST_MS, _MOST_S = 10**12, 10**9  # 31 years: beyond it a column was mistaken for a time


def decode(data: bytes, path: PurePath) -> str:
    """Return `data` as text: UTF-8, or UTF-16 with its byte order mark (Praat writes both).

    Raises
    ------
    FormatError
        If the bytes are neither; the message names the line.
    """
    bom, encoding = next(((bom, name) for bom, name in _BOMS if data.startswith(bom)), (b"", "utf-8"))
    data = data[len(bom) :]
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise FormatError(
            f"{path}, line {line}: byte 0x{data[exc.start]:02X} is not {encoding.upper()} text; "
            "if this is a label file, save it as text in UTF-8."
        ) from exc


def read_text(path: Path) -> str:
    """Return the text of the file at `path`, see :func:`decode`."""
    return decode(path.read_bytes(), path)


def lines_of(text: str) -> list[str]:
    """Return the lines of `text`, ended by LF, CRLF or CR and by nothing else."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def is_number(text: str) -> bool:
    """Return whether `text` is a decimal number, with a point or, as some tools write it, a comma."""
    return _NUMBER.fullmatch(text) is not None


def ms_of(number: str, *, unit: Literal["s", "ms"] = "s") -> int:
    """Return a decimal time as whole ms, rounded to the nearest (halves up), without passing by a float.

    Raises
    ------
    ParameterError
        If it is no number, or too large to be a time in a recording.

    Examples
    --------
    >>> ms_of("1.6735"), ms_of("0,45"), ms_of("1200.0", unit="ms")
    (1674, 450, 1200)
    """
    value = _EXACT.multiply(_decimal(number, unit), 1000 if unit == "s" else 1)
    return int(value.to_integral_value(ROUND_HALF_UP, _EXACT))


def share_of(text: str) -> float:
    """Return a confidence, which has to be a decimal number, as a float.

    Raises
    ------
    ParameterError
        If it is no number.
    """
    if not is_number(text):
        raise ParameterError(f"confidence {text!r} is not a number from 0 to 1.")
    return float(text.replace(",", "."))


def _decimal(number: str, unit: str) -> Decimal:
    text = number.strip()
    if not is_number(text):
        raise ParameterError(f"{number!r} is not a time in {unit}.")
    value = _value(text)
    if value.copy_abs() > (_MOST_S if unit == "s" else _MOST_MS):
        raise ParameterError(f"{number!r} is too large for a time in {unit}.")
    return value


def _value(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


def span_of(start: str, end: str) -> tuple[int, int]:
    """Return decimal seconds as ``(start_ms, end_ms)``; a span that rounding would empty keeps 1 ms."""
    start_ms, end_ms = ms_of(start), ms_of(end)
    if start_ms == end_ms and _decimal(start, "s") < _decimal(end, "s"):
        end_ms += 1
    return start_ms, end_ms


def moved(time: str, *, by: str, since: str = "0") -> str:
    """Return ``time + by - since``, which are decimal seconds, exactly.

    Examples
    --------
    >>> moved("3661.2345", by="0,1", since="0.05")
    '3661.2845'
    """
    start, end, before = map(_value, (time, by, since))
    return str(_EXACT.add(start, _EXACT.subtract(end, before)))


def seconds_of(ms: int, *, digits: int = 3) -> str:
    """Return `ms` as decimal seconds with `digits` >= 3 decimals, exactly.

    Examples
    --------
    >>> seconds_of(1673), seconds_of(80, digits=6)
    ('1.673', '0.080000')
    """
    return f"{ms // 1000}.{ms % 1000:03d}{'0' * (digits - 3)}"


def one_line(name: str, format_name: str) -> str:
    """Return `name` where it fits a field of a line-based format, else raise.

    Raises
    ------
    ParameterError
        If a tab or line break, or a space at either end, would change it on the way back.
    """
    if name != name.strip() or re.search(r"[\t\r\n]", name):
        raise ParameterError(
            f"{format_name} cannot hold the name {name!r}: no tabs, line breaks or outer spaces; "
            "rename it, or use csv or the JSON manifest."
        )
    return name
