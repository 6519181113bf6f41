"""``python -m relaylib``."""

from relaylib.cli import main

if __name__ == "__main__":
    main(prog_name="python -m relaylib")
