"""A real HTTP server that answers as it was told and remembers what it was asked."""

import hashlib
import json
import socket
import struct
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

API = "/api/v1"
KEY = "rl_live_secret0123456789"


@dataclass
class Answer:
    """What to answer; `how` is ``reset`` or ``silence`` for connections that break, ``short`` for half a body."""

    status: int = 200
    body: object = None
    headers: dict = field(default_factory=dict)
    how: str = "whole"
    after_s: float = 0.0

    @property
    def content(self):
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Asked:
    """A request as it came; of a large body only the digest and the first bytes are kept."""

    method: str
    path: str
    query: dict
    headers: dict
    body: bytes
    n_bytes: int
    sha256: str

    @property
    def json(self):
        return json.loads(self.body)


class Web:
    """The answers to each call in order, the last of them for ever; a function is given the request."""

    def __init__(self, port=0):
        self.asked, self._answers = [], defaultdict(list)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def on(self, call, *answers):
        """Say what to answer to a call such as ``GET /models``; paths that begin with // are outside of the API."""
        method, path = call.split(" ")
        self._answers[method, path[1:] if path.startswith("//") else API + path] += answers

    def calls(self, path=None):
        """Return what was asked, as ``GET /models``; only of one path if given."""
        made = [f"{a.method} {a.path.removeprefix(API)}" for a in self.asked]
        return made if path is None else [call for call in made if call.endswith(path)]

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def _next(self, asked):
        with self._lock:
            self.asked.append(asked)
            answers = self._answers[asked.method, asked.path]
            answer = (answers.pop(0) if len(answers) > 1 else answers[0]) if answers else Answer(404, {"detail": "?"})
        return answer(asked) if callable(answer) else answer

    def _handler(web):  # noqa: N805, RUF100  # `self` is the handler inside
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def reply(self):
                parts = urlsplit(self.path)
                left, kept, digest = int(self.headers.get("content-length", 0)), b"", hashlib.sha256()
                n_bytes = left
                while left:
                    piece = self.rfile.read(min(left, 1 << 16))
                    if not piece:  # the client has left
                        self.close_connection = True
                        return
                    left -= len(piece)
                    digest.update(piece)
                    kept += piece if len(kept) < 100_000 else b""
                asked = Asked(
                    self.command,
                    parts.path,
                    {name: values[0] for name, values in parse_qs(parts.query).items()},
                    {name.lower(): value for name, value in self.headers.items()},
                    kept,
                    n_bytes,
                    digest.hexdigest(),
                )
                answer = web._next(asked)
                time.sleep(answer.after_s)
                if answer.how in ("reset", "silence"):
                    if answer.how == "reset":
                        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    self.close_connection = True
                    return
                content = answer.content
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if answer.how == "short":
                    self.wfile.write(content[: len(content) // 2])
                    self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_DELETE = reply

        return Handler
