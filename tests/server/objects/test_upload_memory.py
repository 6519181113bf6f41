import asyncio
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from radosgw import free_ports

from relaylib.server.objects import open_store

SERVER = Path(__file__).with_name("upload_server.py")


def resident_bytes(process, field="VmRSS"):
    status = Path(f"/proc/{process.pid}/status")
    line = next(line for line in status.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


class Form:
    """A body that is made as it is sent."""

    def __init__(self, fields, size):
        parts = [f'--edge\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
        file = '--edge\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        self.head, self.size, self.end = "".join([*parts, file]).encode(), size, b"\r\n--edge--\r\n"

    def __iter__(self):
        yield self.head
        block = random.Random(3).randbytes(1 << 16)
        for at in range(0, self.size, len(block)):
            yield block[: self.size - at]
        yield self.end

    def __len__(self):
        return len(self.head) + self.size + len(self.end)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize(("kind", "total"), [("folder", 500_000_000), ("s3", 200_000_000)])
def test_a_large_upload_takes_little_memory(kind, total, request, tmp_path):
    """The server grows by at most 20 MB while hundreds pass through it."""
    url = f"file://{tmp_path}/objects" if kind == "folder" else request.getfixturevalue("s3_url")
    store = open_store(url, data_dir=tmp_path / "data")
    (port,) = free_ports(1)
    with subprocess.Popen([sys.executable, SERVER, url, tmp_path / "data", str(port)]) as process:
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            for key, size in (("small", 1000), ("large", total)):
                before = resident_bytes(process)
                form = store.presign_upload(key, expires_in=600, max_bytes=total, base_url=f"http://127.0.0.1:{port}")
                headers = {"Content-Type": "multipart/form-data; boundary=edge"}
                answer = requests.post(form.url, data=Form(form.fields, size), headers=headers, timeout=300)
                assert answer.status_code == 204
            grown = resident_bytes(process, "VmHWM") - before
        finally:
            process.terminate()
    assert asyncio.run(store.info("large")).size_bytes == total
    assert grown < 20_000_000, f"{grown / 1e6:.1f} MB"
