"""Ids of open files, terminals and jobs: made by a host, and part of the paths that it uses.

A host finds the ids of the one before it in the studio document, where every editor may write.
"""

from __future__ import annotations

import re
import secrets

_ID = re.compile(r"[a-z0-9]{1,32}")


def new_id() -> str:
    """An id that no other thing has."""
    return secrets.token_hex(5)


def is_id(text: str) -> bool:
    """Whether a host may have made `text`; anything else is not to be used in a path."""
    return _ID.fullmatch(text) is not None
