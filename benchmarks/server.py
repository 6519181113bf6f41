"""What the server costs above a bare Litestar handler, and what a training costs those who ask it meanwhile.

Throughput: requests per second of ``GET /api/v1/datasets/{id}`` with its key (two queries) on SQLite and on PostgreSQL,
against a handler of Litestar that returns a constant, under the same runner. The three are loaded in turn, several
rounds; the ratio is the median over rounds. The same for granian as runner, where it is installed.

Latency: ``GET`` of a list at a fixed rate, first while the server is idle, then while it trains; the issue is the ratio
of the 99th percentiles.

Load comes from another process on the same machine. PostgreSQL is a private one, started for the run where its server
programs are installed.

    python benchmarks/server.py [--rounds 5] [--seconds 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import httpx

from relaylib.client import Client
from relaylib.demo import load_demo
from relaylib.server import ServerProcess
from relaylib.types import Manifest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "server"))
from private_postgresql import free_port, private_postgresql, server_programs  # noqa: E402

BARE = """
from litestar import Litestar, get

@get("/")
async def constant() -> dict[str, str]:
    return {"name": "a dataset", "description": "as long as the answer that it is compared with" * 5}

app = Litestar([constant])
"""
UVICORN = ["-m", "uvicorn", "bare:app", "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--port"]
GRANIAN = ["-m", "granian", "bare:app", "--interface", "asgi", "--no-access-log", "--port"]


def load(
    url: str, key: str = "", *, seconds: float, connections: int = 8, rate: float | None = None
) -> dict[str, float]:
    """Load a server from another process; return what it measured."""
    command = [sys.executable, str(HERE / "lib" / "http_load.py"), url, "--key", key, "--seconds", str(seconds)]
    command += ["--connections", str(connections)] + ([] if rate is None else ["--rate", str(rate)])
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


@contextmanager
def bare_server(folder: Path, arguments: list[str]) -> Iterator[str]:
    """Run a server with a single handler; give its URL."""
    (folder / "bare.py").write_text(BARE, encoding="utf-8")
    port = free_port()
    server = subprocess.Popen([sys.executable, *arguments, str(port)], cwd=folder, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(200):
            try:
                httpx.get(url)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield url
    finally:
        server.terminate()
        server.wait()


def throughput(n_rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """Load the bare handler and our server on each database in turn; return medians and ratios."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        targets = {"bare Litestar, uvicorn": (stack.enter_context(bare_server(folder, UVICORN)), "")}
        try:
            import granian  # noqa: F401

            targets["bare Litestar, granian"] = (stack.enter_context(bare_server(folder, GRANIAN)), "")
        except ImportError:
            pass
        databases: dict[str, dict[str, str]] = {"SQLite": {}}
        programs = server_programs()
        if programs is not None:
            postgresql = stack.enter_context(private_postgresql(programs, durable=True))
            databases["PostgreSQL"] = {"database-url": postgresql()}
        for name, options in databases.items():
            server = stack.enter_context(ServerProcess(folder / name, options=options))
            with Client(server.url, server.key) as client:
                dataset = client.datasets.create("a dataset", artifact_types=["glitch", "long_pause"])
            targets[f"relaylib, {name}"] = (f"{server.url}/api/v1/datasets/{dataset.id}", server.key)
        rounds = [
            {name: load(url, key, seconds=seconds)["per_second"] for name, (url, key) in targets.items()}
            for _ in range(n_rounds)
        ]
    bare = "bare Litestar, uvicorn"
    return {
        name: {
            "per_second": median(row[name] for row in rounds),
            "ratio": median(row[name] / row[bare] for row in rounds),
            "ratio_low": min(row[name] / row[bare] for row in rounds),
            "ratio_high": max(row[name] / row[bare] for row in rounds),
        }
        for name in targets
    }


def latency(seconds: float, rate: float = 50.0) -> dict[str, float]:
    """Ask for a list while the server is idle, then while it trains; return both and the ratio of the p99."""
    train, test, root = load_demo()
    speech = Manifest(train.artifact_types, (*train.audio, *test.audio))
    with (
        tempfile.TemporaryDirectory() as folder,
        ServerProcess(Path(folder)) as server,
        Client(server.url, server.key) as client,
    ):
        sent = client.upload_manifest(speech, root, name="speech", progress=False)
        url = f"{server.url}/api/v1/datasets/{sent.dataset.id}/audio"
        idle = load(url, server.key, seconds=seconds, connections=4, rate=rate)
        config = {"artifact_types": speech.type_names, "epochs": 60}
        job = client.training_jobs.create(sent.dataset.id, sent.annotation_set.id, config)
        while client.training_jobs.get(job.id).progress_percent == 0:
            time.sleep(0.2)
        busy = load(url, server.key, seconds=seconds, connections=4, rate=rate)
        still = client.training_jobs.get(job.id).status
        if still == "training":
            client.training_jobs.cancel(job.id)
    if still != "training":
        raise SystemExit(f"the training was {still} before the load ended: use fewer seconds")
    return {
        "idle_p50_ms": idle["p50_ms"],
        "idle_p99_ms": idle["p99_ms"],
        "busy_p50_ms": busy["p50_ms"],
        "busy_p99_ms": busy["p99_ms"],
        "p99_ratio": busy["p99_ms"] / idle["p99_ms"],
        "n": busy["n"],
    }


def main() -> None:
    """Run both measurements and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the throughput")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a load; latency takes five times that")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()

    rows = throughput(options.rounds, options.seconds)
    print(f"requests per second, 8 connections, median of {options.rounds} rounds; {os.cpu_count()} processors")
    for name, row in rows.items():
        low, high = row["ratio_low"], row["ratio_high"]
        print(f"  {name:26}{row['per_second']:8.0f}   {row['ratio']:.2f} of bare ({low:.2f}-{high:.2f})")
    times = latency(5 * options.seconds)
    print(f"latency of a list at 50 requests per second ({times['n']} of them)")
    print(f"  idle           p50 {times['idle_p50_ms']:6.1f} ms   p99 {times['idle_p99_ms']:6.1f} ms")
    print(f"  while training p50 {times['busy_p50_ms']:6.1f} ms   p99 {times['busy_p99_ms']:6.1f} ms")
    print(f"  p99 ratio {times['p99_ratio']:.1f}")
    if options.json:
        report = {"rounds": options.rounds, "seconds": options.seconds, "throughput": rows, "latency": times}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
