"""Host keys on a console."""

from __future__ import annotations

from studio_tui.machines.ec2.console import HostKeys, read_console

SHA, OLDER = "SHA256:" + "aB3/+" * 8 + "abc", "SHA256:" + "z" * 43
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "b" * 43


def console(fingerprint: str = SHA, key: str = KEY, prefix: str = "") -> str:
    return "\r\n".join(
        f"{prefix}{line}"
        for line in [
            "[    8.1] random boot noise SHA256:" + "n" * 43,
            "-----BEGIN SSH HOST KEY FINGERPRINTS-----",
            f"256 {fingerprint} root@ip-10-0-0-1 (ED25519)",
            "2048 aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99 root@host (RSA)",
            "-----END SSH HOST KEY FINGERPRINTS-----",
            "-----BEGIN SSH HOST KEY KEYS-----",
            f"{key} root@ip-10-0-0-1",
            "ecdsa-sha2-nistp256 " + "E" * 136 + "= root@ip-10-0-0-1",
            "-----END SSH HOST KEY KEYS-----",
            "ci-info: no authorized ssh keys fingerprints found",
        ]
    )


def test_fingerprints_and_whole_keys() -> None:
    md5 = "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99"
    ecdsa = "ecdsa-sha2-nistp256 " + "E" * 136 + "="
    assert read_console(console()) == HostKeys((SHA, md5), (KEY, ecdsa))
    prefixed = console(prefix="<14>Nov 28 12:00:01 cloud-init: ")
    assert read_console(prefixed) == HostKeys((SHA, md5), (KEY, ecdsa))


def test_the_last_start_counts() -> None:
    assert read_console(console(OLDER) + "\n" + console()).fingerprints[0] == SHA


def test_a_console_that_tells_nothing_or_half() -> None:
    assert read_console("") == HostKeys()
    assert read_console("Linux version 6.1\n" * 100) == HostKeys()
    cut = console().partition("-----END SSH HOST KEY F")[0]
    assert read_console(cut) == HostKeys()
    tail = console().partition("-----BEGIN SSH HOST KEY F")[2]
    assert read_console(tail).fingerprints == ()
