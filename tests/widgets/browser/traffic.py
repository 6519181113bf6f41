"""Every address that a browser context asks for, by HTTP or by websocket."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page


class Traffic:
    """The record of one context, its later pages and workers included."""

    def __init__(self, context: BrowserContext) -> None:
        self.urls: list[str] = []
        context.on("request", lambda request: self.urls.append(request.url))
        context.on("page", self._watch)

    def _watch(self, page: Page) -> None:
        page.on("websocket", lambda socket: self.urls.append(socket.url))

    def websockets(self) -> list[str]:
        """Return the addresses of the websockets."""
        return [url for url in self.urls if urlsplit(url).scheme in ("ws", "wss")]

    def abroad(self) -> list[str]:
        """Return what went anywhere but to this machine; data and blobs of the page itself go nowhere."""
        return [
            url
            for url in self.urls
            if urlsplit(url).scheme not in ("data", "blob") and not is_here(urlsplit(url).hostname)
        ]


def is_here(host: str | None) -> bool:
    """Say whether `host` is this machine.

    Examples
    --------
    >>> [is_here(host) for host in ("127.0.0.9", "::1", "localhost", "relay.localhost", "127.0.0.1.example.org")]
    [True, True, True, True, False]
    """
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return f".{host}".endswith(".localhost")
