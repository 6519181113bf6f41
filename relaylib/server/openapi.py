"""The API's description, OpenAPI 3.1: made from the routes, completed by what is true of all of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Litestar, Router
from litestar.openapi import OpenAPIConfig

import relaylib.api as wire
from relaylib.server.auth import KEY_HEADER
from relaylib.server.examples import EXAMPLES
from relaylib.server.links import add_links
from relaylib.server.uploads import content_type_pattern
from relaylib.version import __version__

__all__ = ["describe", "operations"]

_DESCRIPTION = """\
Label artifacts in synthetic speech, train a detector on the labels, and find artifacts in new recordings.

Every call carries an API key in the header `X-API-Key`. Ids are UUIDs, times are ISO 8601 in UTC, positions in audio
are whole milliseconds. Audio is uploaded in three steps: ask for an upload URL, post the file there as a form, confirm.
Errors have `detail`: a sentence, or for status 422 a list of the fields that break their rules."""

_METHODS = ("get", "post", "patch", "delete")
_EITHER = {
    "ConfirmAudio": ("audio_id", "file_id"),
    "ConfirmFile": ("file_id", "audio_id"),
    "CreateAudioUpload": ("file_size", "file_size_bytes"),
    "CreateFileUpload": ("file_size_bytes", "file_size"),
}
"""Fields of which one has to be there."""

_ASKED = ("Create", "Update", "ArtifactTypeBody", "TrainingConfig")
"""How the names of types begin that requests are made of."""

_RULES: dict[tuple[str, str], dict[str, Any]] = {
    ("CreateAudioUpload", "content_type"): {"pattern": content_type_pattern()},
    ("CreateFileUpload", "content_type"): {"pattern": content_type_pattern()},
    ("CreateDataset", "artifact_types"): {"uniqueItems": True},
    ("UpdateDataset", "artifact_types"): {"uniqueItems": True},
    ("TrainingConfig", "artifact_types"): {"uniqueItems": True},
}
"""Rules of fields that services check."""

_TEXT = r"^[^\u0000]*$"

_ANYTHING: dict[str, Any] = {
    "title": "JsonValue",
    "description": "Any value that can be stored: numbers have at most 64 bits, text holds no U+0000.",
    "anyOf": [
        {"type": ["null", "boolean"]},
        {"type": "number", "minimum": -(2**63), "maximum": 2**63 - 1},
        {"type": "string", "pattern": _TEXT},
        {"type": "array", "items": {"$ref": "#/components/schemas/JsonValue"}},
        {
            "type": "object",
            "propertyNames": {"pattern": _TEXT},
            "additionalProperties": {"$ref": "#/components/schemas/JsonValue"},
        },
    ],
}

_WORDS = {
    "200": "Done.",
    "201": "Made.",
    "204": "Done; the answer is empty.",
    "400": "The state of things forbids it; `detail` says why.",
    "401": "The API key is missing, unknown, revoked or expired.",
    "404": "There is no such thing, or it belongs to another tenant.",
    "422": "Fields of the request break their rules; `detail` lists all of them.",
}


def describe(api: Router) -> dict[str, Any]:
    """Return the description of the routes of `api`, which must not be part of an application yet."""
    config = OpenAPIConfig(
        title="Relay API", version=__version__, description=_DESCRIPTION, use_handler_docstrings=True
    )
    document = Litestar([api], openapi_config=config, logging_config=None).openapi_schema.to_schema()
    document = _with_short_names(document)
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(_exact_schemas())
    components["securitySchemes"] = {"ApiKeyAuth": {"type": "apiKey", "in": "header", "name": KEY_HEADER}}
    document["security"] = [{"ApiKeyAuth": []}]
    for path, method, operation in operations(document):
        _complete(path, method, operation)
    add_links(document)
    document["tags"] = [{"name": tag} for tag in dict.fromkeys(_tags(document))]
    document["paths"] = dict(sorted(document["paths"].items()))
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (path, method, operation) of a description."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Say of an operation what its handler does not: how it can fail, and what a body looks like."""
    responses = {status: answer for status, answer in operation["responses"].items() if status < "300"}
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = body.get("schema", {}).get("$ref", "").rsplit("/", 1)[-1]
    responses["401"] = _failure("Message")
    responses["422"] = _failure("Problems")
    if "{" in path or name in ("CreateTrainingJob", "CreateInferenceJob"):
        responses["404"] = _failure("Message")
    if path.endswith("/download-url"):
        responses["400"] = _failure("Message")
    if method != "get" and "/auth/" not in path and path != "/api/v1/datasets":
        responses["400"] = _failure("Message")
    for status, answer in responses.items():
        answer["description"] = _WORDS[status]
    if name in EXAMPLES:
        body["example"] = EXAMPLES[name]
    for parameter in operation.get("parameters", []):
        parameter["schema"] = _without_null(parameter["schema"])
        _without_nul(parameter["schema"])
    operation["responses"] = dict(sorted(responses.items()))


def _failure(schema: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter that is left out rather than null."""
    schema = {key: value for key, value in schema.items() if key != "default" or value is not None}
    if isinstance(schema.get("type"), list):
        kinds = [kind for kind in schema["type"] if kind != "null"]
        schema["type"] = kinds[0] if len(kinds) == 1 else kinds
    if "enum" in schema:
        schema["enum"] = [value for value in schema["enum"] if value is not None]
    members = [member for member in schema.get("oneOf", []) if member != {"type": "null"}]
    if len(members) == 1:
        return {**{key: value for key, value in schema.items() if key != "oneOf"}, **members[0]}
    return schema


def _with_short_names(document: dict[str, Any]) -> dict[str, Any]:
    """Return the description with ``DatasetSummaryPage`` for a page of dataset summaries."""
    text = re.sub(r"Page_(?:\w+\.)*(\w+?)_(?=\")", r"\1Page", json.dumps(document))
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def _exact_schemas() -> dict[str, Any]:
    """Return the schemas of the wire types as msgspec has them: Litestar's leave out the rules of what lists hold."""
    types = [value for value in vars(wire).values() if isinstance(value, type) and issubclass(value, msgspec.Struct)]
    plain = [kind for kind in types if kind is not wire.Page]
    schemas = msgspec.json.schema_components(plain, ref_template="#/components/schemas/{name}")[1]
    for kind, schema in schemas.items():
        for name, field in schema.get("properties", {}).items():
            field |= _RULES.get((kind, name), {})
            if kind.startswith(_ASKED):
                _without_nul(field)
            if name.endswith("_at"):  # msgspec says no more than that a time is a string
                text = next(member for member in field.get("anyOf", [field]) if member.get("type") == "string")
                text["format"] = "date-time"
    schemas["JsonValue"] = _ANYTHING
    for name, names in _EITHER.items():
        kinds = {field: schemas[name]["properties"][field]["anyOf"][0] for field in names}
        schemas[name]["anyOf"] = [{"required": [field], "properties": {field: kinds[field]}} for field in names]
    return schemas


def _without_nul(schema: dict[str, Any]) -> None:
    """Say of the strings of a request that they hold no U+0000, which databases cannot store."""
    if schema.get("type") == "string" and not {"pattern", "format", "enum"} & set(schema):
        schema["pattern"] = _TEXT
    if schema.get("type") == "object":
        schema |= {member: _ANYTHING["anyOf"][-1][member] for member in ("propertyNames", "additionalProperties")}
    for inner in [*schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]:
        _without_nul(inner)


def _tags(document: dict[str, Any]) -> Iterator[str]:
    for _, _, operation in operations(document):
        yield from operation.get("tags", [])
