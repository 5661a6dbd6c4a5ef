"""What cannot be done, in words for whoever asked for it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Fault(Exception):
    """Why something is not done, in words for whoever asked for it.

    Args:
        kind: the reply's "error".
        hint: what to do next.
    """

    def __init__(self, kind: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.hint = hint


@contextlib.contextmanager
def told(name: str) -> Iterator[None]:
    """What the system says, in words: for whoever asked for `name`."""
    try:
        yield
    except FileNotFoundError:
        said = f"there is no {name}"
        raise Fault("missing", said, "it may have been moved or deleted") from None
    except NotADirectoryError:
        raise Fault("usage", f"{name} is not a folder, or not in one", "check the path") from None
    except PermissionError:
        raise Fault("other", f"no permission for {name}", f"check it: ls -ld {name}") from None
    except OSError as problem:
        said = f"{name}: {problem.strerror}"
        raise Fault("other", said, "check it on the studio's machine") from None
