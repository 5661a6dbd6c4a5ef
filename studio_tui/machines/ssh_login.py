"""Logs in to a host: through those on the way, its key verified, by keys, agent or a person."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncssh
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs
from asyncssh.public_key import get_certificate_algs, get_public_key_algs

from studio_tui.errors import Refused, StudioError, UsageFault
from studio_tui.machines.connection import ConnectionLost
from studio_tui.machines.host_keys import HostKeyChanged, HostKeys, HostKeyUnknown, NewHostKey
from studio_tui.machines.ssh_keys import ATTEMPTS, Ask, KeyRing, agent_keys
from studio_tui.machines.ssh_options import Destination, Route, hops, resolve
from studio_tui.machines.ssh_proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path
    from typing import Any

CONNECT_SECONDS = 15.0
"""How long one host may take, without the time that a person takes to answer."""
KEEPALIVE_SECONDS = 11
KEEPALIVE_COUNT = 3
"""A silent peer is given up one interval after the last of these: within 45 seconds."""
CLOSE_SECONDS = 2.0
MOST_HOPS = 8

_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
_KNOWN = {
    "ciphers": ("encryption_algs", get_encryption_algs),
    "kexalgorithms": ("kex_algs", get_kex_algs),
    "macs": ("mac_algs", get_mac_algs),
    "pubkeyacceptedalgorithms": ("signature_algs", get_public_key_algs),
}


async def _nobody(_: object) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Questions:
    """Who answers what a login asks. The answers are used once: not stored, not logged.

    Attributes:
        secret: a passphrase, password or one-time code; None when there is no answer.
        host_key: whether a host that was never seen may be trusted from now on.
    """

    secret: Ask = _nobody
    host_key: Callable[[NewHostKey], Awaitable[bool | None]] = _nobody

    @property
    def attended(self) -> bool:
        """Whether anybody is there to answer for a secret."""
        return self.secret is not _nobody


class Login:
    """Opens connections to one host, again whenever one is lost.

    Args:
        destination: the host.
        own_known_hosts: our own file of accepted host keys.
        questions: who answers; nobody, when left out.
        program: OpenSSH's client, None to do without.
    """

    def __init__(
        self,
        destination: Destination,
        own_known_hosts: Path,
        questions: Questions | None = None,
        *,
        program: str | None = "ssh",
    ) -> None:
        self.destination = destination
        self._own = own_known_hosts
        self._questions = questions or Questions()
        self._program = program
        self._keys = KeyRing()

    async def connect(self) -> Transport:
        """Logs in.

        Raises:
            ConnectionLost: the host, or one on the way, cannot be reached now.
            Refused: it does not let us in, or its key is not trusted.
            UsageFault: ssh's configuration has a fault.
            StudioError: the two have no algorithm in common.
        """
        return await self._reach(self.destination, ())

    async def _reach(self, destination: Destination, beyond: tuple[str, ...]) -> Transport:
        """Logs in to a host, the hosts before it first."""
        if len(beyond) >= MOST_HOPS:
            raise UsageFault(
                f"the way to {beyond[0]} goes through too many hosts", "look for a ProxyJump circle"
            )
        route = await resolve(destination, program=self._program)
        if not (hop := hops(route.jump, destination.config)):
            return await self._trusted(route, None)
        tunnel = await self._reach(hop, (*beyond, route.name))
        try:
            return await self._trusted(route, tunnel)
        except BaseException:
            await tunnel.close()
            raise

    async def _trusted(self, route: Route, tunnel: Transport | None) -> Transport:
        """Logs in to a host; when its key is new, once more after a person accepted it."""
        keys = HostKeys(
            route.alias or route.host,
            None if route.alias else route.port,
            route.label,
            route.known_hosts,
            self._own,
            strict=route.strict,
        )
        try:
            return await self._open(route, keys, tunnel)
        except _Unknown as unknown:
            question = unknown.question
        if not await self._questions.host_key(question):
            raise HostKeyUnknown(
                f"the host key of {route.label} is not known: {question.kind} "
                f"{question.fingerprint}",
                "compare it with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub), "
                "then connect from a terminal and accept it",
            )
        keys.accept(question)
        return await self._open(route, keys, tunnel)

    async def _open(self, route: Route, keys: HostKeys, tunnel: Transport | None) -> Transport:
        proxy = await Proxy.start(route.proxy_command) if route.proxy_command else None
        asking = _Asking(route, keys, self._questions)
        try:
            async with asking.limit, agent_keys(route.agent) as held:
                pairs = self._keys.load(route, held, asking.secret)
                link = await asyncssh.connect(
                    route.host,
                    route.port,
                    tunnel=tunnel.link if tunnel else None,
                    sock=proxy.socket if proxy else None,
                    client_factory=lambda: asking,
                    **_options(route, keys, pairs),
                )
        except BaseException as problem:
            complaint = proxy.complaint() if proxy else ""
            if proxy:
                await proxy.close()
            if isinstance(problem, (OSError, asyncssh.Error, ValueError)):
                raise asking.problem or _problem(route, problem, complaint) from problem
            raise
        return Transport(link, asking.lost, route, tunnel, proxy)


class Transport:
    """An open connection, and those on the way to it.

    Attributes:
        link: asyncssh's connection.
        lost: set when it has ended; its result says why, "" when it was closed from here.
    """

    def __init__(
        self,
        link: asyncssh.SSHClientConnection,
        lost: asyncio.Future[str],
        route: Route,
        tunnel: Transport | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self.link = link
        self.lost = lost
        self.route = route
        self._tunnel = tunnel
        self._proxy = proxy
        if tunnel is not None:
            lost.add_done_callback(lambda _: tunnel.abort())
        if proxy is not None:
            lost.add_done_callback(lambda _: proxy.kill())

    def abort(self) -> None:
        """Drops the connection without a word."""
        self.link.abort()
        if self._tunnel is not None:
            self._tunnel.abort()

    async def close(self) -> None:
        """Says goodbye, and waits until the sockets are closed."""
        self.link.close()
        try:
            await asyncio.wait_for(asyncio.shield(self.link.wait_closed()), CLOSE_SECONDS)
        except TimeoutError:  # a peer that does not answer must not hold us up
            self.link.abort()
            await self.link.wait_closed()
        if self._proxy is not None:
            await self._proxy.close()
        if self._tunnel is not None:
            await self._tunnel.close()


class _Unknown(Exception):
    """The host's key is new."""

    def __init__(self, question: NewHostKey) -> None:
        super().__init__(question.fingerprint)
        self.question = question


class _Asking(asyncssh.SSHClient):
    """What asyncssh asks while it logs in."""

    def __init__(self, route: Route, keys: HostKeys, questions: Questions) -> None:
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.problem: StudioError | _Unknown | None = None
        self._route = route
        self._keys = keys
        self._questions = questions
        self.limit = asyncio.timeout(CONNECT_SECONDS)
        self._passwords = 0
        self._codes = 0

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        if not self.lost.done():
            self.lost.set_result(str(exc) if exc else "")

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        """Nothing is trusted here: a new key is asked about once this login has failed."""
        # Called for a key that is new and for one that has changed alike.
        try:
            self.problem = _Unknown(self._keys.judge(key))
        except StudioError as refusal:
            self.problem = refusal
        return False

    async def secret(self, prompt: str) -> str | None:
        """Asks the person; the host's time limit stands still meanwhile."""
        self.limit.reschedule(None)
        try:
            return await self._questions.secret(prompt)
        finally:
            self.limit.reschedule(asyncio.get_running_loop().time() + CONNECT_SECONDS)

    async def password_auth_requested(self) -> str | None:
        """The user's password, as often as ssh asks for it."""
        self._passwords += 1
        if self._passwords > ATTEMPTS or not self._questions.attended:
            return None
        return await self.secret(f"password of {self._route.label}") or None

    def kbdint_auth_requested(self) -> str | None:
        """Whether the host may ask its own questions."""
        self._codes += 1
        return "" if self._codes <= ATTEMPTS and self._questions.attended else None

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        """The host's own questions, such as for a one-time code."""
        answers = []
        for prompt, _ in prompts:
            answer = await self.secret(f"{self._route.label}: {prompt.strip().rstrip(':')}")
            if answer is None:
                return None
            answers.append(answer)
        return answers


def _options(route: Route, keys: HostKeys, pairs: list[asyncssh.SSHKeyPair]) -> dict[str, Any]:
    options: dict[str, Any] = {
        "config": None,
        "family": _FAMILIES.get(route.family, socket.AF_UNSPEC),
        "local_addr": (route.bind, 0) if route.bind else None,
        "username": route.user,
        # An empty list would stand for the keys of the usual names.
        "client_keys": pairs or None,
        "agent_path": None,
        "known_hosts": keys.trusted(),
        "host_key_alias": route.alias,
        "server_host_key_algs": _host_key_algorithms(route, keys),
        "preferred_auth": list(route.methods),
        "x509_trusted_certs": None,
        "gss_host": None,
        "login_timeout": 0,  # the time is ours: it stands still while a person thinks
        "keepalive_interval": KEEPALIVE_SECONDS,
        "keepalive_count_max": KEEPALIVE_COUNT,
    }
    for keyword, names in route.algorithms:
        if keyword in _KNOWN and (usable := _usable(keyword, names)):
            options[_KNOWN[keyword][0]] = usable
    return options


def _host_key_algorithms(route: Route, keys: HostKeys) -> list[str]:
    """Those that the known keys have come first: a host must be able to show the known one."""
    known, authorities, _ = keys.trusted()
    first = [name.decode() for key in known for name in key.sig_algorithms]
    usable = _names(get_public_key_algs())
    if authorities:
        certified = _names(get_certificate_algs())
        first, usable = certified + first, certified + usable
    wanted = next((list(n) for k, n in route.algorithms if k == "hostkeyalgorithms"), usable)
    # No certificate is of use without an authority that vouches for it.
    allowed = [name for name in wanted if name in usable]
    return list(dict.fromkeys([n for n in first if n in allowed] + allowed)) or usable


def _usable(keyword: str, names: tuple[str, ...]) -> list[str]:
    there = _names(_KNOWN[keyword][1]())
    usable = [name for name in names if name in there]
    if keyword == "ciphers":
        # AES-GCM costs the client a third less than ChaCha20 wherever AES is in hardware.
        usable.sort(key=lambda name: "-gcm@" not in name)
    return usable


def _names(algorithms: list[bytes]) -> list[str]:
    return [name.decode() for name in algorithms]


def _problem(route: Route, problem: Exception, complaint: str) -> StudioError:
    match problem:
        case asyncssh.PermissionDenied():
            return Refused(
                f"{route.label} does not let you in: no key, agent or password fits",
                f"see which keys it takes: ssh -v {route.name}",
            )
        case asyncssh.HostKeyNotVerifiable():
            return HostKeyChanged(
                f"the host key of {route.label} cannot be trusted: {problem}",
                "ask whoever runs that host",
            )
        case TimeoutError():
            return ConnectionLost(
                f"{route.label} does not answer within {CONNECT_SECONDS:.0f} seconds",
                "is it running, and is the address right?",
            )
        case OSError() | asyncssh.ConnectionLost() | asyncssh.ChannelOpenError():
            return ConnectionLost(
                f"{route.label} cannot be reached: {complaint or _reason(problem)}",
                "is it running, and is the address right?",
            )
        case asyncssh.DisconnectError():
            return StudioError(
                f"{route.label} ended the login: {problem}", f"try: ssh {route.name}"
            )
        case _:
            return StudioError(
                f"logging in to {route.label} failed: {problem}", f"try: ssh {route.name}"
            )


def _reason(problem: Exception) -> str:
    # asyncio puts the address in the place of the system's words.
    number = problem.errno if isinstance(problem, OSError) else None
    if number and not isinstance(problem, socket.gaierror):
        return os.strerror(number)
    return str(problem) or type(problem).__name__
