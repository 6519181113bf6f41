"""Requests against their types: bodies are read here, and what fails is gathered in full."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, get_type_hints

import msgspec
from litestar import Request
from litestar.exceptions import InternalServerException, ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import ParameterKwarg

from relaylib.api import Problem
from relaylib.server.errors import InvalidError, RefusedError
from relaylib.server.fields import MAX_DEPTH, field_problems, is_too_deep, missing, text_problems

__all__ = ["MAX_BODY_BYTES", "JsonRequest", "read_body", "refuse_null", "request_problems"]

MAX_BODY_BYTES = 16_000_000
"""Largest JSON body that is taken."""

_SUSPECT = re.compile(rb"\\u0000|[0-9]{19}")  # what `text_problems` looks for is seldom there; this is quick
_MALFORMED = "value_error.jsondecode"
_HALF_A_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u|\Z)")


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body is JSON whatever its Content-Type says, and is checked as a whole."""

    async def body(self) -> bytes:
        """Return the bytes of the body.

        Raises
        ------
        RefusedError
            If the client leaves before it has sent them all.
        """
        try:
            return await super().body()
        except InternalServerException as exc:
            raise RefusedError("The body ended early; send it again.") from exc

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
            return read_body(body, Any if field is None else field.annotation)
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
        if _SUSPECT.search(body) or body.count(b"{") + body.count(b"[") > MAX_DEPTH:
            _check_plain(msgspec.to_builtins(value))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _second_look(body, annotation)
    return value


def refuse_null(request: Request[Any, Any, Any]) -> None:
    """Refuse ``null`` in the query, which Litestar takes for a parameter that was left out; for before a handler runs.

    Raises
    ------
    InvalidError
    """
    if b"null" in request.scope["query_string"].lower() and (problems := _parameter_problems(request)):
        raise InvalidError(problems)


def request_problems(request: Request[Any, Any, Any], error: ValidationException) -> list[Problem]:
    """Return what is wrong with a request that Litestar refused before its handler ran."""
    refused = [entry for entry in error.extra or [] if isinstance(entry, dict)]
    problems = _parameter_problems(request)
    if any(entry.get("key") == "data" for entry in refused):
        problems.append(missing("body"))
    return problems or [Problem(["query"], entry.get("message", error.detail), "value_error") for entry in refused]


def _second_look(body: bytes, annotation: Any) -> Any:
    """Return what a body holds if only whole numbers were written with a point; else raise with all that is wrong."""
    plain = _with_whole_numbers(_plain(body))
    if plain is None:
        raise InvalidError([missing("body")])
    if problems := field_problems(plain, annotation, ("body",)):
        raise InvalidError(problems + text_problems(plain, ("body",)))
    value = msgspec.convert(plain, annotation)
    _check_plain(msgspec.to_builtins(value))
    return value


def _check_plain(value: Any) -> None:
    """Refuse what no database can hold, and what is nested too deeply for later steps."""
    if is_too_deep(value):
        raise InvalidError.at("body", msg="is nested too deeply", type=_MALFORMED)
    if problems := text_problems(value, ("body",)):
        raise InvalidError(problems)


def _with_whole_numbers(value: Any) -> Any:
    """Return a JSON value in which 5.0 is 5: to JSON they are the same number."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, list):
        return [_with_whole_numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: _with_whole_numbers(item) for key, item in value.items()}
    return value


def _plain(body: bytes) -> Any:
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        raise InvalidError.at("body", msg="is nested too deeply", type=_MALFORMED) from None
    except msgspec.ValidationError as error:  # a number that no type can hold
        raise InvalidError.at("body", msg=str(error).split(" - at `")[0], type=_MALFORMED) from None
    except (msgspec.MsgspecError, ValueError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        if reason == "Input data was truncated" and _HALF_A_PAIR.search(body):
            reason = "a surrogate (\\ud800 to \\udbff) stands without its other half"
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
            problems += _query_problems(request.query_params[alias], annotation, alias)
    return problems


def _query_problems(value: str, annotation: Any, alias: str) -> list[Problem]:
    problems = field_problems(value, annotation, ("query", alias), strict=False)
    if not problems and msgspec.convert(value, annotation, strict=False) is None:
        return [Problem(["query", alias], "must be left out instead of null", "type_error")]
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
            yield name, kwarg.name if isinstance(kwarg, ParameterKwarg) and kwarg.name else name, hints[name]
