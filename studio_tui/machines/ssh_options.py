"""What OpenSSH's configuration says of a host, as OpenSSH itself reads it."""

from __future__ import annotations

import asyncio
import getpass
import os
import re
import shutil
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio_tui.errors import UsageFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Options = dict[str, list[str]]
"""Lower-case keyword to its values, in order, as `ssh -G` prints them."""

ALGORITHMS = ("ciphers", "kexalgorithms", "macs", "hostkeyalgorithms", "pubkeyacceptedalgorithms")
_HOP = re.compile(
    r"(?:ssh://)?(?:(?P<user>[^@]+)@)?(?P<host>\[[^]]+\]|[^:/]+)(?::(?P<port>\d+))?/?"
)
_TOKEN = re.compile(r"%(.)")


@dataclass(frozen=True, slots=True)
class Destination:
    """A host as a person names it; what is None is left to ssh's configuration.

    Attributes:
        host: any name that `ssh` understands.
        config: an ssh_config file in place of the user's and the system's.
        jump: the hosts on the way, comma-separated, in place of the configured ones.
        alias: the name that the host's key is known by, in place of the configured HostKeyAlias.
    """

    host: str
    port: int | None = None
    user: str | None = None
    identity_file: str | None = None
    known_hosts: str | None = None
    config: str | None = None
    jump: str | None = None
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """How to reach a host: everything resolved, files that are not there left out.

    Attributes:
        name: the host as the person named it.
        identities: private keys, or public halves of keys that the agent holds.
        agent: the agent's socket; "" for none.
        family: "inet", "inet6" or neither.
        bind: the address of this computer to connect from; "" for any.
        jump: comma-separated hosts on the way; "" for none. The last is the one next to the host.
        proxy_command: a shell command whose pipes are the connection; "" for none.
        alias: the name that the host's key is known by, in place of host and port.
        known_hosts: the files that ssh looks into.
        strict: a key that is not known is refused without a question.
        methods: "publickey", "keyboard-interactive", "password": those that are not switched off.
        algorithms: keyword of ALGORITHMS to names in order of preference.
    """

    name: str
    host: str
    port: int
    user: str
    identities: tuple[Path, ...] = ()
    identities_only: bool = False
    certificates: tuple[Path, ...] = ()
    agent: str = ""
    family: str = ""
    bind: str = ""
    jump: str = ""
    proxy_command: str = ""
    alias: str | None = None
    known_hosts: tuple[Path, ...] = ()
    strict: bool = False
    methods: tuple[str, ...] = ("publickey",)
    algorithms: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def label(self) -> str:
        """Such as `gpu-box (ann@10.0.0.7 port 2222)`."""
        place = f"{self.user}@{self.host}" + (f" port {self.port}" if self.port != 22 else "")
        return place if self.name == self.host else f"{self.name} ({place})"


async def resolve(destination: Destination, *, program: str | None = "ssh") -> Route:
    """Asks OpenSSH how it would reach a host. Touches no network, unless `Match exec` does.

    Args:
        program: OpenSSH's client; where there is none, asyncssh's reader of ssh_config is used.

    Raises:
        UsageFault: the configuration has a fault, which `ssh` names.
    """
    found = shutil.which(program) if program else None
    options = await _asked(found, destination) if found else _read(destination)
    return route(destination, options, os.environ)


async def _asked(program: str, destination: Destination) -> Options:
    argv = [program, *arguments(destination), "-G", "--", destination.host]
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        # Complaints come before the line that says how many there were.
        lines = err.decode("utf-8", "replace").strip().splitlines() or ["it gave no reason"]
        raise UsageFault(f"ssh cannot read its configuration: {lines[0]}", "correct that line")
    return parse(out.decode("utf-8", "surrogateescape"))


def arguments(destination: Destination) -> list[str]:
    """The options of an `ssh` command for this destination."""
    pairs = {
        "-F": destination.config,
        "-p": destination.port,
        "-l": destination.user,
        "-i": destination.identity_file,
        "-J": destination.jump,
    }
    return [word for flag, value in pairs.items() if value for word in (flag, str(value))]


def parse(text: str) -> Options:
    """What `ssh -G` printed."""
    options: Options = defaultdict(list)
    for line in text.splitlines():
        keyword, _, value = line.strip().partition(" ")
        options[keyword.lower()].append(value)
    return dict(options)


def route(destination: Destination, options: Options, env: Mapping[str, str]) -> Route:
    """The way to the destination by ssh's options. Looks only whether files are there."""

    def first(keyword: str, default: str = "") -> str:
        value = options.get(keyword, [default])[0]
        return "" if value.lower() == "none" else value

    def on(keyword: str) -> bool:
        return first(keyword, "yes").lower() in ("yes", "true")

    host = first("hostname", destination.host)
    plain = Route(
        name=destination.host,
        host=host.strip("[]"),
        port=int(first("port", "22")),
        user=first("user") or getpass.getuser(),
        identities_only=first("identitiesonly").lower() in ("yes", "true"),
        family=first("addressfamily"),
        bind=first("bindaddress"),
        jump=first("proxyjump"),
        alias=destination.alias or first("hostkeyalias") or None,
        strict=first("stricthostkeychecking").lower() in ("yes", "true"),
        methods=_methods(first("preferredauthentications"), on),
        algorithms=tuple((k, tuple(first(k).split(","))) for k in ALGORITHMS if first(k)),
    )
    there = _Files(plain, env)
    return replace(
        plain,
        identities=there.keys(options.get("identityfile", [])),
        certificates=there.of(options.get("certificatefile", [])),
        agent=_agent(first("identityagent", "SSH_AUTH_SOCK"), there, env),
        proxy_command="" if plain.jump else there.expanded(first("proxycommand")),
        known_hosts=there.of(
            [destination.known_hosts]
            if destination.known_hosts
            else there.listed(first("userknownhostsfile"))
        )
        + there.of(there.listed(first("globalknownhostsfile"))),
    )


def hops(jump: str, config: str | None) -> Destination | None:
    """The host right before the one that is jumped to, those before it as its own jump.

    Raises:
        UsageFault: it is not a list of hosts.
    """
    if not jump:
        return None
    before, _, last = jump.rpartition(",")
    match = _HOP.fullmatch(last.strip())
    if match is None:
        raise UsageFault(f"ProxyJump {last!r} is not a host", "write [user@]host[:port]")
    port = match["port"]
    return Destination(
        host=match["host"].strip("[]"),
        port=int(port) if port else None,
        user=match["user"],
        config=config,
        jump=before or None,
    )


class _Files:
    """Names of files as ssh writes them: `~` and tokens such as %h replaced."""

    def __init__(self, plain: Route, env: Mapping[str, str]) -> None:
        self._env = env
        self._tokens = {
            "%": "%",
            "d": str(Path.home()),
            "h": plain.host,
            "i": str(os.getuid()),
            "k": plain.alias or plain.host,
            "L": os.uname().nodename.split(".")[0],
            "l": os.uname().nodename,
            "n": plain.name,
            "p": str(plain.port),
            "r": plain.user,
            "u": getpass.getuser(),
        }

    def expanded(self, text: str) -> str:
        return _TOKEN.sub(lambda m: self._tokens.get(m[1], m[0]), text)

    def of(self, names: Iterable[str]) -> tuple[Path, ...]:
        """Those of the files that are there, each once."""
        paths = [self.path(name) for name in names]
        return tuple(dict.fromkeys(path for path in paths if path.is_file()))

    def keys(self, names: Iterable[str]) -> tuple[Path, ...]:
        """The private keys that are there, and the public halves of those that are not."""
        paths = [self.path(name) for name in names]
        halves = [p if p.is_file() else p.with_name(p.name + ".pub") for p in paths]
        return tuple(dict.fromkeys(path for path in halves if path.is_file()))

    def listed(self, value: str) -> list[str]:
        """The names in a value. ssh prints one with a space in it as it prints two."""
        words = [quoted or word for quoted, word in re.findall(r'"([^"]*)"|(\S+)', value)]
        return [value] if self.path(value).is_file() else words

    def path(self, name: str) -> Path:
        name = re.sub(r"\$\{(\w+)\}", lambda m: self._env.get(m[1], m[0]), name.strip('"'))
        return Path(self.expanded(name)).expanduser()


def _methods(preferred: str, on: Callable[[str], bool]) -> tuple[str, ...]:
    switches = {
        "publickey": "pubkeyauthentication",
        "keyboard-interactive": "kbdinteractiveauthentication",
        "password": "passwordauthentication",
    }
    names = [name for name in preferred.split(",") if name in switches] or list(switches)
    return tuple(name for name in names if on(switches[name]))


def _agent(name: str, files: _Files, env: Mapping[str, str]) -> str:
    if name == "SSH_AUTH_SOCK":
        return env.get("SSH_AUTH_SOCK", "")
    if name.startswith("$") and not name.startswith("${"):
        return env.get(name[1:], "")
    return str(files.path(name)) if name else ""


def _read(destination: Destination) -> Options:
    """asyncssh's own reading of ssh_config, in the words of `ssh -G`.

    It is stricter than OpenSSH: a comment at a line's end is an error.
    """
    from asyncssh.config import ConfigParseError, SSHClientConfig

    usual = Path("~/.ssh/config").expanduser()
    files = [Path(destination.config)] if destination.config else [usual] * usual.is_file()
    user, port = destination.user or (), destination.port or ()
    try:
        config = SSHClientConfig.load(
            None, files, False, False, False, getpass.getuser(), user, destination.host, port
        )
    except (ConfigParseError, OSError) as problem:
        raise UsageFault(
            f"the ssh configuration cannot be read: {problem}",
            "install OpenSSH's client, which understands more of it, or correct the file",
        ) from problem
    options = {
        key.lower(): [_word(v) for v in (value if isinstance(value, list) else [value])]
        for key, value in config.get_options(False).items()
    }
    for key in ("UserKnownHostsFile", "GlobalKnownHostsFile"):
        if key.lower() in options:
            options[key.lower()] = [" ".join(f'"{v}"' for v in options[key.lower()])]
    return options | _given(destination, options)


_KEYS = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk")


def _given(destination: Destination, options: Options) -> Options:
    """What the destination itself says, and what OpenSSH has without a word."""
    given: Options = {}
    if destination.jump:
        given["proxyjump"] = [destination.jump]
    if destination.identity_file:
        given["identityfile"] = [destination.identity_file, *options.get("identityfile", [])]
    elif "identityfile" not in options:
        given["identityfile"] = [f"~/.ssh/{name}" for name in _KEYS]
    if "userknownhostsfile" not in options:
        given["userknownhostsfile"] = ["~/.ssh/known_hosts ~/.ssh/known_hosts2"]
    if "globalknownhostsfile" not in options:
        given["globalknownhostsfile"] = ["/etc/ssh/ssh_known_hosts"]
    return given


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
