"""A real S3 gateway for tests: Ceph's radosgw on one monitor and one store in memory, in a temporary folder.

Import the fixture `s3_url` into a ``conftest.py``; tests that ask for it are skipped where Ceph isn't installed.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import pytest

PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKRELAYTEST", "AWS_SECRET_ACCESS_KEY": "relay-test-secret"}
STORE_BYTES = 6 << 30
PATIENCE_S = 120

CONFIG = """
[global]
fsid = {fsid}
run_dir = {folder}
log_file = {folder}/$name.log
pid_file = {folder}/$name.pid
admin_socket = {folder}/$name.asok
mon_host = v1:127.0.0.1:{mon_port}
mon_data = {folder}/mon
osd_data = {folder}/osd
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_msgr2 = false
osd_objectstore = memstore
memstore_device_bytes = {store_bytes}
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_data_avail_crit = 1
mon_data_avail_warn = 1
mon_cluster_log_to_file = false
paxos_propose_interval = 0.05
rgw_frontends = beast endpoint=127.0.0.1:{rgw_port}
rgw_thread_pool_size = 32
"""


class Cluster:
    """Processes that belong to a folder; a failure of any call shows what it said."""

    def __init__(self, folder):
        self.folder = folder
        self.fsid = str(uuid.uuid4())
        self.mon_port, self.rgw_port = free_ports(2)
        self.processes = []
        self.config = folder / "ceph.conf"
        self.config.write_text(
            CONFIG.format(
                folder=folder,
                fsid=self.fsid,
                mon_port=self.mon_port,
                rgw_port=self.rgw_port,
                store_bytes=STORE_BYTES,
            )
        )

    def call(self, program, *args):
        command = [program, *(() if program == "monmaptool" else ("-c", self.config)), *args]
        command = [str(word) for word in command]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        if answer.returncode:
            raise RuntimeError(f"{' '.join(command)}: {answer.stdout}{answer.stderr}")
        return answer.stdout

    def ask(self, *args):
        """Ask the monitor, again if it refuses: until it has settled it doesn't know its own cluster."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.processes[0].poll() is None:
            with contextlib.suppress(RuntimeError):
                return self.call("ceph", *args)
        return self.call("ceph", *args)

    def start(self, program, *args):
        command = [program, "-c", self.config, *args, "-f"]
        with (self.folder / f"{program}.out").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        self.processes.append(process)

    def start_all(self):
        self.call(
            "monmaptool", "--create", "--fsid", self.fsid, "--addv", "a", f"[v1:127.0.0.1:{self.mon_port}]",
            self.folder / "monmap",
        )  # fmt: skip
        for name in ("mon", "osd"):
            (self.folder / name).mkdir()
        self.call("ceph-mon", "-i", "a", "--mkfs", "--monmap", self.folder / "monmap")
        self.start("ceph-mon", "-i", "a")
        osd_id = str(uuid.uuid4())
        self.ask("osd", "new", osd_id)
        self.call("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd_id)
        self.start_osd()
        self.call(
            "radosgw-admin", "user", "create", "--uid=relay", "--display-name=relay",
            f"--access-key={CREDENTIALS['AWS_ACCESS_KEY_ID']}", f"--secret-key={CREDENTIALS['AWS_SECRET_ACCESS_KEY']}",
        )  # fmt: skip
        self.start("radosgw", "-n", "client.rgw.a")
        self.wait_until_it_answers()

    def start_osd(self):
        """Start the object store; it gives up when the monitor is too young to know its own name, so again."""
        deadline = time.monotonic() + PATIENCE_S
        self.start("ceph-osd", "-i", "0")
        while json.loads(self.ask("osd", "stat", "-f", "json"))["num_up_osds"] < 1:
            if time.monotonic() > deadline:
                raise RuntimeError(f"ceph-osd did not start:\n{self.logs()}")
            if self.processes[-1].poll() is not None:
                self.processes.pop()
                self.start("ceph-osd", "-i", "0")

    def logs(self):
        return "\n".join(log.read_text(errors="replace")[-2000:] for log in self.folder.glob("*.out"))

    def wait_until_it_answers(self):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.rgw_port), 1):
                return
            if time.monotonic() > deadline or any(process.poll() is not None for process in self.processes):
                raise RuntimeError(f"radosgw did not start:\n{self.logs()}")
            time.sleep(0.1)

    def stop(self):
        for process in reversed(self.processes):
            process.kill()  # nothing of it is to be kept
        for process in self.processes:
            process.wait(30)


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in sockets]


@pytest.fixture(scope="session")
def s3_url():
    """Give the URL of a bucket of a gateway that runs for the session; its credentials are in the environment."""
    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        pytest.skip(f"Ceph's gateway is not installed: no {missing[0]} (Debian: radosgw ceph-mon ceph-osd ceph-common)")
    boto3 = pytest.importorskip("boto3")
    folder = Path(tempfile.mkdtemp(prefix="rgw", dir="/tmp"))  # short: sockets have short names
    cluster = Cluster(folder)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        patch.setenv("NO_PROXY", ",".join(filter(None, ["127.0.0.1", os.environ.get("NO_PROXY")])))
        try:
            cluster.start_all()
            endpoint = f"http://127.0.0.1:{cluster.rgw_port}"
            boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket="relay")
            yield f"s3://relay?endpoint={endpoint}&region=us-east-1"
        finally:
            cluster.stop()
            shutil.rmtree(folder, ignore_errors=True)
