"""The certificates that this user pinned: for such a relay they are good, and no others are."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from urllib.parse import quote

from studio_tui.errors import UsageFault
from studio_tui.settings import paths
from studio_tui.settings.private import write_private
from studio_tui.settings.secrets import relay_key

VARIABLE = "STUDIO_RELAY_CA"
"""Names a PEM file that is pinned for every relay, as in a container."""


def pin(relay: str, file: Path) -> None:
    """Keep the certificates in a PEM file for the relay at this URL, in place of earlier ones.

    Raises:
        UsageFault: it is no `wss://` URL, or the file holds no certificate.
    """
    if not relay_key(relay).startswith("wss://"):
        raise UsageFault(f"{relay} has no certificate", "only a wss:// URL can be pinned")
    _context(file)
    write_private(_file(relay), file.read_bytes())


def trust(relay: str) -> ssl.SSLContext | None:
    """What to check the certificate of the relay at this URL with; None: as the system does.

    Raises:
        UsageFault: the file of `$STUDIO_RELAY_CA` holds no certificate.
    """
    if not relay.startswith("wss://"):
        return None
    given = os.environ.get(VARIABLE)
    file = Path(given) if given else _file(relay)
    return _context(file) if given or file.exists() else None


def _context(file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=file)
    except OSError as error:  # ssl.SSLError is one
        raise UsageFault(
            f"no certificate in {file}: {error.strerror or error}", "give a PEM file"
        ) from error


def _file(relay: str) -> Path:
    return paths.config_folder() / "pins" / f"{quote(relay_key(relay), safe='')}.pem"
