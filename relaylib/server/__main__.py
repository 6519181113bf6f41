"""The server as a program: ``python -m relaylib.server``."""

from relaylib.server.cli import main

if __name__ == "__main__":
    main(prog_name="python -m relaylib.server")
