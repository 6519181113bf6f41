"""The server as a program: ``python -m relaylib.server``."""

import sys

if sys.platform == "win32":
    sys.exit("error: the server needs Linux or macOS; on Windows it runs in WSL or a container.")
try:
    from relaylib.server.cli import main
except ModuleNotFoundError as exc:
    if exc.name is None or exc.name.startswith("relaylib"):
        raise
    sys.exit(f'error: {exc.name} is not installed; the server needs the extra "server": pip install "relaylib[server]"')

if __name__ == "__main__":
    main(prog_name="python -m relaylib.server")
