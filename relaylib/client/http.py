"""Requests to the API and to the storage behind it: sent, tried again where that is safe, and their answers judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from relaylib.client.errors import ConnectionFailedError, ResponseError, api_error
from relaylib.client.reading import read
from relaylib.client.retries import RetryPolicy, may_retry_answer, may_retry_failure, never_sent, retry_after_s
from relaylib.errors import ParameterError
from relaylib.version import __version__

__all__ = ["Http", "plain_url"]

T = TypeVar("T")

PREFIX = "/api/v1"
_EXAMPLE = "'https://api.example.com'"


def plain_url(url: str) -> str:
    """Return `url` as it may be shown: without user, password, query (which holds signatures) and fragment."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class Http:
    """Sends requests; may be used by several threads at once.

    The key goes with requests to the API alone, never to a storage or along a redirect.

    Parameters
    ----------
    base_url : str
        Address of the server, with or without ``/api/v1``.
    api_key : str
    retries : RetryPolicy
    client : httpx.Client
        What carries the requests.
    """

    def __init__(self, base_url: str, api_key: str, *, retries: RetryPolicy, client: httpx.Client) -> None:
        self.base_url = _checked_url(base_url)
        self.retries = retries
        self.client = client
        self._key = _checked_key(api_key)
        self._headers = {
            "X-API-Key": self._key,
            "Accept": "application/json",
            "User-Agent": f"relaylib/{__version__}",
        }

    def get(self, path: str, kind: type[T], *, query: Mapping[str, Any] | None = None) -> T:
        """GET a `kind`; absent query values are left out."""
        return self._call("GET", path, kind, repeatable=True, query=query)

    def post(self, path: str, kind: type[T], *, body: Any = None, repeatable: bool = False) -> T:
        """POST `body` (nothing if None); it is sent again after a failure only where it is `repeatable`."""
        return self._call("POST", path, kind, repeatable=repeatable, body=body)

    def patch(self, path: str, kind: type[T], *, body: Any) -> T:
        """PATCH with `body`."""
        return self._call("PATCH", path, kind, repeatable=True, body=body)

    def delete(self, path: str) -> None:
        """DELETE; if an earlier try was carried out and its answer lost, that the thing is gone is success."""
        response, n_tries = self._api("DELETE", path, repeatable=True)
        if response.status_code != httpx.codes.NOT_FOUND or n_tries == 1:
            self._judge(response, "DELETE", path)

    def absolute(self, url: str) -> str:
        """Return an upload or download URL with the server's address where it has none."""
        return urljoin(f"{self.base_url}/", url)

    def _call(self, method: str, path: str, kind: type[T], **options: Any) -> T:
        response, _ = self._api(method, path, **options)
        self._judge(response, method, path)
        return read(response.content, kind, what=f"{method} {PREFIX}{path}")

    def _api(
        self, method: str, path: str, *, repeatable: bool, body: Any = None, query: Mapping[str, Any] | None = None
    ) -> tuple[httpx.Response, int]:
        headers = dict(self._headers)
        content = None if body is None else msgspec.json.encode(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        given = {name: _query_text(value) for name, value in (query or {}).items() if value is not None}

        def send() -> httpx.Response:
            return self.client.request(
                method,
                f"{self.base_url}{PREFIX}{path}",
                content=content,
                params=given or None,
                headers=headers,
                follow_redirects=False,
            )

        return self.repeated(send, what=f"{method} {PREFIX}{path}", repeatable=repeatable)

    def repeated(
        self, send: Callable[[], httpx.Response], *, what: str, repeatable: bool
    ) -> tuple[httpx.Response, int]:
        """Send until there is an answer worth having or no try is left; return the last answer and how many tries.

        Raises
        ------
        ConnectionFailedError
            If the last try got no answer.
        """
        began = time.monotonic()
        n_tries = 0
        while True:
            n_tries += 1
            try:
                response = send()
            except (httpx.RequestError, httpx.InvalidURL) as exc:
                again = may_retry_failure(exc, repeatable=repeatable)
                wait = self.retries.wait_s(n_tries, time.monotonic() - began) if again else None
                if wait is None:
                    raise self._unreachable(exc, what, n_tries, repeatable=repeatable) from None
            else:
                if not may_retry_answer(response.status_code, repeatable=repeatable):
                    return response, n_tries
                wait = self.retries.wait_s(n_tries, time.monotonic() - began, retry_after_s(response.headers))
                if wait is None:
                    return response, n_tries
            time.sleep(wait)

    def stream(self, url: str) -> AbstractContextManager[httpx.Response]:
        """GET an object of the storage without the key; the body is read as it comes."""
        headers = {"Accept-Encoding": "identity", "User-Agent": self._headers["User-Agent"]}
        return self.client.stream("GET", self.absolute(url), headers=headers, follow_redirects=True)

    def _judge(self, response: httpx.Response, method: str, path: str) -> None:
        if response.is_success:
            return
        if response.is_redirect:
            to = plain_url(urljoin(str(response.request.url), response.headers.get("location", "")))
            raise ResponseError(
                f"{method} {PREFIX}{path}: the server sends requests on to {to}; give that server as base_url."
            )
        raise api_error(
            response.status_code,
            response.content,
            method=method,
            path=f"{PREFIX}{path}",
            reason=response.reason_phrase,
            request_id=response.headers.get("x-request-id"),
            secret=self._key,
        )

    def _unreachable(self, error: Exception, what: str, n_tries: int, *, repeatable: bool) -> ConnectionFailedError:
        why = str(error).replace(self._key, "***") or type(error).__name__
        tries = f" ({n_tries} tries)" if n_tries > 1 else ""
        perhaps = "" if repeatable or never_sent(error) else " It may have been carried out all the same."
        return ConnectionFailedError(f"{what}: no answer: {why}{tries}; server {plain_url(self.base_url)}.{perhaps}")


def _query_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _checked_url(base_url: str) -> str:
    url = base_url.strip().rstrip("/").removesuffix(PREFIX)
    try:
        parts = urlsplit(url)
        httpx.URL(url)
        complete = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not parts.query
    except (ValueError, httpx.InvalidURL) as exc:
        raise ParameterError(f"base_url is not an address ({exc}); need one such as {_EXAMPLE}.") from None
    if not complete:
        raise ParameterError(f"base_url={plain_url(url)!r}: need an address such as {_EXAMPLE}.")
    return url


def _checked_key(api_key: str) -> str:
    key = api_key.strip()
    if not key or not (key.isascii() and key.isprintable()) or " " in key:
        raise ParameterError("api_key is empty or has characters that no key has; copy it again, without quotes.")
    return key
