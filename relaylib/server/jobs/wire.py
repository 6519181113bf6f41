"""What the server and its workers say to each other: JSON, each message led by its length in four bytes."""

from __future__ import annotations

import asyncio
from typing import BinaryIO

import msgspec

from relaylib.server.jobs.tasks import Detected, Prepared, Progress, Task, Trained

__all__ = ["Away", "Crashed", "Failed", "Message", "Ready", "pack", "read_message", "read_task"]

_PREFIX = 4


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The worker has loaded what it needs and waits for a task."""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The task, or loading the encoder, failed for a reason that would stop it again."""

    reason: str


class Away(msgspec.Struct, frozen=True, tag=True):
    """The storage could not be used for the task; the worker waits for another."""

    reason: str


class Crashed(msgspec.Struct, frozen=True, tag=True):
    """The worker met something it isn't made for (no memory, a full disk), and ends."""

    reason: str


Message = Ready | Failed | Away | Crashed | Progress | Prepared | Trained | Detected

_messages = msgspec.json.Decoder(Message)
_tasks: msgspec.json.Decoder[Task] = msgspec.json.Decoder(Task)


def pack(message: Task | Message) -> bytes:
    """Return a message as it goes through a pipe."""
    body = msgspec.json.encode(message)
    return len(body).to_bytes(_PREFIX, "big") + body


async def read_message(stream: asyncio.StreamReader) -> Message:
    """Return the next message of a worker.

    Raises
    ------
    asyncio.IncompleteReadError
        If the worker has gone.
    """
    length = int.from_bytes(await stream.readexactly(_PREFIX), "big")
    return _messages.decode(await stream.readexactly(length))


def read_task(stream: BinaryIO) -> Task | None:
    """Wait for the next task of a server, None once it has gone; `stream` has to be buffered."""
    prefix = stream.read(_PREFIX)
    body = stream.read(int.from_bytes(prefix, "big"))
    if len(prefix) < _PREFIX or len(body) < int.from_bytes(prefix, "big"):
        return None
    return _tasks.decode(body)
