"""Requests over kept connections, as many as the server answers: the load that the server's benchmark puts on it.

    python benchmarks/lib/http_load.py URL [--key KEY] [--connections 8] [--seconds 3] [--rate N]

Prints one line of JSON. With `--rate` requests are sent at fixed times, so that a slow answer does not hide the ones
that would have come behind it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from urllib.parse import urlsplit


async def one_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """Send a request and read its answer; return the status."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            await reader.readexactly(int(line.split(b":")[1]))
    return int(head.split(b" ", 2)[1])


async def connection(address: str, request: bytes, until: float, every_s: float | None, times: list[float]) -> None:
    """Send requests over one connection; note how long each took from when it was due."""
    target = urlsplit(address)
    reader, writer = await asyncio.open_connection(target.hostname, target.port)
    due = time.perf_counter()
    while time.perf_counter() < until:
        if every_s is not None:
            due += every_s
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        began = due if every_s is not None else time.perf_counter()
        status = await one_request(reader, writer, request)
        if status != 200:
            raise SystemExit(f"{address} answered {status}")
        times.append(time.perf_counter() - began)
    writer.close()


async def load(address: str, key: str, n_connections: int, seconds: float, rate: float | None) -> dict[str, float]:
    """Return requests per second and latencies in ms."""
    target = urlsplit(address)
    lines = [f"GET {target.path or '/'} HTTP/1.1", f"Host: {target.netloc}", *([f"X-API-Key: {key}"] if key else [])]
    request = "\r\n".join([*lines, "", ""]).encode()
    every_s = None if rate is None else n_connections / rate
    times: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(connection(address, request, until, every_s, times) for _ in range(n_connections)))
    times.sort()
    return {
        "per_second": len(times) / seconds,
        "p50_ms": times[len(times) // 2] * 1e3,
        "p99_ms": times[min(len(times) - 1, int(len(times) * 0.99))] * 1e3,
        "n": len(times),
    }


def main() -> None:
    """Load a server and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--key", default="")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rate", type=float)
    options = parser.parse_args()
    figures = asyncio.run(load(options.url, options.key, options.connections, options.seconds, options.rate))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
