"""Requests against their types: bodies are read here, and what fails is gathered in full."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, get_type_hints

import msgspec
from litestar import Request
from litestar.exceptions import ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import ParameterKwarg

from relaylib.api import Problem
from relaylib.server.errors import InvalidError
from relaylib.server.fields import field_problems, is_too_deep, missing, text_problems

__all__ = ["MAX_BODY_BYTES", "JsonRequest", "read_body", "request_problems"]

MAX_BODY_BYTES = 16_000_000
"""Largest JSON body that is taken."""

_SUSPECT = re.compile(rb"\\u0000|[0-9]{19}")  # what `text_problems` looks for is seldom there; this is quick
_MALFORMED = "value_error.jsondecode"


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body is JSON whatever its Content-Type says, and is checked as a whole."""

    async def json(self) -> Any:
        """Return the body as the handler's type.

        Raises
        ------
        InvalidError
            If it isn't; with what is wrong with the parameters of the path and the query too.
        """
        field = self.route_handler.parsed_data_field
        body = await self.body()
        try:
            return read_body(body, Any if field is None else field.raw)
        except InvalidError as error:
            raise InvalidError([*_parameter_problems(self), *error.problems]) from error


def read_body(body: bytes, annotation: Any) -> Any:
    """Decode a JSON body as a type.

    Raises
    ------
    InvalidError
        With every field that breaks its rule.
    """
    try:
        value = _decoder(annotation).decode(body)
        if not _SUSPECT.search(body) and body.count(b"{") + body.count(b"[") <= 64:
            return value
    except (ValueError, RecursionError):
        value = msgspec.NODEFAULT
    plain = _plain(body)
    if plain is None:
        raise InvalidError([missing("body")])
    problems = field_problems(plain, annotation, ("body",)) + text_problems(plain, ("body",))
    if problems or value is msgspec.NODEFAULT:
        raise InvalidError(problems or [Problem(["body"], "cannot be read", "value_error")])
    return value


def request_problems(request: Request[Any, Any, Any], error: ValidationException) -> list[Problem]:
    """Return what is wrong with a request that Litestar refused before its handler ran."""
    refused = [entry for entry in error.extra or [] if isinstance(entry, dict)]
    problems = _parameter_problems(request)
    if any(entry.get("key") == "data" for entry in refused):
        problems.append(missing("body"))
    return problems or [Problem(["query"], entry.get("message", error.detail), "value_error") for entry in refused]


def _plain(body: bytes) -> Any:
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        raise InvalidError.at("body", msg="is nested too deeply", type=_MALFORMED) from None
    except msgspec.ValidationError as error:  # a number that no type can hold
        raise InvalidError.at("body", msg=str(error).split(" - at `")[0], type=_MALFORMED) from None
    except ValueError as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise InvalidError.at("body", msg=f"is not JSON: {reason}", type=_MALFORMED) from None
    if is_too_deep(value):
        raise InvalidError.at("body", msg="is nested too deeply", type=_MALFORMED)
    return value


@cache
def _decoder(annotation: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(annotation)


def _parameter_problems(request: Request[Any, Any, Any]) -> list[Problem]:
    problems: list[Problem] = []
    for name, alias, annotation in _parameters(request.route_handler):
        if name in request.path_params:
            problems += field_problems(request.path_params[name], annotation, ("path", name), strict=False)
        elif alias in request.query_params:
            problems += field_problems(request.query_params[alias], annotation, ("query", alias), strict=False)
    return problems


def _parameters(handler: HTTPRouteHandler) -> Iterator[tuple[str, str, Any]]:
    """Yield (name, name in the query, type) of what a handler and its dependencies take from path and query."""
    dependencies = handler.resolve_dependencies()
    waiting, seen = [(handler.signature_model, handler.parsed_fn_signature)], {"data", "request", *dependencies}
    waiting += [(provide.signature_model, provide.parsed_fn_signature) for provide in dependencies.values()]
    for model, signature in waiting:
        hints = get_type_hints(model, include_extras=True)
        for name in [name for name in signature.parameters if name not in seen]:
            seen.add(name)
            kwarg = signature.parameters[name].kwarg_definition
            yield name, kwarg.query if isinstance(kwarg, ParameterKwarg) and kwarg.query else name, hints[name]
