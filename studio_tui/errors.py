"""The one exception root of studio_tui: what happened, and what to do next.

StudioError            exit 1
├── UsageFault         exit 2   the command or a value in it makes no sense
├── NotFound           exit 3   no such studio, file, job; or it cannot be reached
│   └── Away                    the studio's host, or the way to it: that may pass by itself
└── Refused            exit 4   authentication or role
"""

from __future__ import annotations


class StudioError(Exception):
    """Something a person can act on.

    Args:
        message: what happened, one line, no full stop needed.
        hint: what to do next, one line; may be empty when the message says it all.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageFault(StudioError):
    """The command, or a value in it, makes no sense."""

    exit_code = 2


class NotFound(StudioError):
    """A studio, file, job or machine is not there, or cannot be reached."""

    exit_code = 3


class Away(NotFound):
    """The studio's host is away, or the link to it is down, for now."""


class Refused(StudioError):
    """The token or the role does not allow it."""

    exit_code = 4
