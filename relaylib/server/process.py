"""A server of one's own, beside the program that wants it: for notebooks, tests and benchmarks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import httpx

from relaylib.errors import RelayError

__all__ = ["ServerProcess"]


class ServerProcess:
    """``python -m relaylib.server`` as a child process on this machine, with a key to it.

    Parameters
    ----------
    data_dir : path
        Where it keeps everything; a folder that was used before goes on.
    port : int, optional
        A free one when left out.
    options : mapping of str to str, optional
        More settings by the name of their flag, such as ``{"database-url": "postgresql://…"}``.
    environment : mapping of str to str, optional
        Variables beside the present ones.
    start_timeout_s : float
        How long it may take to answer.

    Attributes
    ----------
    url : str
        Its address, to be given to a client.
    key : str
        An API key, made for this run.

    Examples
    --------
    >>> with ServerProcess("relay-data") as server:        # doctest: +SKIP
    ...     client = Client(server.url, server.key)
    """

    def __init__(
        self,
        data_dir: str | os.PathLike[str],
        *,
        port: int | None = None,
        options: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        start_timeout_s: float = 60.0,
    ) -> None:
        self.data_dir = Path(data_dir)
        self.port = _free_port() if port is None else port
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = ""
        self._options = [part for name, value in (options or {}).items() for part in (f"--{name}", value)]
        self._environment = {**os.environ, **(environment or {})}
        self._timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ServerProcess:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def log(self) -> Path:
        """What the server writes."""
        return self.data_dir / "server.log"

    @property
    def pid(self) -> int:
        """Number of the server's process."""
        if self._process is None:
            raise RelayError("the server is not running.")
        return self._process.pid

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises
        ------
        RelayError
            If it ends, or does not answer in time; the message ends with what it wrote last.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if not self.key:
            self.key = self._create_key()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_COMMAND, *self._where(), "--port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
            )
        deadline = time.monotonic() + self._timeout_s
        while not self._answers():
            if self._process.poll() is not None:
                raise RelayError(f"the server ended with status {self._process.returncode}: {self._last_words()}")
            if time.monotonic() > deadline:
                self.kill()
                raise RelayError(f"the server did not answer within {self._timeout_s:g} s: {self._last_words()}")
            time.sleep(0.05)

    def stop(self, timeout_s: float = 30.0) -> int | None:
        """Ask the server to stop, wait for it, and return its exit status; None if it wasn't running."""
        if self._process is None:
            return None
        self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        return self._process.returncode

    def kill(self) -> None:
        """End the server as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def _where(self) -> list[str]:
        return ["--data-dir", str(self.data_dir), *self._options]

    def _create_key(self) -> str:
        done = subprocess.run(
            [*_COMMAND, *self._where(), "keys", "create", "--name", "server process"],
            capture_output=True,
            text=True,
            env=self._environment,
            check=False,
        )
        if done.returncode:
            raise RelayError(f"no key could be made: {done.stderr.strip()}")
        return done.stdout.strip()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5.0).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _last_words(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:]


_COMMAND = (sys.executable, "-m", "relaylib.server")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
