"""Links of the API's description: what can be done with what an answer names, derived from the paths."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["add_links"]

_METHODS = ("get", "post", "patch", "delete")
_PARAMETER = re.compile(r"{(\w+)}")


def add_links(document: dict[str, Any]) -> None:
    """Link each operation whose answer holds an id to the operations that take it in their path.

    ``POST …/things`` and ``GET …/things`` are followed by everything at or below ``…/things/{thing_id}``; a call for
    an upload URL also by the one that confirms the upload.
    """
    paths: dict[str, Any] = document["paths"]
    for path, item in paths.items():
        for method, status, place in _sources(path):
            answer = item.get(method, {}).get("responses", {}).get(status)
            if answer is None:
                continue
            links: dict[str, Any] = {}
            parent = path.removesuffix("/upload-url")
            for target_path, parameter in _below(parent, paths):
                name = parameter if path != parent else "id"
                links |= _links(paths[target_path], target_path, {parameter: f"$response.body#{place}/{name}"})
            confirm = paths.get(f"{parent}/confirm", {}) if path != parent else {}
            if confirm:
                name = next(parameter for _, parameter in _below(parent, paths))
                body = {name: f"$response.body#/{name}"}
                links |= {
                    key: {**link, "requestBody": body} for key, link in _links(confirm, f"{parent}/confirm", {}).items()
                }
            if links:
                answer["links"] = links


def _sources(path: str) -> list[tuple[str, str, str]]:
    """Return (method, status, pointer) of the answers at a path that can hold ids."""
    if path.endswith("/auth/api-keys"):
        return [("post", "201", "")]
    return [("post", "200", ""), ("post", "201", ""), ("get", "200", "/items/0")]


def _below(parent: str, paths: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (path, parameter) of the paths that go on with a parameter."""
    found = []
    for path in paths:
        rest = path.removeprefix(f"{parent}/")
        if rest != path and (match := _PARAMETER.match(rest)):
            found.append((path, match[1]))
    return found


def _links(item: dict[str, Any], path: str, known: dict[str, str]) -> dict[str, Any]:
    """Return a link to every operation at `path` whose parameters are known; others come from the same request."""
    names = _PARAMETER.findall(path)
    unknown = names[names.index(next(iter(known))) + 1 :] if known else []
    if unknown:
        return {}
    parameters = {name: known.get(name, f"$request.path.{name}") for name in names}
    return {
        operation["operationId"]: {"operationId": operation["operationId"], "parameters": parameters}
        for method in _METHODS
        if (operation := item.get(method)) is not None
    }
