"""An end to waiting."""

import asyncio
import logging

import pytest

from relaylib.server.within import within


async def answer(what):
    return what


async def fail():
    raise ZeroDivisionError


def test_what_comes_in_time_is_given():
    assert asyncio.run(within(60, answer("yes"))) == "yes"
    with pytest.raises(ZeroDivisionError):
        asyncio.run(within(60, fail()))


def test_what_cannot_be_called_off_is_not_waited_for(caplog):
    """As a connection to a database that is frozen: its end comes later, and nobody hears of it."""
    ended = []

    async def hang(over):
        try:
            await asyncio.Event().wait()
        finally:
            await over.wait()
            ended.append(True)
            raise ZeroDivisionError

    async def scenario():
        over = asyncio.Event()
        with pytest.raises(asyncio.TimeoutError):
            await within(0.01, hang(over))
        assert not ended
        over.set()
        await asyncio.sleep(0.01)

    with caplog.at_level(logging.ERROR):
        asyncio.run(scenario())
    assert ended == [True]
    assert caplog.text == ""


def test_who_is_called_off_calls_off_what_it_waits_for():
    async def scenario():
        begun, stopped = asyncio.Event(), asyncio.Event()

        async def hang():
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()

        waiting = asyncio.create_task(within(60, hang()))
        await begun.wait()
        waiting.cancel()
        await asyncio.wait_for(stopped.wait(), 10)

    asyncio.run(scenario())
