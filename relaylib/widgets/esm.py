"""One script from several: anywidget takes a single ES module, and we write small ones."""

from __future__ import annotations

import re
from pathlib import Path

from relaylib.errors import ParameterError

__all__ = ["joined"]

_IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export\s+((?:async\s+)?(?:function\*?|class|const|let)\s+(\w+))", re.MULTILINE)
_LEFT = re.compile(r"^(?:import\b|export\b(?!\s+default\b)).*", re.MULTILINE)


def joined(entry: Path) -> str:
    """Return the module `entry` and all that it imports from its folder as one module.

    Each module becomes a function that is called once and returns what it exports, so that names inside of it stay
    its own. What `entry` exports by ``export default`` is exported by the whole.

    Parameters
    ----------
    entry : Path
        A module that uses ``import { a, b } from "./c.js";`` and ``export`` before a declaration, no other forms.

    Raises
    ------
    ParameterError
        If a module is missing, imports in a circle, uses another form, or lacks a name that is imported from it.
    """
    exports: dict[str, list[str]] = {}
    parts: list[str] = []

    def add(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise ParameterError(f"{' -> '.join((*path, name))}: modules import in a circle; move what they share.")
        if name in exports:
            return
        try:
            source = (entry.parent / name).read_text(encoding="utf-8")
        except OSError as exc:
            raise ParameterError(f"{name}: {path[-1] if path else 'nobody'} imports it, but there is none.") from exc
        for _, other in _IMPORT.findall(source):
            add(other, (*path, name))
        body = _IMPORT.sub(lambda found: _bound(name, found[1], found[2], exports), source)
        exports[name] = [found[1] for found in _EXPORT.findall(body)]
        body = _EXPORT.sub(r"\1", body)
        if odd := _LEFT.search(body):
            raise ParameterError(f'{name}: {odd[0]!r} cannot be joined; write import {{ a }} from "./b.js";')
        parts.append(body if not path else _wrapped(name, body, exports[name]))

    add(entry.name, ())
    return "".join(parts)


def _variable(name: str) -> str:
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"))


def _bound(name: str, names: str, other: str, exports: dict[str, list[str]]) -> str:
    wanted = [each.strip() for each in names.split(",") if each.strip()]
    if missing := [each for each in wanted if each not in exports[other]]:
        raise ParameterError(f"{name} imports {', '.join(missing)} from {other}, which does not export it.")
    return f"const {{ {', '.join(wanted)} }} = {_variable(other)};\n"


def _wrapped(name: str, body: str, names: list[str]) -> str:
    return f"const {_variable(name)} = (() => {{\n{body}return {{ {', '.join(names)} }};\n}})();\n"
