"""Certificates are pinned for one relay each, and for it alone."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from studio_tui.errors import UsageFault
from studio_tui.settings import paths, pins

Certificate = tuple[Path, Path]


def trusted(context: ssl.SSLContext | None) -> int:
    """How many authorities a context has, and that it looks at all."""
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    return len(context.get_ca_certs())


def test_a_pinned_certificate_is_the_only_one(certificate: Certificate) -> None:
    pins.pin("WSS://Box:443/", certificate[0])
    assert trusted(pins.trust("wss://box")) == 1
    certificate[0].unlink()  # a copy is kept
    assert trusted(pins.trust("wss://box")) == 1
    assert (paths.config_folder() / "pins").stat().st_mode & 0o077 == 0


def test_other_relays_are_checked_as_the_system_does(certificate: Certificate) -> None:
    pins.pin("wss://box", certificate[0])
    assert pins.trust("wss://box:8484") is None
    assert pins.trust("ws://box") is None


def test_a_container_names_its_file(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STUDIO_RELAY_CA", str(certificate[0]))
    assert trusted(pins.trust("wss://anywhere")) == 1
    assert pins.trust("ws://127.0.0.1:1") is None
    monkeypatch.setenv("STUDIO_RELAY_CA", str(tmp_path / "none.pem"))
    with pytest.raises(UsageFault, match="no certificate in"):
        pins.trust("wss://anywhere")


@pytest.mark.parametrize("content", [None, b"", b"hello", b"-----BEGIN CERTIFICATE-----\nx\n"])
def test_what_holds_no_certificate_is_not_pinned(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageFault):
        pins.pin("wss://box", file)
    assert pins.trust("wss://box") is None


@pytest.mark.parametrize("relay", ["ws://box", "https://box", "box"])
def test_what_has_no_certificate_is_not_pinned(certificate: Certificate, relay: str) -> None:
    with pytest.raises(UsageFault):
        pins.pin(relay, certificate[0])
