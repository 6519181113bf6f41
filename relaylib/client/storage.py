"""Files to and from the storage behind the API, piece by piece: none is ever in memory as a whole."""

from __future__ import annotations

import io
import os
import re
import threading
import time
from pathlib import Path

import httpx

from relaylib.api import UploadTarget
from relaylib.client.errors import UploadError
from relaylib.client.http import Http, plain_url
from relaylib.client.retries import may_retry_answer, may_retry_failure, retry_after_s
from relaylib.errors import ParameterError, RelayError
from relaylib.files import replacing

__all__ = ["checked_size", "download", "upload"]

_STORED = httpx.codes.NO_CONTENT
_ANSWER_TIMEOUT_S = 300.0  # a storage answers once it has kept the whole file
_XML_REASON = re.compile(r"<Code>([^<]{1,100})</Code>|<Message>([^<]{1,300})</Message>")
_JSON_REASON = re.compile(r'"detail"\s*:\s*"([^"]{1,300})"')


class _Upload(io.FileIO):
    """A file that is read to the length it has now, or until somebody says stop."""

    def __init__(self, path: str | os.PathLike[str], stop: threading.Event | None) -> None:
        super().__init__(os.fspath(path))
        self._stop = stop
        self._size = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        if self._stop is not None and self._stop.is_set():
            raise UploadError(f"{self.name}: stopped before it was uploaded.")
        piece = super().read(-1 if size is None else size) or b""
        if self.tell() > self._size or (not piece and self.tell() < self._size):
            raise UploadError(f"{self.name}: changed while it was being uploaded.")
        return piece


def checked_size(path: str | os.PathLike[str]) -> int:
    """Return the size of a file in bytes.

    Raises
    ------
    ParameterError
        If it is empty or not a file.
    OSError
        If it isn't there or may not be read.
    """
    size = os.stat(path).st_size
    if not os.path.isfile(path) or not size:
        raise ParameterError(f"{os.fspath(path)}: {'an empty file' if os.path.isfile(path) else 'not a file'}.")
    return size


def upload(
    http: Http,
    target: UploadTarget,
    path: str | os.PathLike[str],
    *,
    filename: str,
    content_type: str,
    stop: threading.Event | None = None,
) -> None:
    """POST a file to where the server said; safe to repeat, as the same file goes to the same place.

    Raises
    ------
    UploadError
        If the storage refuses it, or it changes while being sent.
    ConnectionFailedError
        If the storage cannot be reached.
    """
    url = http.absolute(target.upload_url)
    timeout = httpx.Timeout(http.client.timeout)
    timeout.read = _ANSWER_TIMEOUT_S

    def send() -> httpx.Response:
        with _Upload(path, stop) as file:
            return http.client.post(
                url,
                data=target.fields,
                files={"file": (filename, file, content_type)},
                timeout=timeout,
                follow_redirects=True,  # storages send on to where a bucket is; the key is not in here
            )

    response, _ = http.repeated(send, what=f"upload of {filename} to {plain_url(url)}", repeatable=True)
    if response.status_code != _STORED and str(response.status_code) != target.fields.get("success_action_status"):
        raise UploadError(f"{filename}: the storage answered {response.status_code}{_reason(response.text)}.")


def download(http: Http, url: str, path: str | os.PathLike[str]) -> Path:
    """Fetch an object into `path`, whole or not at all.

    Raises
    ------
    RelayError
        If the storage refuses, or stops in the middle, after the usual retries.
    OSError
        If the file cannot be written.
    """
    began = time.monotonic()
    n_tries = 0
    while True:
        n_tries += 1
        asked: float | None = None
        try:
            with http.stream(url) as response:
                if response.is_success:
                    return _save(response, path)
                response.read()
                why = f"the storage answered {response.status_code}{_reason(response.text)}"
                again = may_retry_answer(response.status_code, repeatable=True)
                asked = retry_after_s(response.headers)
        except (httpx.RequestError, httpx.InvalidURL) as exc:
            why, again = str(exc) or type(exc).__name__, may_retry_failure(exc, repeatable=True)
        wait = http.retries.wait_s(n_tries, time.monotonic() - began, asked) if again else None
        if wait is None:
            raise RelayError(f"download of {Path(path).name} from {plain_url(url)}: {why}.")
        time.sleep(wait)


def _save(response: httpx.Response, path: str | os.PathLike[str]) -> Path:
    with replacing(path) as part, part.open("wb") as file:
        for piece in response.iter_bytes():
            file.write(piece)
    return Path(path)


def _reason(text: str) -> str:
    """Return what a storage says, without what else it repeats of the request (which may hold signatures)."""
    found = [next(filter(None, groups)) for groups in _XML_REASON.findall(text)] or _JSON_REASON.findall(text)
    return f" ({': '.join(found)})" if found else ""
