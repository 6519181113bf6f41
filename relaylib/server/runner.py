"""From settings to a server that listens."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import uvicorn

from relaylib.errors import RelayError
from relaylib.models.encoder import check_encoder
from relaylib.server.app import create_app
from relaylib.server.bootstrap import exclusive, first_key, opened_database
from relaylib.server.connection import Connection
from relaylib.server.logs import configure_logging
from relaylib.server.settings import Settings

__all__ = ["serve"]

_REST_S = 75
"""How long a connection may rest: longer than at clients and proxies, or one closes it while the other sends."""

_GRACE_S = 3
"""How long requests that are being answered may take after SIGTERM."""


def serve(settings: Settings, *, say: Callable[[str], object]) -> None:
    """Serve until told to stop; `say` shows the address, and the first key once.

    Raises
    ------
    RelayError
        If the encoder is unknown, or the folder, the address, the database or the store cannot be used.
    """
    if settings.cluster is not None:
        raise RelayError("--cluster: work on a cluster is not available in this version; leave it out.")
    check_encoder(settings.encoder)
    _check_public_url(settings.public_url)
    configure_logging(settings.log_level, settings.log_format)
    listener = _listen(settings.host, settings.port)
    with exclusive(settings.data_dir):  # all that can fail is tried here first, where it is told in one line
        app = create_app(settings)
        key = asyncio.run(_first_key(settings))
    if key is not None:
        say(f"API key: {key}\nIt is not shown again; `keys create` makes others.")
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    base_url = settings.public_url or f"http://{host}:{listener.getsockname()[1]}"
    say(f"Documentation: {base_url.rstrip('/')}/docs")
    _run(app, listener)


def _run(app: object, listener: socket.socket) -> None:
    """Run the application on a socket; SIGTERM and SIGINT end it after `_GRACE_S`."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        lifespan="on",
        loop="uvloop",
        http=Connection,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_REST_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = uvicorn.Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stopped)
    server.run(sockets=[listener])
    if not server.started:
        raise RelayError("the server could not start; the log above says why.")


def _stopped(number: int, frame: object) -> None:
    """Do nothing: uvicorn has stopped in order when it sends the signal on, and so the exit status is 0."""


async def _first_key(settings: Settings) -> str | None:
    async with opened_database(settings) as db:
        await db.check()
        return await first_key(db)


def _check_public_url(url: str | None) -> None:
    """Raise `RelayError` if clients could not use the address."""
    problem = RelayError(
        f"--public-url: {url!r} is no address of a server; write one such as https://relay.example.com."
    )
    try:
        parts = urlsplit(url or "http://unset")
    except ValueError:
        raise problem from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise problem


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as exc:
        reason = os.strerror(exc.errno) if exc.errno and exc.errno > 0 else exc.strerror
        raise RelayError(f"cannot listen at {host}:{port} ({reason}); choose another by --host or --port.") from exc
