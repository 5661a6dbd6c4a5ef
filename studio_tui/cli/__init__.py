"""The command line: one small file per command group, everything else imported inside a command."""

from studio_tui.cli.main import main

__all__ = ["main"]
