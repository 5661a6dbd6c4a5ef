"""Which names are shown and looked into."""

from __future__ import annotations

from .faults import Fault

PRIVATE = {".ssh", ".aws", ".gnupg", ".netrc", ".pgpass", ".env"}
"""Names of what holds keys and passwords: a shared text would hand them to everybody."""
SAMPLES = (".example", ".sample", ".template")
OURS = {".studio-carry", ".studio-trash"}
"""What a switch keeps in a folder, and what was deleted: in no listing."""
SKIPPED = {".git", ".venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache"} | OURS


def is_text(name: str) -> bool:
    """Whether the bytes of a name are UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def holds_secrets(name: str) -> bool:
    """Whether a file or folder of this name, whatever its case, is where people keep secrets."""
    name = name.casefold()
    return name in PRIVATE or (name.startswith(".env.") and not name.endswith(SAMPLES))


def check_showable(path: str) -> None:
    """Refuse a new name that would play tricks on whoever sees it."""
    if not path.isprintable():
        said = f"{path!r} cannot be shown as a name"
        raise Fault("usage", said, "leave out control characters")


def check_not_root(name: str) -> None:
    """Refuse what is done to the folder itself."""
    if not name:
        raise Fault("refused", "this is the studio's own folder", "name something in it")
