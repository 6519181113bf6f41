"""A web server to be told what to answer, and clients of it."""

import signal

import pytest
from web_server import KEY, Web

from relaylib.client import Client, RetryPolicy

QUICK = RetryPolicy(retries=3, first_wait_s=0.01, most_wait_s=0.02, total_s=5.0)


@pytest.fixture
def web():
    """Give a server that answers as it is told."""
    server = Web()
    yield server
    server.close()


@pytest.fixture
def client(web):
    """Give a client of it that loses no time between tries."""
    with Client(web.url, KEY, retries=QUICK, timeout=5.0) as made:
        yield made


@pytest.fixture
def interruptible():
    """Let an interrupt raise, also where the tests run in the background and the shell has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
