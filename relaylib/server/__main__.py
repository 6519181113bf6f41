"""The server as a program: ``python -m relaylib.server``."""

import sys

try:
    from relaylib.server.cli import main
except ModuleNotFoundError as exc:
    if exc.name is None or exc.name.startswith("relaylib"):
        raise
    sys.exit(f'error: {exc.name} is not installed; the server needs the extra "server": pip install "relaylib[server]"')

if __name__ == "__main__":
    main(prog_name="python -m relaylib.server")
