"""The host keys that an instance has printed on its console while it first started (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FINGERPRINT = re.compile(r"\b(SHA256:[A-Za-z0-9+/]{43})\b|\b((?:[0-9a-f]{2}:){15}[0-9a-f]{2})\b")
_KEY = re.compile(r"\b((?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]{60,}={0,3})(?=\s|$)")


@dataclass(frozen=True, slots=True)
class HostKeys:
    """What cloud-init tells of a machine's SSH host keys; empty where it does not.

    Attributes:
        fingerprints: as ssh shows them, such as "SHA256:...".
        keys: whole public keys as known_hosts has them, "ssh-ed25519 AAAA...".
    """

    fingerprints: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


def read_console(output: str) -> HostKeys:
    """The keys in a console's output; those of the last start that printed any.

    Whoever can write to the console is root on the machine, whose key it is.
    """
    shown = _between(output, "SSH HOST KEY FINGERPRINTS")
    keys = _between(output, "SSH HOST KEY KEYS")
    return HostKeys(
        tuple(match[1] or match[2] for match in _FINGERPRINT.finditer(shown)),
        tuple(match[1] for match in _KEY.finditer(keys)),
    )


def _between(output: str, what: str) -> str:
    """What stands between the last pair of marks; nothing where the end is cut off."""
    head, end, _ = output.rpartition(f"-----END {what}-----")
    _, begin, body = head.rpartition(f"-----BEGIN {what}-----")
    return body if begin and end else ""
