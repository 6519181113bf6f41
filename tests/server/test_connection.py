"""Connections that never come to the point: they hold neither memory nor a place for long."""

import json
import socket
import threading

import pytest
import uvicorn

from relaylib.server import connection
from relaylib.server.connection import Connection

MIB = 1 << 20


@pytest.fixture
def address():
    """Give the address of a server that answers every request with the length of its body."""

    async def app(scope, receive, send):
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        body = str(size).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", loop="uvloop", http=Connection, ws="none", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield listener.getsockname()
    server.should_exit = True
    thread.join()


def said_until_closed(client):
    said = b""
    try:
        while piece := client.recv(1 << 16):
            said += piece
    except ConnectionResetError:
        pass
    return said


@pytest.mark.parametrize(
    "start",
    [
        b"GET /",
        b"GET / HTTP/1.1\r\nx: ",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: ",
    ],
    ids=["line", "header", "headers", "trailer"],
)
def test_a_head_without_end_is_cut_off(address, start):
    piece = b"x-a: b\r\n" * 8192 if start.endswith(b"\r\n") else b"b" * 65536
    with socket.create_connection(address, timeout=30) as client:
        client.sendall(start)
        with pytest.raises(ConnectionError):
            client.sendall(piece * (64 * MIB // len(piece)))


def test_what_is_no_request_is_told_so_in_json(address):
    with socket.create_connection(address, timeout=30) as client:
        client.sendall(b"\x16\x03\x01 is how TLS begins\r\n\r\n")
        head, _, body = said_until_closed(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body) == {"detail": "Invalid HTTP request received."}


def test_large_bodies_long_heads_and_many_requests_on_a_connection_are_taken(address):
    long = b"x-long: " + b"b" * 60_000 + b"\r\n"
    request = b"POST / HTTP/1.1\r\nHost: x\r\n" + long + b"Content-Length: %d\r\n\r\n"
    sizes = [0, 5, MIB, 5]
    with socket.create_connection(address, timeout=30) as client:
        for size in sizes:
            client.sendall(request % size + b"r" * size)
            said = b""
            while not said.endswith(b"\r\n\r\n%d" % size):
                said += client.recv(1000)
            assert said.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nHo", b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET "])
def test_a_connection_that_never_asks_for_anything_is_closed(address, start, monkeypatch):
    monkeypatch.setattr(connection, "_PATIENCE_S", 0.2)
    with socket.create_connection(address, timeout=30) as client:
        client.sendall(start)
        assert said_until_closed(client).count(b"HTTP/1.1 200 ") == start.count(b"\r\n\r\n")


def test_an_answer_may_take_longer_than_a_head(address, monkeypatch):
    monkeypatch.setattr(connection, "_PATIENCE_S", 0.2)
    with socket.create_connection(address, timeout=30) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
        threading.Event().wait(0.5)
        client.sendall(b"b")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
