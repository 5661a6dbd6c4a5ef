"""What a relay is told when it starts."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relay_server.errors import BadSetting
from relay_server.limits import Limits

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """Everything `serve` needs; times in seconds.

    Attributes:
        host: address to listen on.
        port: port to listen on; 0 takes any free one.
        store: `memory:` or `sqlite:///PATH`.
        key_path: file of the signing key, created when missing; None keeps a key in memory.
        tls_cert: PEM file; with `tls_key`.
        tls_key: PEM file.
        insecure: listen on a public address without TLS.
        origins: values of the Origin header to accept; a client without one is always accepted.
        metrics_port: a second port for /healthz, /readyz and /metrics alone.
        public_url: where clients reach it, for invites; None: as the one who invites reached it.
        audit: file of the audit log; None keeps none.
        auth_timeout: until the first room is joined.
        ping_interval: of silence until a client is asked whether it is there.
        ping_timeout: of silence until it counts as gone.
        window: most that an update waits for others when a room is busy.
        linger: how long an empty room is kept in memory.
        limits: bounds per connection.
    """

    host: str = "127.0.0.1"
    port: int = 8484
    store: str = "memory:"
    key_path: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    insecure: bool = False
    origins: tuple[str, ...] = ()
    metrics_port: int | None = None
    public_url: str | None = None
    audit: Path | None = None
    auth_timeout: float = 5.0
    ping_interval: float = 2.0
    ping_timeout: float = 5.0
    window: float = 0.008
    linger: float = 30.0
    limits: Limits = field(default_factory=Limits)

    def check(self) -> None:
        """Refuses what makes no sense, and what would send tokens in the clear.

        Raises:
            BadSetting: with what to change.
        """
        for port in (self.port, self.metrics_port or 0):
            if not 0 <= port <= 65535:
                raise BadSetting(f"no such port: {port}", "0 to 65535; 0 takes a free one")
        if self.public_url and not self.public_url.startswith(("ws://", "wss://")):
            raise BadSetting(f"no relay's URL: {self.public_url}", "wss://relay.example.com")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise BadSetting("TLS needs a certificate and its key", "--tls-cert F --tls-key F")
        if not (self.tls_cert or self.insecure or is_loopback(self.host)):
            raise BadSetting(
                f"{self.host} is not a loopback address and there is no TLS",
                "give --tls-cert and --tls-key, or --insecure behind a proxy that does TLS",
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
