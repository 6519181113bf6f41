"""Links of the API's description: what can be done with what a call has made, most of them derived from the paths."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["add_links"]

_METHODS = ("get", "post", "patch", "delete")
_PARAMETER = re.compile(r"{(\w+)}")
_CONFIRM = "/confirm"
_FILE_NAMES = ("audio_id", "file_id")

_JOB = {"job_id": "$request.path.job_id"}
_DATASET = {"dataset_id": "$request.path.dataset_id"}
_SET = {**_DATASET, "annotation_set_id": "$request.path.annotation_set_id"}
_FIRST = {**_SET, "annotation_id": "$response.body#/annotations/0/id"}
_SPAN = {"audio_file_id": "$response.body#/audio_file_id", "artifact_type": "$response.body#/artifact_type"}
_TRAINED_ON = {"dataset_id": "$response.body#/dataset_id", "annotation_set_id": "$response.body#/id"}
_MODEL = {"model_id": "$response.body#/id"}

_FURTHER: tuple[tuple[str, str, dict[str, str], dict[str, Any]], ...] = (
    ("create_annotation", "create_annotation", _SET, _SPAN),
    ("create_annotation", "publish_annotation_set", _SET, {}),
    ("create_annotations", "update_annotation", _FIRST, {}),
    ("create_annotations", "delete_annotation", _FIRST, {}),
    ("create_annotations", "publish_annotation_set", _SET, {}),
    ("publish_annotation_set", "get_annotation_set", _SET, {}),
    ("publish_annotation_set", "create_training_job", {}, _TRAINED_ON),
    ("confirm_audio_upload", "get_audio", {**_DATASET, "audio_id": "$response.body#/audio_id"}, {}),
    ("confirm_inference_file", "get_inference_file", {**_JOB, "file_id": "$response.body#/id"}, {}),
    ("get_training_job", "get_model", {"model_id": "$response.body#/model_id"}, {}),
    ("get_model", "create_inference_job", {}, _MODEL),
    ("get_model", "update_model", _MODEL, {}),
    ("get_model", "delete_model", _MODEL, {}),
)
"""What paths do not tell: (operation, the one that follows, its parameters, fields of its body)."""


def add_links(document: dict[str, Any]) -> None:
    """Link each operation whose answer holds an id to the operations that take it.

    ``POST …/things`` is followed by everything at or below ``…/things/{thing_id}``; a call for an upload URL by what
    concerns the file, and by the one that confirms the upload. Lists have no links, since they may be empty.
    """
    paths: dict[str, Any] = document["paths"]
    for path, item in paths.items():
        responses = item.get("post", {}).get("responses", {})
        answer = responses.get("201") or responses.get("200")
        if answer is not None and (links := _links_from(path, paths)):
            answer["links"] = links
    _add_further(paths)


def _links_from(path: str, paths: dict[str, Any]) -> dict[str, Any]:
    """Return the links of the call that makes something at `path`."""
    parent = path.removesuffix("/upload-url")
    links: dict[str, Any] = {}
    for target, parameter in _below(parent, paths):
        name = "id" if path == parent else parameter
        links |= _links(paths[target], target, {parameter: f"$response.body#/{name}"})
    if path != parent:
        body = {name: f"$response.body#/{name}" for name in _FILE_NAMES}
        confirm = _links(paths.get(parent + _CONFIRM, {}), parent + _CONFIRM, {})
        links |= {key: {**link, "requestBody": body} for key, link in confirm.items()}
    return links


def _add_further(paths: dict[str, Any]) -> None:
    by_id = {
        item[method]["operationId"]: item[method] for item in paths.values() for method in _METHODS if method in item
    }
    for source, target, parameters, body in _FURTHER:
        answer = next(answer for status, answer in by_id[source]["responses"].items() if status < "300")
        link = {"operationId": target, "parameters": parameters, **({"requestBody": body} if body else {})}
        answer.setdefault("links", {})[target] = link


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
