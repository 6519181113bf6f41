"""A Jupyter server of the tests' own: JupyterLab and Notebook 7 on loopback, nothing of the user's read or written."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import nbformat
import psutil

START_S = 60

# Neither news, updates nor the catalogue of extensions are fetched.
CONFIG = {
    "LabApp": {
        "extension_manager": "readonly",
        "news_url": None,
        "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "expose_app_in_browser": True,
    },
    "JupyterNotebookApp": {"expose_app_in_browser": True},
    "ServerApp": {"open_browser": False, "ip": "127.0.0.1", "allow_root": True, "terminals_enabled": False},
    "KernelRestarter": {"restart_limit": 1000},  # some tests kill a kernel many times in a row
}
DISABLED = ("@jupyterlab/apputils-extension:announcements", "@jupyterlab/extensionmanager-extension")

# Python's own record of the hosts that the kernel asks for or connects to, one a line.
STARTUP = """
import sys

def _note_host(event, args, path={path!r}):
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    with open(path, "a") as file:
        print(host if isinstance(host, str) else "localhost", file=file)

sys.addaudithook(_note_host)
del sys, _note_host
"""


class JupyterServer:
    """The server as a process; `root` holds notebooks and recordings, everything else lies beside it.

    Parameters
    ----------
    folder : Path
        An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.token = secrets.token_hex(16)
        self.url = ""
        self._hosts = folder / "hosts.txt"
        self._log = folder / "log.txt"
        self._runtime = folder / "runtime"
        self._config = folder / "config"
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("JUPYTER")},
            "HOME": str(folder),  # what else writes there: matplotlib, caches
            "JUPYTER_CONFIG_DIR": str(self._config),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self._runtime),
            "IPYTHONDIR": str(folder / "ipython"),
        }
        startup = folder / "ipython" / "profile_default" / "startup"
        for path in (self.root, self._config / "labconfig", startup):
            path.mkdir(parents=True)
        (self._config / "jupyter_config.json").write_text(json.dumps(CONFIG))  # the one that each application reads
        disabled = {"disabledExtensions": dict.fromkeys(DISABLED, True)}
        (self._config / "labconfig" / "page_config.json").write_text(json.dumps(disabled))
        (startup / "hosts.py").write_text(STARTUP.format(path=str(self._hosts)))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [sys.executable, "-m", "jupyterlab", f"--IdentityProvider.token={self.token}"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.root,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        record = self._runtime / f"jpserver-{self._process.pid}.json"
        deadline = time.monotonic() + START_S
        while True:
            with contextlib.suppress(OSError, ValueError, httpx.TransportError):
                self.url = json.loads(record.read_text())["url"]
                if httpx.get(f"{self.url}api").status_code == 200:
                    return
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"JupyterLab did not start:\n{self._log.read_text()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End the server and its kernels."""
        if self._process is None:
            return
        children = psutil.Process(self._process.pid).children(recursive=True)
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()

    def write_notebook(self, name: str, cells: list[str]) -> None:
        """Write a notebook of code cells into `root`, to be run by the Python of the tests."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(notebook, self.root / name)

    def kernel_pid(self, name: str) -> int:
        """Return the process that runs the notebook `name`."""
        assert self._process is not None
        sessions = self._ask("GET", "api/sessions").json()
        kernel = next(session["kernel"]["id"] for session in sessions if session["path"] == name)
        for child in psutil.Process(self._process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if any(kernel in word for word in child.cmdline()):
                    return child.pid
        raise LookupError(f"no process runs the kernel {kernel} of {name}")

    def shut_down_kernels(self) -> None:
        """End all kernels; their notebooks stay."""
        for session in self._ask("GET", "api/sessions").json():
            self._ask("DELETE", f"api/sessions/{session['id']}")

    def hosts(self) -> set[str]:
        """Return the hosts that kernels have asked for or connected to so far."""
        return set(self._hosts.read_text().split()) if self._hosts.exists() else set()

    def _ask(self, method: str, path: str) -> httpx.Response:
        headers = {"Authorization": f"token {self.token}"}
        return httpx.request(method, f"{self.url}{path}", headers=headers, timeout=30).raise_for_status()
