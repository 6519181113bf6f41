"""A PostgreSQL of one's own, in a temporary folder, by the server programs of the system."""

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import psycopg


def server_programs():
    """Return the folder of PostgreSQL's server programs, None if they aren't installed."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = str(packaged[-1]) if packaged else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def private_postgresql(bindir, *, durable=False):
    """Run a server while the context lasts; give a function that makes a database and returns its URL.

    The database is empty, or a copy of one that is named. `durable` makes the server wait for the disk, as real ones
    do; tests need not.
    """
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # short: sockets have short names; one for each run
    as_user = {}
    if os.geteuid() == 0:  # which it refuses to run as
        as_user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        shutil.chown(folder, "nobody", "nogroup")
    data, port = folder / "data", free_port()

    def call(program, *args):
        subprocess.run([bindir / program, *map(str, args)], check=True, capture_output=True, cwd=folder, **as_user)

    def settings():
        yield from ("listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={folder}")
        if not durable:
            yield "fsync=off"

    call("initdb", "-D", data, "-U", "relay", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C")
    options = " ".join(f"-c {setting}" for setting in settings())
    call("pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    made = []

    def new_database(template="template1"):
        made.append(f"relay{len(made)}")
        with psycopg.connect(f"postgresql://relay@127.0.0.1:{port}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {made[-1]} TEMPLATE {template}")
        return f"postgresql://relay@127.0.0.1:{port}/{made[-1]}"

    try:
        yield new_database
    finally:
        call("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
