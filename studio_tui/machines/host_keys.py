"""Whether a host is the one it was: its key known, new, changed or revoked.

What a person accepts is stored in a file of our own, in the state folder: the user's known_hosts
may be managed by somebody else, shared or thrown away (`UserKnownHostsFile none`), and whoever
wants to take an acceptance back finds it in one place.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncssh

from studio_tui.errors import Refused
from studio_tui.settings.private import private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class HostKeyUnknown(Refused):
    """The host's key is not known, and nobody accepted it."""


class HostKeyChanged(Refused):
    """The host shows another key than the known one, or one that was revoked."""


@dataclass(frozen=True, slots=True)
class NewHostKey:
    """The question whether a host may be trusted from now on.

    Attributes:
        host: the name that the key will be known by, such as `gpu-box` or `[gpu-box]:2222`.
        label: the host for a person, such as `gpu-box (ann@10.0.0.7)`.
        kind: such as `ssh-ed25519`.
        fingerprint: such as `SHA256:...`, as `ssh-keygen -l` prints it on the host.
        line: what is stored when the answer is yes.
    """

    host: str
    label: str
    kind: str
    fingerprint: str
    line: str


@dataclass(frozen=True, slots=True)
class KnownKey:
    """One line of a known_hosts file that is about the host.

    Attributes:
        marker: "", "cert-authority" or "revoked".
        line: the number of the line, from 1.
    """

    file: Path
    line: int
    marker: str
    key: asyncssh.SSHKey


class HostKeys:
    """What is known of one host's keys.

    Args:
        host: the name or address that is connected to, or its HostKeyAlias.
        port: None when the name alone is looked up, as for an alias.
        label: the host for a person.
        files: looked into in this order; those that are not there are left out.
        own: our own file, looked into as well; what is accepted is stored there.
        strict: an unknown key is refused without a question.
    """

    def __init__(
        self,
        host: str,
        port: int | None,
        label: str,
        files: Sequence[Path],
        own: Path,
        *,
        strict: bool = False,
    ) -> None:
        self.name = host if port in (None, 22) else f"[{host}]:{port}"
        self.label = label
        self._own = own
        self._strict = strict
        self._known = [key for file in (*files, own) for key in known_keys(file, self.name)]

    def trusted(self) -> tuple[list[asyncssh.SSHKey], list[asyncssh.SSHKey], list[asyncssh.SSHKey]]:
        """Keys, certificate authorities and revoked keys, as asyncssh takes them."""
        by_marker: dict[str, list[asyncssh.SSHKey]] = {"": [], "cert-authority": [], "revoked": []}
        for known in self._known:
            by_marker[known.marker].append(known.key)
        return by_marker[""], by_marker["cert-authority"], by_marker["revoked"]

    def judge(self, key: asyncssh.SSHKey) -> NewHostKey:
        """What to ask about a key that is not among the trusted.

        Raises:
            HostKeyChanged: another key of this host is on file, or this one was revoked.
            HostKeyUnknown: the user's configuration wants no question.
        """
        shown = key.get_fingerprint()
        for known in self._known:
            if known.marker == "revoked" and known.key == key:
                raise HostKeyChanged(
                    f"the key {shown} of {self.label} was revoked ({known.file}:{known.line})",
                    "do not connect; ask whoever runs that host",
                )
        if others := [known for known in self._known if known.marker == ""]:
            raise self._changed(shown, others[0])
        algorithm = key.get_algorithm()
        public = key.export_public_key("openssh").decode().split()[1]
        if self._strict:
            raise HostKeyUnknown(
                f"the host key {shown} of {self.label} is not known, and ssh's configuration says "
                "StrictHostKeyChecking yes",
                f"connect once with: ssh -o StrictHostKeyChecking=ask {self.name}",
            )
        return NewHostKey(
            self.name, self.label, algorithm, shown, f"{self.name} {algorithm} {public}"
        )

    def accept(self, question: NewHostKey) -> None:
        """Stores the key, whoever else stores one meanwhile."""
        private_folder(self._own.parent)
        file = os.open(self._own, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            os.write(file, f"{question.line}\n".encode())
        finally:
            os.close(file)
        self._known += [k for k in known_keys(self._own, self.name) if k not in self._known]

    def _changed(self, shown: str, known: KnownKey) -> HostKeyChanged:
        own = f"remove line {known.line} of {known.file}"
        theirs = f'ssh-keygen -R "{self.name}" -f {known.file}'
        return HostKeyChanged(
            f"THE HOST KEY OF {self.label} HAS CHANGED: it shows {shown}, but "
            f"{known.file}:{known.line} has {known.key.get_fingerprint()}; "
            "somebody may be listening in",
            "ask whoever runs that host; only if they changed it: "
            + (own if known.file == self._own else theirs),
        )


def known_keys(file: Path, name: str) -> Iterator[KnownKey]:
    """The lines of a known_hosts file about `name`; those that make no sense are left out."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for number, line in enumerate(text.splitlines(), 1):
        try:
            # One line at a time: asyncssh gives up a whole file for one bad line, and tells none.
            keys, authorities, revoked, *_ = asyncssh.match_known_hosts(
                asyncssh.import_known_hosts(line), name, "", None
            )
        except ValueError:
            continue
        for marker, found in (("", keys), ("cert-authority", authorities), ("revoked", revoked)):
            for key in found:
                yield KnownKey(file, number, marker, key)
