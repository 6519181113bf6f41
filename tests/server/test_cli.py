"""``python -m relaylib.server`` as a program of its own."""

import dataclasses
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from relaylib.server.cli import main
from relaylib.server.settings import Settings

MANUAL = Path(__file__).parents[2] / "docs" / "server.md"
KEY = re.compile(r"rl_live_[\w-]{43}")


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
    return {**kept, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", **more}


def command(*args):
    return [sys.executable, "-m", "relaylib.server", *map(str, args)]


def run(*args, **more):
    return subprocess.run(command(*args), capture_output=True, text=True, env=environment(**more), timeout=60)


class Started:
    """A server that runs; its address is taken from what it prints, unless it is said to be reached elsewhere."""

    def __init__(self, *args, answers=True, **more):
        self.lines = []
        self.process = subprocess.Popen(
            command("--port", 0, "--workers", 0, *args),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(**more),
        )
        for line in self.process.stdout:
            self.lines.append(line.strip())
            if line.startswith("Documentation: "):
                break
        self.url = self.lines[-1].removeprefix("Documentation: ").removesuffix("/docs") if self.lines else ""
        deadline = time.monotonic() + 30
        while answers and not self.answers() and time.monotonic() < deadline:
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def answers(self):
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self):
        """Return the exit status, and how long it took."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30), time.monotonic() - start


def status_with(server, key):
    return httpx.get(f"{server.url}/api/v1/datasets", headers={"X-API-Key": key}).status_code


def test_the_first_start_prints_a_key_that_works_and_later_ones_none(tmp_path):
    with Started("--data-dir", tmp_path / "data") as server:
        keys = KEY.findall("\n".join(server.lines))
        assert len(keys) == 1
        assert status_with(server, keys[0]) == 200
        assert httpx.get(f"{server.url}/docs").status_code == 200
        status, seconds = server.stop()
        assert status == 0
        assert seconds < 5
    with Started("--data-dir", tmp_path / "data") as server:
        assert not KEY.findall("\n".join(server.lines))
        assert status_with(server, keys[0]) == 200


def test_an_open_connection_does_not_keep_the_server_from_stopping(tmp_path):
    with Started("--data-dir", tmp_path) as server:
        url = httpx.URL(server.url)
        with (
            socket.create_connection((url.host, url.port)) as idle,
            socket.create_connection((url.host, url.port)) as slow,
        ):
            slow.sendall(b"POST /api/v1/datasets HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200" in idle.recv(1000)
            status, seconds = server.stop()
        assert status == 0
        assert seconds < 5


def test_a_second_server_of_the_same_folder_is_refused(tmp_path):
    with Started("--data-dir", tmp_path):
        second = run("--data-dir", tmp_path, "--port", 0)
    assert second.returncode == 2
    assert second.stderr == f"Error: {tmp_path}: another server uses this folder; stop it, or name another folder.\n"
    assert second.stdout == ""


def test_keys_are_made_listed_and_revoked_beside_the_running_server(tmp_path):
    with Started("--data-dir", tmp_path) as server:
        made = run(
            "--data-dir", tmp_path, "keys", "create", "--name", "Team B", "--tenant", "b", "--expires-in-days", 1
        )
        key = made.stdout.strip()
        assert made.stdout == f"{key}\n"
        assert KEY.fullmatch(key)
        assert status_with(server, key) == 200
        listed = run("--data-dir", tmp_path, "keys", "list").stdout.splitlines()
        assert [line.split()[0] for line in listed[:1]] == ["id"]
        (row,) = [line for line in listed if "Team B" in line]
        assert row.split()[1] == "b"
        assert key not in "".join(listed)
        assert "Team B" not in run("--data-dir", tmp_path, "keys", "list", "--tenant", "default").stdout
        assert run("--data-dir", tmp_path, "keys", "revoke", row.split()[0]).returncode == 0
        assert status_with(server, key) == 401
        again = run("--data-dir", tmp_path, "keys", "revoke", row.split()[0])
        assert again.returncode == 2
        assert again.stderr.startswith("Error: API key not found")


def test_a_key_made_before_the_first_start_is_the_first(tmp_path):
    assert KEY.fullmatch(run("--data-dir", tmp_path, "keys", "create", "--name", "k").stdout.strip())
    with Started("--data-dir", tmp_path) as server:
        assert not KEY.findall("\n".join(server.lines))


def test_a_key_in_a_folder_without_a_server_comes_with_a_warning(tmp_path):
    """The folder may be another than the server's; and whoever has a key names others as they like."""
    made = run("--data-dir", tmp_path / "new", "keys", "create", "--name", "a\x1b[31m\nb")
    assert KEY.fullmatch(made.stdout.strip())
    assert made.stderr.startswith(f"A new database was made, {tmp_path / 'new' / 'relay.sqlite3'};")
    listed = run("--data-dir", tmp_path / "new", "keys", "list").stdout.splitlines()
    assert listed[1].split()[2] == r"a\x1b[31m\nb"
    assert run("--data-dir", tmp_path / "new", "keys", "create", "--name", "k").stderr == ""


def test_a_database_that_can_only_be_read_is_told_in_one_line(tmp_path, postgresql, tables):
    database = f"{postgresql(tables('postgresql'))}?options=-cdefault_transaction_read_only%3Don"
    done = run("--data-dir", tmp_path, "--port", 0, "--database-url", database)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: the database can only be read now")


def test_each_flag_is_a_variable_too(tmp_path):
    text = run("--help").stdout
    for name in Settings.__dataclass_fields__:
        assert f"--{name.replace('_', '-')}" in text
        assert f"RELAY_{name.upper()}" in text
    variables = {"RELAY_DATA_DIR": str(tmp_path / "d"), "RELAY_PUBLIC_URL": "https://relay.example.com/"}
    with Started(answers=False, **variables) as server:  # nothing is there
        assert server.lines[-1] == "Documentation: https://relay.example.com/docs"
    assert (tmp_path / "d" / "relay.sqlite3").exists()


def test_postgresql_is_used_by_its_url(tmp_path, postgresql):
    database = postgresql()
    where = ("--data-dir", tmp_path, "--database-url", database)
    with Started(*where) as server:
        assert status_with(server, KEY.findall("\n".join(server.lines))[0]) == 200
        assert KEY.fullmatch(run(*where, "keys", "create", "--name", "k").stdout.strip())
    assert not (tmp_path / "relay.sqlite3").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--database-url", "mysql://x/y"), "not known"),
        (("--database-url", "nonsense"), "cannot be read"),
        (("--database-url", "postgresql://u:hidden@127.0.0.1:1/x"), "cannot be used"),
        (("--database-url", "postgresql://127.0.0.1:1/x?user=u&password=hidden"), "cannot be used"),
        (("--storage-url", "ftp://x"), "known are file:///PATH"),
        (("--storage-url", "file://relative"), "names no folder"),
        (("--encoder", "nonsense"), "nonsense"),
        (("--cluster", "tcp://x:1"), "not available in this version"),
        (("--host", "256.1.1.1"), "cannot listen"),
        (("--public-url", "relay.example.com"), "such as https://"),
        (("--public-url", "https://[relay"), "such as https://"),
        (("--port", "99999"), "range"),
        (("--log-level", "loud"), "loud"),
        (("--data-dir", "/dev/null/x"), "cannot be written"),
        (("--data-dir", "/dev/null/x", "keys", "create", "--name", "k"), "/dev/null/x"),
        (("keys", "create", "--name", ""), "1 to 255 characters"),
        (("keys", "create", "--name", "k", "--expires-in-days", "nan"), "must be a number"),
        (("keys", "create", "--name", "\udcff"), "of UTF-8"),
        (("keys", "revoke", "nonsense"), "nonsense"),
        (("keys", "list"), "there is no"),
    ],
)
def test_what_cannot_work_is_told_in_one_line_with_status_2(tmp_path, args, said):
    where = () if "--data-dir" in args else ("--data-dir", tmp_path)
    done = run(*where, "--port", 0, *args) if "--port" not in args else run(*where, *args)
    assert done.returncode == 2
    error = done.stderr.strip().splitlines()[-1]
    assert error.startswith("Error: ")
    assert said in error
    assert "Traceback" not in done.stderr
    assert KEY.findall(done.stdout) == []
    assert "hidden" not in done.stdout + done.stderr


def test_the_manual_has_every_setting_with_its_variable_and_default():
    """Defaults that depend on the machine, or mean a place in the data folder, are told in words."""
    rows = re.findall(r"^\| `(--[a-z-]+)` \| `(RELAY_[A-Z_]+)` \| (.*?) \|", MANUAL.read_text("utf-8"), re.MULTILINE)
    options = [option for option in main.params if getattr(option, "envvar", None)]
    assert [row[:2] for row in rows] == [(option.opts[0], option.envvar) for option in options]
    assert len(rows) == len(dataclasses.fields(Settings))
    for (flag, _, told), option in zip(rows, options, strict=True):
        if option.default is not None and flag != "--workers":
            assert told == f"`{option.default}`"


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--data-dir", tmp_path, "--port", port)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: cannot listen at 127.0.0.1:{port} (Address already in use)")
    assert KEY.findall(done.stdout) == []


def test_the_log_is_text_or_json_on_stderr(tmp_path):
    """No line holds a key, and each is JSON when that was asked for."""
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command("--data-dir", tmp_path / "d", "--port", 0, "--workers", 0, "--log-format", "json"),
            stdout=subprocess.PIPE,
            stderr=out,
            text=True,
            env=environment(),
        )
        lines = [process.stdout.readline() for _ in range(3)]
        (key,) = KEY.findall("".join(lines))
        url = lines[-1].split()[-1].removesuffix("/docs")
        for _ in range(100):
            try:
                httpx.get(f"{url}/api/v1/datasets?page=1", headers={"X-API-Key": key, "X-Request-ID": "abc"})
                break
            except httpx.TransportError:
                time.sleep(0.1)
        process.terminate()
        process.wait(30)
        process.stdout.close()
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    (access,) = [entry for entry in entries if entry["event"] == "request"]
    assert (access["path"], access["status"], access["request_id"]) == ("/api/v1/datasets", 200, "abc")
    assert key not in log.read_text()
