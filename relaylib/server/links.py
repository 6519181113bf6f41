"""Links of the API's description: what can be done with what a call has made, derived from the paths."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["add_links"]

_METHODS = ("get", "post", "patch", "delete")
_PARAMETER = re.compile(r"{(\w+)}")
_CONFIRM = "/confirm"


def add_links(document: dict[str, Any]) -> None:
    """Link each operation that makes something to the operations that take its id in their path.

    ``POST …/things`` is followed by everything at or below ``…/things/{thing_id}``; a call for an upload URL by what
    concerns the file, and by the one that confirms the upload. Lists have no links, since they may be empty.
    """
    paths: dict[str, Any] = document["paths"]
    for path, item in paths.items():
        responses = item.get("post", {}).get("responses", {})
        answer = responses.get("201") or responses.get("200")
        if answer is None:
            continue
        parent = path.removesuffix("/upload-url")
        links: dict[str, Any] = {}
        for target, parameter in _below(parent, paths):
            name = "id" if path == parent else parameter
            links |= _links(paths[target], target, {parameter: f"$response.body#/{name}"})
            if path != parent:
                body = {parameter: f"$response.body#/{parameter}"}
                confirm = _links(paths.get(parent + _CONFIRM, {}), parent + _CONFIRM, {})
                links |= {key: {**link, "requestBody": body} for key, link in confirm.items()}
        if links:
            answer["links"] = links


def _below(parent: str, paths: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (path, parameter) of the paths that go on with a parameter; a confirmation needs more than that."""
    found = []
    for path in paths:
        match = _PARAMETER.match(path.removeprefix(f"{parent}/")) if path.startswith(f"{parent}/") else None
        if match is not None and not path.endswith(_CONFIRM):
            found.append((path, match[1]))
    return found


def _links(item: dict[str, Any], path: str, known: dict[str, str]) -> dict[str, Any]:
    """Return a link to every operation at `path` whose parameters are known; others come from the same request."""
    names = _PARAMETER.findall(path)
    if known and names[-1] not in known:
        return {}
    parameters = {name: known.get(name, f"$request.path.{name}") for name in names}
    return {
        operation["operationId"]: {"operationId": operation["operationId"], "parameters": parameters}
        for method in _METHODS
        if (operation := item.get(method)) is not None
    }
