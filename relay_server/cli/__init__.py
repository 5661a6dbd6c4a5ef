"""The command line, `studio-relay`. What a command needs is imported inside it."""

from relay_server.cli.main import main

__all__ = ["main"]
