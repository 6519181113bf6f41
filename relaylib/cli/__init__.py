"""The command line: ``relaylib`` or ``python -m relaylib``; a module for each command, a shell around the library."""

from relaylib.cli.app import main

__all__ = ["main"]
