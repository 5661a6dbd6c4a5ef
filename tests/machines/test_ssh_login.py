"""Logs in wherever ssh does, and nowhere else: ssh itself is asked in the same run."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncssh
import pytest

from studio_tui.errors import Refused, StudioError, UsageFault
from studio_tui.machines.connection import ConnectionLost
from studio_tui.machines.host_keys import HostKeyChanged, HostKeyUnknown, NewHostKey
from studio_tui.machines.ssh_login import Login, Questions
from studio_tui.machines.ssh_options import Destination
from tests.conftest import Require
from tests.machines.sshd import MakeServer, Server, login_to, new_key

Case = Callable[["World"], str]


class World:
    """Servers, a folder for files, and a client's configuration in the making."""

    def __init__(self, make: MakeServer, folder: Path) -> None:
        self.make = make
        self.folder = folder
        self.box = make()
        (self.box.folder / "known_hosts").write_text(self.box.known_hosts())

    def host(self, *more: str, name: str = "box", server: Server | None = None) -> str:
        return (server or self.box).client_lines(name, *more)

    def other(self) -> Server:
        """Another server, known to the client."""
        server = self.make()
        (server.folder / "known_hosts").write_text(server.known_hosts())
        return server


def plain(world: World) -> str:
    return world.host()


def comment_after_a_value(world: World) -> str:
    return world.host("HostName 127.0.0.1 # the box") + "# end\n"


def equals_and_quotes(world: World) -> str:
    return world.host(f'Port="{world.box.port}"', f'User = "{world.box.user}"')


def a_key_that_is_not_there(world: World) -> str:
    return world.host(f"IdentityFile {world.folder}/none")


def known_hosts_that_are_not_there(world: World) -> str:
    return world.host(f"UserKnownHostsFile {world.folder}/none {world.box.folder}/known_hosts")


def known_hosts_with_a_line_that_makes_no_sense(world: World) -> str:
    file = world.box.folder / "known_hosts"
    file.write_text(f"nonsense\n\n# note\nhost ssh-new AAAA\n{file.read_text()}")
    return world.host()


def known_hosts_hashed(world: World) -> str:
    file = world.box.folder / "known_hosts"
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], check=True, capture_output=True)
    assert "127.0.0.1" not in file.read_text()
    return world.host()


def known_by_an_alias(world: World) -> str:
    key = world.box.host_key.export_public_key().decode()
    (world.box.folder / "known_hosts").write_text(f"the-alias {key}")
    return world.host("HostKeyAlias the-alias")


def known_by_the_second_of_its_keys(world: World) -> str:
    key = new_key(world.box.folder / "second", "ecdsa-sha2-nistp256")
    world.box.configure(f"HostKey {world.box.folder}/hostkey", f"HostKey {world.box.folder}/second")
    line = f"[127.0.0.1]:{world.box.port} {key.export_public_key().decode()}"
    (world.box.folder / "known_hosts").write_text(line)
    return world.host()


def known_by_an_authority(world: World) -> str:
    authority = new_key(world.folder / "authority")
    certificate = authority.generate_host_certificate(
        world.box.host_key, "box", principals=["127.0.0.1"]
    )
    certificate.write_certificate(world.box.folder / "hostkey-cert.pub")
    world.box.configure(f"HostCertificate {world.box.folder}/hostkey-cert.pub")
    public = authority.export_public_key().decode()
    (world.box.folder / "known_hosts").write_text(f"@cert-authority * {public}")
    return world.host()


def a_match_block(world: World) -> str:
    port = world.box.port
    return f'Match originalhost box exec "test %p = 22"\n  Port {port}\n' + world.host("Port 1")


def an_included_file(world: World) -> str:
    (world.folder / "more.conf").write_text(world.host())
    return f"Include {world.folder}/*.conf\n"


def several_keys(world: World) -> str:
    new_key(world.folder / "wrong")
    new_key(world.folder / "wrong-too", "ecdsa-sha2-nistp256")
    return world.host(*(f"IdentityFile {world.folder}/{n}" for n in ("wrong", "wrong-too")))


def a_locked_key_before_the_good_one(world: World) -> str:
    new_key(world.folder / "locked", passphrase="secret")
    return world.host(f"IdentityFile {world.folder}/locked")


def a_certified_key(world: World) -> str:
    authority = new_key(world.folder / "authority")
    key = new_key(world.folder / "certified")
    certificate = authority.generate_user_certificate(key, "ann", principals=[world.box.user])
    certificate.write_certificate(world.folder / "certified-cert.pub")
    world.box.configure(f"TrustedUserCAKeys {world.folder}/authority.pub")
    world.box.accept()
    return world.host(f"IdentityFile {world.folder}/certified")


def few_algorithms(world: World) -> str:
    world.box.configure("Ciphers aes256-ctr", "KexAlgorithms ecdh-sha2-nistp384")
    return world.host("Ciphers aes256-ctr,aes128-gcm@openssh.com")


def a_proxy_command(world: World) -> str:
    (world.folder / "jump.conf").write_text(world.host(name="jump", server=world.other()))
    return world.host(f"ProxyCommand ssh -F {world.folder}/jump.conf -W %h:%p jump")


def one_jump(world: World) -> str:
    return world.host("ProxyJump jump") + world.host(name="jump", server=world.other())


def a_jump_with_user_and_port(world: World) -> str:
    jump = world.other()
    lines = world.host("Port 1", "User nobody", name="jump", server=jump)
    return world.host(f"ProxyJump {jump.user}@jump:{jump.port}") + lines


def two_jumps(world: World) -> str:
    first, second = world.other(), world.other()
    jumps = world.host(name="first", server=first) + world.host(name="second", server=second)
    return world.host("ProxyJump first,second") + jumps


def a_jump_that_jumps(world: World) -> str:
    first, second = world.other(), world.other()
    second_host = world.host("ProxyJump first", name="second", server=second)
    return world.host("ProxyJump second") + second_host + world.host(name="first", server=first)


CASES = [
    plain, comment_after_a_value, equals_and_quotes, a_key_that_is_not_there,
    known_hosts_that_are_not_there, known_hosts_with_a_line_that_makes_no_sense,
    known_hosts_hashed, known_by_an_alias, known_by_the_second_of_its_keys, known_by_an_authority,
    a_match_block, an_included_file, several_keys, a_locked_key_before_the_good_one,
    a_certified_key, few_algorithms, a_proxy_command, one_jump, a_jump_with_user_and_port,
    two_jumps, a_jump_that_jumps,
]  # fmt: skip


@pytest.fixture
def world(make_sshd: MakeServer, tmp_path: Path) -> World:
    folder = tmp_path / "world"
    folder.mkdir()
    return World(make_sshd, folder)


def way(config: str, folder: Path, questions: Questions | None = None) -> Login:
    file = folder / "config"
    file.write_text(config)
    return Login(Destination("box", config=str(file)), folder / "own", questions)


async def works(login: Login) -> None:
    """Logs in and runs a command."""
    transport = await login.connect()
    done = await transport.link.run("echo here")
    assert done.stdout == "here\n"
    await transport.close()


def ssh_works(ssh: str, folder: Path) -> bool:
    argv = [ssh, "-F", str(folder / "config"), "-o", "BatchMode=yes", "box", "echo here"]
    done = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    return done.stdout == b"here\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_it_logs_in_as_ssh_does(world: World, case: Case, require: Require) -> None:
    login = way(case(world), world.folder)
    assert await asyncio.to_thread(ssh_works, require("ssh"), world.folder)
    await works(login)
    assert not (world.folder / "own").exists()


@pytest.mark.parametrize(
    "case",
    [plain, a_key_that_is_not_there, several_keys, one_jump, two_jumps, known_hosts_hashed],
    ids=lambda case: case.__name__,
)
async def test_it_logs_in_where_there_is_no_ssh(world: World, case: Case) -> None:
    file = world.folder / "config"
    file.write_text(case(world))
    await works(Login(Destination("box", config=str(file)), world.folder / "own", program=None))


# -- the agent --------------------------------------------------------------------------------


@pytest.fixture
def agent(require: Require, tmp_path: Path) -> Iterator[Path]:
    """An agent's socket."""
    path = tmp_path / "agent"
    process = subprocess.Popen(
        [require("ssh-agent"), "-D", "-a", str(path)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()  # it names its socket once it listens there
    yield path
    process.terminate()
    process.wait()
    process.stdout.close()


async def add(agent: Path, *keys: Path) -> None:
    async with asyncssh.connect_agent(str(agent)) as client:
        await client.add_keys([str(key) for key in keys])


async def test_the_agents_key(world: World, agent: Path, require: Require) -> None:
    new_key(world.folder / "wrong")
    await add(agent, world.folder / "wrong", world.box.folder / "id")
    login = way(
        world.host(f"IdentityAgent {agent}", f"IdentityFile {world.folder}/none").replace(
            f"IdentityFile {world.box.folder}/id", ""
        ),
        world.folder,
    )
    assert await asyncio.to_thread(ssh_works, require("ssh"), world.folder)
    await works(login)


async def test_a_key_that_only_the_agent_can_use(world: World, agent: Path) -> None:
    await add(agent, world.box.folder / "id")
    (world.box.folder / "id").unlink()
    await works(way(world.host(f"IdentityAgent {agent}", "IdentitiesOnly yes"), world.folder))


async def test_identities_only_keeps_the_agents_other_keys_back(world: World, agent: Path) -> None:
    await add(agent, world.box.folder / "id")
    new_key(world.folder / "wrong")
    config = world.host(
        f"IdentityAgent {agent}", "IdentitiesOnly yes", f"IdentityFile {world.folder}/wrong"
    ).replace(f"IdentityFile {world.box.folder}/id", "")
    with pytest.raises(Refused, match="does not let you in"):
        await works(way(config, world.folder))


async def test_an_agent_that_does_not_answer_is_no_hindrance(world: World) -> None:
    await works(way(world.host(f"IdentityAgent {world.folder}/none"), world.folder))


# -- what is asked ----------------------------------------------------------------------------


class Person:
    """Answers in order, and remembers what was asked."""

    def __init__(self, *secrets: str | None, trusting: bool = False) -> None:
        self.secrets = list(secrets)
        self.trusting = trusting
        self.asked: list[str] = []
        self.shown: list[NewHostKey] = []

    async def secret(self, prompt: str) -> str | None:
        self.asked.append(prompt)
        return self.secrets.pop(0)

    async def host_key(self, question: NewHostKey) -> bool:
        self.shown.append(question)
        return self.trusting

    @property
    def questions(self) -> Questions:
        return Questions(self.secret, self.host_key)


def locked(world: World) -> str:
    new_key(world.box.folder / "id", passphrase="correct")
    world.box.accept("id")
    return world.host()


async def test_a_passphrase_is_asked_for_until_it_fits_and_then_no_more(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    person = Person("wrong", "correct")
    login = way(locked(world), world.folder, person.questions)
    await works(login)
    assert [str(world.box.folder / "id") in prompt for prompt in person.asked] == [True, True]
    await works(login)
    assert len(person.asked) == 2
    assert "correct" not in caplog.text


async def test_a_passphrase_that_nobody_knows(world: World) -> None:
    person = Person(None)
    with pytest.raises(Refused, match="does not let you in"):
        await works(way(locked(world), world.folder, person.questions))
    with pytest.raises(Refused):
        await works(way(locked(world), world.folder))


async def test_a_locked_key_that_the_host_does_not_want_is_not_asked_about(world: World) -> None:
    person = Person()
    login = way(a_locked_key_before_the_good_one(world), world.folder, person.questions)
    await works(login)
    assert person.asked == []


async def test_a_new_host_is_asked_about_once_and_then_known(world: World) -> None:
    (world.box.folder / "known_hosts").unlink()
    person = Person(trusting=True)
    login = way(world.host(), world.folder, person.questions)
    await works(login)
    await works(login)
    (shown,) = person.shown
    assert shown.fingerprint == world.box.host_key.get_fingerprint()
    assert (world.folder / "own").read_text().split() == world.box.known_hosts().split()
    assert not (world.box.folder / "known_hosts").exists()
    await works(way(world.host(), world.folder))


async def test_a_new_host_that_nobody_trusts(world: World) -> None:
    (world.box.folder / "known_hosts").unlink()
    for login in (
        way(world.host(), world.folder),
        way(world.host(), world.folder, Person(trusting=False).questions),
    ):
        with pytest.raises(HostKeyUnknown) as raised:
            await works(login)
        assert world.box.host_key.get_fingerprint() in raised.value.message
    assert not (world.folder / "own").exists()


@pytest.mark.parametrize("word", ["no", "off", "accept-new"])
@pytest.mark.parametrize("file", ["none", "/dev/null", "missing"])
async def test_verification_is_never_off(world: World, word: str, file: str) -> None:
    lines = [f"StrictHostKeyChecking {word}", f"UserKnownHostsFile {file}"]
    person = Person(trusting=True)
    with pytest.raises(HostKeyUnknown):
        await works(way(world.host(*lines), world.folder))
    await works(way(world.host(*lines), world.folder, person.questions))
    assert len(person.shown) == 1


async def test_strict_means_no_question(world: World) -> None:
    (world.box.folder / "known_hosts").unlink()
    person = Person(trusting=True)
    with pytest.raises(HostKeyUnknown, match="StrictHostKeyChecking yes"):
        await works(way(world.host("StrictHostKeyChecking yes"), world.folder, person.questions))
    assert person.shown == []


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256"])
async def test_a_changed_host_key_is_refused_whatever_is_configured(
    world: World, kind: str
) -> None:
    old = asyncssh.generate_private_key(kind)
    file = world.box.folder / "known_hosts"
    file.write_text(f"# note\n[127.0.0.1]:{world.box.port} {old.export_public_key().decode()}")
    person = Person(trusting=True)
    config = world.host("StrictHostKeyChecking no")
    with pytest.raises(HostKeyChanged) as raised:
        await works(way(config, world.folder, person.questions))
    for part in (
        old.get_fingerprint(), world.box.host_key.get_fingerprint(), f"{file}:2", "CHANGED",
    ):  # fmt: skip
        assert part in raised.value.message
    assert "ssh-keygen -R" in raised.value.hint
    assert person.shown == []
    assert not (world.folder / "own").exists()


async def test_a_revoked_host_key_is_refused(world: World) -> None:
    file = world.box.folder / "known_hosts"
    file.write_text(
        f"{world.box.known_hosts()}@revoked * {world.box.known_hosts().split(' ', 1)[1]}"
    )
    with pytest.raises(HostKeyChanged, match="revoked"):
        await works(way(world.host(), world.folder, Person(trusting=True).questions))


async def test_the_hosts_on_the_way_are_verified_too(world: World) -> None:
    jump = world.other()
    (jump.folder / "known_hosts").unlink()
    config = world.host("ProxyJump jump") + world.host(name="jump", server=jump)
    with pytest.raises(HostKeyUnknown, match="jump"):
        await works(way(config, world.folder))
    person = Person(trusting=True)
    await works(way(config, world.folder, person.questions))
    assert [question.host for question in person.shown] == [f"[127.0.0.1]:{jump.port}"]


# -- what goes wrong --------------------------------------------------------------------------


async def test_nobody_listens(make_sshd: MakeServer, tmp_path: Path) -> None:
    server = make_sshd()
    server.stop()
    with pytest.raises(ConnectionLost, match=r"box \(.*cannot be reached.*refused"):
        await login_to(server, tmp_path).connect()


async def test_a_name_that_nobody_has(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("")
    with pytest.raises(ConnectionLost, match="cannot be reached"):
        await Login(
            Destination("no.such.host.invalid", config=str(config)), tmp_path / "o"
        ).connect()


async def test_a_host_that_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    monkeypatch.setattr("studio_tui.machines.ssh_login.CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(ConnectionLost, match="does not answer"):
            await way(world.host(f"Port {port}"), world.folder).connect()


async def test_a_login_that_is_refused(world: World) -> None:
    world.box.accept()
    with pytest.raises(Refused, match="does not let you in") as raised:
        await way(world.host(), world.folder).connect()
    assert raised.value.hint == "see which keys it takes: ssh -v box"


async def test_no_common_algorithm(world: World) -> None:
    world.box.configure("Ciphers aes256-ctr")
    with pytest.raises(StudioError, match="box"):
        await way(world.host("Ciphers aes128-gcm@openssh.com"), world.folder).connect()


async def test_a_configuration_with_a_fault(world: World) -> None:
    with pytest.raises(UsageFault, match="line 2: Bad configuration option: nonsense"):
        await way(world.host("Nonsense yes"), world.folder).connect()


async def test_a_circle_of_jumps(world: World) -> None:
    config = world.host("ProxyJump round") + world.host("ProxyJump box", name="round")
    with pytest.raises(UsageFault, match="too many hosts"):
        await way(config, world.folder).connect()


async def test_a_connection_that_is_cut_says_so(sshd: Server, tmp_path: Path) -> None:
    transport = await login_to(sshd, tmp_path).connect()
    sshd.cut()
    assert await transport.lost
    await transport.close()
    assert os.path.isdir(tmp_path)


async def test_the_way_there_ends_with_the_connection(world: World) -> None:
    jump = world.other()
    config = world.host("ProxyJump jump") + world.host(name="jump", server=jump)
    transport = await way(config, world.folder).connect()
    await transport.close()
    for server in (jump, world.box):
        for child in server.children:
            await asyncio.to_thread(child.wait)
