"""The one exception root of relay_server: what happened, and what to do next.

RelayError             exit 1
├── WireError          bytes that are no message; carries the close code of the connection
├── InvalidUpdate      a CRDT update or state vector that must not reach the document library
├── AccessDenied       exit 4   a token or a role that does not allow it
│   └── RoleChanged             good, but for another role than it was used for
├── BadSetting         exit 2   a value of the command line or of the settings
├── PortTaken          exit 1   the address cannot be listened on
└── StoreFailed        exit 1   the journal cannot be opened, read or written
"""

from __future__ import annotations


class RelayError(Exception):
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


class WireError(RelayError):
    """Bytes that are no message of the protocol, or one over its cap.

    Args:
        message: what is wrong with the bytes.
        close_code: the websocket close code the connection deserves, 4400 unless told.
    """

    def __init__(self, message: str, close_code: int = 4400) -> None:
        super().__init__(message, "update the client, or report the message that it sent")
        self.close_code = close_code


class InvalidUpdate(RelayError):
    """An update or state vector that is malformed, or claims more than it carries."""


class AccessDenied(RelayError):
    """A token that is not good for this room, or a role that may not do this."""

    exit_code = 4


class RoleChanged(AccessDenied):
    """A token that is good for another role than the one it was used for; come back and see."""


class BadSetting(RelayError):
    """A setting that makes no sense, or that is not safe."""

    exit_code = 2


class PortTaken(RelayError):
    """The address cannot be listened on."""


class StoreFailed(RelayError):
    """The journal cannot be opened, read or written."""
