"""The folder's service, as a real process, by this Python and by an old one."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import resource
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio_tui.payload import folder as served

SCRIPT = Path(served.__file__)
NOBODY = 65534

MOST = 8 << 20


class Service:
    """`folder.py` as a process, and whoever asks it.

    Args:
        python: what runs it.
        arguments: the folder, and those that nobody may look into.
        script: another one than the product's own.
    """

    def __init__(
        self,
        python: str,
        *arguments: Path,
        script: Path = SCRIPT,
        env: dict[str, str] | None = None,
    ) -> None:
        self.process = subprocess.Popen(
            [python, "-I", "-X", "utf8", script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        assert self.stdout.readline() == served.HELLO
        self._last = 0

    def send(self, do: str, body: bytes = b"", **what: object) -> int:
        """Ask; the request's id."""
        self._last += 1
        self.put(json.dumps({"id": self._last, "do": do, **what}).encode(), body)
        return self._last

    def put(self, head: bytes, body: bytes = b"") -> None:
        self.stdin.write(struct.pack(">II", len(head), len(body)) + head + body)
        self.stdin.flush()

    def receive(self) -> tuple[dict[str, Any], bytes]:
        head, body = struct.unpack(">II", self.stdout.read(8))
        told: dict[str, Any] = json.loads(self.stdout.read(head))
        return told, self.stdout.read(body)

    def ask(self, do: str, body: bytes = b"", **what: object) -> tuple[dict[str, Any], bytes]:
        """Ask, and wait for the answer. Fault: what is wrong with it."""
        request = self.send(do, body, **what)
        head, content = self.receive()
        assert head["id"] == request
        if "error" in head:
            raise served.Fault(head["error"], head["message"], head["hint"])
        return head, content

    def load(self, path: str) -> tuple[Any, bytes]:
        head, content = self.ask("load", path=path, most=MOST)
        assert head["size"] == len(content)
        return head["stamp"], content

    def write(self, path: str, data: bytes, before: object) -> Any:
        return self.ask("write", data, path=path, before=before)[0]["stamp"]

    def replace(self, path: str, data: bytes) -> Any:
        return self.write(path, data, self.load(path)[0])

    def ended(self) -> int:
        """The exit code, once it has ended by itself; what it last said is read."""
        self.stdin.close()
        self.stdout.read()
        return self.process.wait(20)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()
        self.stdout.close()


Serve = Callable[..., Service]


@functools.cache
def old_python() -> str | None:
    """The oldest Python on this machine that the payload is meant for, older than this one."""
    for minor in range(8, sys.version_info.minor):
        path = shutil.which(f"python3.{minor}") or "/nowhere"
        asked = [path, "-c", "import sys; print(sys.executable)"]  # it may be a wrapper
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            return subprocess.check_output(asked, stderr=subprocess.DEVNULL, text=True).strip()
    return None


@pytest.fixture(params=list(filter(None, [sys.executable, old_python()])))
def serve(request: pytest.FixtureRequest) -> Iterator[Serve]:
    """Starts the service of a folder, by an older Python too where there is one; kills it."""
    python = request.param
    started: list[Service] = []

    def start(*arguments: Path, **how: Any) -> Service:
        started.append(Service(python, *arguments, **how))
        return started[-1]

    yield start
    for service in started:
        service.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A studio's folder, with something to find outside of it."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_bytes(b"secret")
    root = tmp_path / "project"
    root.mkdir()
    (root / "a").write_bytes(b"old")
    return root


@pytest.fixture
def service(serve: Serve, root: Path) -> Service:
    return serve(root)


@contextlib.contextmanager
def refused(kind: str, match: str = ".") -> Iterator[None]:
    with pytest.raises(served.Fault, match=match) as raised:
        yield
    assert raised.value.kind == kind
    assert raised.value.hint


def patched(folder: Path, code: str) -> Path:
    """The product's own program with something in it replaced, as a script."""
    script = folder / "patched.py"
    script.write_text(
        f"import os, signal, sys, time\nsys.path.insert(0, {str(SCRIPT.parent)!r})\n"
        f"import folder\n{code}\nos._exit(folder.main(sys.argv[1:]))\n"
    )
    return script


UNTIL = "def until(path):\n    while not os.path.exists(path):\n        time.sleep(0.005)\n"


# -- nothing outside --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["..", "../secret/key", "/etc/passwd", "//etc", "a\0b", "out", "out/key", "up/secret/key"],
)
def test_nothing_outside_is_reached(service: Service, root: Path, path: str) -> None:
    (root / "out").symlink_to("../secret")
    (root / "up").symlink_to("..")
    asked: list[tuple[str, dict[str, object]]] = [
        ("name", {"path": path}),
        ("list", {"path": path}),
        ("read", {"path": path, "offset": 0, "length": 9}),
        ("load", {"path": path, "most": 9}),
        ("write", {"path": path, "before": None}),
        ("write", {"path": path + "/new", "before": None}),
        ("append", {"path": path, "offset": 0}),
        ("append", {"path": path + "/new", "offset": 0}),
        ("create", {"path": path + "/new", "kind": "file"}),
        ("rename", {"path": path + "/key", "to": "stolen"}),
        ("rename", {"path": "a", "to": path + "/new"}),
        ("delete", {"path": path + "/key"}),
    ]
    for do, what in asked:
        with pytest.raises(served.Fault) as raised:
            service.ask(do, b"new", **what)
        assert raised.value.kind in ("refused", "usage")
    paths = [path for path in (path, "../secret/key", "a") if "\0" not in path]
    stamps = service.ask("stamps", "\0".join(paths).encode())[0]["stamps"]
    assert [stamp is None for stamp in stamps] == [True] * (len(paths) - 1) + [False]
    assert os.listdir(root.parent / "secret") == ["key"]
    assert (root.parent / "secret" / "key").read_bytes() == b"secret"
    assert (root / "a").read_bytes() == b"old"


def test_what_may_hold_secrets_is_not_given(serve: Serve, root: Path) -> None:
    (root / "state").mkdir()
    for name in (".env", "state/token", ".env.example"):
        (root / name).write_bytes(b"secret")
    service = serve(root, root / "state")
    for name in (".env", "state", "state/token"):
        with refused("refused", "may hold secrets"):
            service.ask("load", path=name, most=9)
    assert service.ask("walk", most=9)[1] == b".env.example\0a"


def test_a_walk_follows_no_folder(service: Service, root: Path) -> None:
    (root / "out").symlink_to("../secret")
    (root / "deep" / "er").mkdir(parents=True)
    (root / "deep" / "er" / "b").touch()
    (root / "deep" / "link").symlink_to("er")
    (root / "file-link").symlink_to("deep/er/b")
    assert service.ask("walk", most=9)[1] == b"a\0file-link\0deep/er/b"
    assert service.ask("walk", most=2)[1] == b"a\0file-link"


def test_a_tree_too_deep_to_walk_is_walked_as_far_as_it_goes(service: Service, root: Path) -> None:
    here = os.open(root, os.O_RDONLY)
    for _ in range(served.DEPTH_CAP + 2):
        os.close(os.open("f", os.O_CREAT, dir_fd=here))
        os.mkdir("d", dir_fd=here)
        here, above = os.open("d", os.O_RDONLY, dir_fd=here), here
        os.close(above)
    os.close(here)
    found = service.ask("walk", most=10_000)[1].split(b"\0")
    assert len(found) == 1 + served.DEPTH_CAP + 1
    service.ask("delete", path="d")
    assert sorted(os.listdir(root)) == ["a", "f"]


def test_a_name_that_is_not_text_is_not_led_to(service: Service, root: Path) -> None:
    with open(os.fsencode(root) + b"/\xff", "wb"):
        pass
    os.symlink(b"\xff", os.fsencode(root) + b"/link")
    with refused("usage", "not UTF-8"):
        service.ask("load", path="link", most=9)
    assert service.ask("walk", most=9)[1] == b"a\0link"


def test_the_locale_does_not_matter(serve: Serve, root: Path) -> None:
    (root / "é😀").write_bytes(b"old")
    service = serve(root, env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"})
    assert service.load("é😀")[1] == b"old"
    assert service.ask("walk", most=9)[1].decode() == "a\0é😀"


# -- reading and writing ----------------------------------------------------------------------


def test_a_file_too_large_is_not_given(service: Service, root: Path) -> None:
    with (root / "huge").open("wb") as file:
        file.truncate(MOST + 1)
    head, content = service.ask("load", path="huge", most=MOST)
    assert (head["size"], content) == (MOST + 1, b"")
    (root / "full").write_bytes(bytes(MOST))
    assert service.load("full")[1] == bytes(MOST)


def test_what_is_no_file_is_neither_read_nor_written(service: Service, root: Path) -> None:
    os.mkfifo(root / "pipe")
    (root / "folder").mkdir()
    (root / "real").write_bytes(b"secret")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "s"))
        for name in ("pipe", "s", "folder"):
            for do in ("load", "read"):
                with refused("uneditable"):
                    service.ask(do, path=name, most=9, offset=0, length=9)
            with refused("uneditable"):
                service.write(name, b"new", [0, 0, 0])
    assert stat.S_ISFIFO((root / "pipe").stat().st_mode)


def test_a_file_grows_piece_by_piece(service: Service, root: Path) -> None:
    assert service.ask("append", b"abc", path="x/new", offset=0)[0]["size"] == 3
    assert service.ask("append", b"def", path="x/new", offset=3, sync=True)[0]["size"] == 6
    assert service.ask("append", b"DEF", path="x/new", offset=3)[0]["size"] == 6  # asked again
    assert (root / "x" / "new").read_bytes() == b"abcDEF"
    with refused("changed", "shorter"):
        service.ask("append", b"z", path="x/new", offset=7)
    os.mkfifo(root / "pipe")
    for name in ("x", "pipe"):
        with refused("other"):
            service.ask("append", b"z", path=name, offset=0)


def test_a_link_in_the_place_of_the_file_is_not_followed(root: Path) -> None:
    """Put there after the look at where the name leads."""
    (root / "link").symlink_to("a")
    folder = os.open(root, os.O_RDONLY)
    spot = served.Spot(folder, "link")
    with refused("uneditable", "not a regular file"):
        served.read(spot, 9)
    with refused("uneditable", "not a regular file"):
        served.write(spot, b"new", served.Stamp(0, 0, 0))
    os.close(folder)
    assert (root / "a").read_bytes() == b"old"


def test_writing_replaces_in_one_step(service: Service, root: Path) -> None:
    with (root / "a").open("rb") as reader:
        stamp = service.replace("a", b"new and longer")
        assert reader.read() == b"old"
    assert service.load("a") == (stamp, b"new and longer")
    assert service.ask("stamps", b"a\0b")[0]["stamps"] == [stamp, None]
    assert os.listdir(root) == ["a"]


def test_a_reader_sees_the_old_or_the_new_content(service: Service, root: Path) -> None:
    contents = {bytes([65 + n]) * 200_000 for n in range(8)}
    (root / "a").write_bytes(next(iter(contents)))
    seen: set[bytes] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.add((root / "a").read_bytes())

    reader = threading.Thread(target=look)
    reader.start()
    for content in contents:
        service.replace("a", content)
    stop.set()
    reader.join()
    assert seen <= contents


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o755, 0o664])
def test_the_mode_stays(service: Service, root: Path, mode: int) -> None:
    (root / "a").chmod(mode)
    service.replace("a", b"new")
    assert stat.S_IMODE((root / "a").stat().st_mode) == mode


def test_a_new_file_has_the_users_mode(serve: Serve, root: Path) -> None:
    before = os.umask(0o027)
    try:
        service = serve(root)
    finally:
        os.umask(before)
    service.write("new/b", b"new", None)
    assert stat.S_IMODE((root / "new" / "b").stat().st_mode) == 0o640


def test_the_owner_stays(service: Service, root: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(root / "a", 1234, 4321)
    service.replace("a", b"new")
    status = (root / "a").stat()
    assert (status.st_uid, status.st_gid) == (1234, 4321)


def test_attributes_stay(service: Service, root: Path) -> None:
    try:
        os.setxattr(root / "a", "user.note", b"mine")
    except (OSError, AttributeError):
        pytest.skip("no extended attributes here")
    service.replace("a", b"new")
    assert os.getxattr(root / "a", "user.note") == b"mine"


def test_other_names_of_the_file_stay_names_of_it(service: Service, root: Path) -> None:
    (root / "a").write_bytes(b"old, and longer")
    os.link(root / "a", root / "b")
    stamp = service.replace("a", b"new")
    assert (root / "b").read_bytes() == b"new"
    assert service.load("a")[0] == stamp


def test_a_change_since_the_look_is_not_overwritten(service: Service, root: Path) -> None:
    before = service.load("a")[0]
    (root / "b").write_bytes(b"new")
    os.replace(root / "b", root / "a")
    for stamp in (before, None, ["nonsense", {}, []]):
        with refused("changed"):
            service.write("a", b"mine", stamp)
    assert (root / "a").read_bytes() == b"new"
    (root / "a").unlink()
    with refused("changed"):
        service.write("a", b"mine", before)
    assert os.listdir(root) == []


def test_a_change_while_it_writes_is_not_overwritten(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = served.put

    def interrupted(number: int, data: bytes) -> None:
        put(number, data)
        (root / "a").write_bytes(b"theirs")

    monkeypatch.setattr(served, "put", interrupted)
    folder = served.Folder(str(root), [])
    before = folder.stamp("a")
    with folder.at("a") as spot, refused("changed"):
        served.write(spot, b"mine", before)
    assert (root / "a").read_bytes() == b"theirs"
    assert os.listdir(root) == ["a"]


def test_a_full_disk_leaves_the_old_content(service: Service, root: Path) -> None:
    if not hasattr(resource, "prlimit"):
        pytest.skip("no limit can be set to another process here")
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (100_000, 100_000))
    with refused("other", "File too large"):
        service.replace("a", bytes(200_000))
    assert (root / "a").read_bytes() == b"old"
    assert os.listdir(root) == ["a"]
    service.replace("a", b"new")
    assert (root / "a").read_bytes() == b"new"


def as_nobody(folder: Path) -> Path:
    """A program that permissions bind; this process may be root's."""
    become = f"os.setegid({NOBODY}); os.seteuid({NOBODY})" if os.geteuid() == 0 else ""
    return patched(folder, become)


def give(path: Path) -> None:
    """Make it nobody's."""
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


@pytest.fixture
def theirs() -> Iterator[Path]:
    """A folder of the user who cannot do everything, in a place that anybody gets to."""
    with tempfile.TemporaryDirectory(prefix="studio-theirs-") as folder:
        give(Path(folder))
        yield Path(folder).resolve()


def test_who_may_not_write_a_file_does_not_replace_it(
    serve: Serve, theirs: Path, tmp_path: Path
) -> None:
    (theirs / "a").write_bytes(b"old")
    give(theirs / "a")
    (theirs / "a").chmod(0o444)
    service = serve(theirs, script=as_nobody(tmp_path))
    with refused("other", "no permission for a"):
        service.replace("a", b"new")
    assert (theirs / "a").read_bytes() == b"old"
    assert os.listdir(theirs) == ["a"]


def test_in_a_folder_that_takes_no_file_it_is_written_in_place(
    serve: Serve, theirs: Path, tmp_path: Path
) -> None:
    (theirs / "a").write_bytes(b"old, and longer")
    give(theirs / "a")
    theirs.chmod(0o555)
    service = serve(theirs, script=as_nobody(tmp_path))
    stamp = service.replace("a", b"new")
    assert service.load("a") == (stamp, b"new")
    with refused("other", "no permission for b"):
        service.write("b", b"new", None)
    theirs.chmod(0o755)


# -- the process ------------------------------------------------------------------------------


def test_it_ends_with_its_input(service: Service) -> None:
    assert service.ended() == 0


def test_it_ends_with_its_input_when_nobody_reads_either(service: Service) -> None:
    service.send("load", path="a", most=9)
    service.stdout.close()
    service.stdin.close()
    assert service.process.wait(20) == 0


def test_half_a_request_is_none(service: Service, root: Path) -> None:
    service.stdin.write(struct.pack(">II", 100, 10) + b'{"id": 1, "do": "delete", "path": "a"}')
    assert service.ended() == 0
    assert (root / "a").exists()


def test_without_a_folder_it_says_how_it_is_used() -> None:
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: folder.py ROOT")


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack(">II", served.HEAD_LIMIT + 1, 0),
        struct.pack(">II", 2, served.BODY_LIMIT + 1) + b"{}",
        struct.pack(">II", 2, 0) + b"[]",
        struct.pack(">II", 2, 0) + b"{}",
        struct.pack(">II", 4, 0) + b"\xff\xff\xff\xff",
        struct.pack(">II", 10, 0) + b'{"id": "1"}'[:10],
        struct.pack(">II", 100_000, 0) + b"[" * 100_000,
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_the_last(service: Service, frame: bytes) -> None:
    service.stdin.write(frame)
    service.stdin.flush()
    head, body = service.receive()
    assert (head["id"], head["error"], body) == (0, "usage", b"")
    assert service.stdout.read() == b""
    assert service.process.wait(20) == 1


@pytest.mark.parametrize(
    ("do", "what"),
    [
        ("fly", {}),
        ([], {}),
        ("load", {}),
        ("load", {"path": 1, "most": 1}),
        ("load", {"path": "\ud800", "most": 1}),
        ("load", {"path": "a", "most": -1}),
        ("load", {"path": "a", "most": True}),
        ("read", {"path": "a", "offset": "0", "length": 1}),
        ("write", {"path": "a", "before": 7}),
        ("create", {"path": "b"}),
        ("rename", {"path": "a", "to": None}),
    ],
)
def test_a_request_that_makes_no_sense_is_told_and_the_others_go_on(
    service: Service, do: Any, what: dict[str, object]
) -> None:
    with pytest.raises(served.Fault) as raised:
        service.ask(do, **what)
    assert raised.value.kind in ("usage", "other")
    assert service.load("a")[1] == b"old"


def test_an_offset_beyond_all_is_told(service: Service) -> None:
    with pytest.raises(served.Fault, match="failed|Invalid|too large"):
        service.ask("read", path="a", offset=1 << 70, length=1)
    assert service.load("a")[1] == b"old"


def test_more_than_anybody_asks_is_the_end(serve: Serve, root: Path, tmp_path: Path) -> None:
    wait = f"{UNTIL}folder.Folder.walk = lambda self, most: until('go')\nfolder.GRACE = 0.01"
    service = serve(root, script=patched(tmp_path, wait))
    for _ in range(served.MOST + 1):
        service.send("walk", most=1)
    head, _ = service.receive()
    assert (head["id"], head["error"]) == (0, "usage")
    assert service.ended() == 1


def test_a_slow_walk_holds_nothing_up(serve: Serve, root: Path, tmp_path: Path) -> None:
    go = tmp_path / "go"
    wait = f"{UNTIL}folder.Folder.walk = lambda self, most: until({str(go)!r}) or ['end']"
    service = serve(root, script=patched(tmp_path, wait))
    walking = service.send("walk", most=9)
    stamp = service.replace("a", b"new")
    assert service.load("a") == (stamp, b"new")
    go.touch()
    assert service.receive() == ({"id": walking}, b"end")


def test_answers_of_many_at_once_are_whole(service: Service, root: Path) -> None:
    contents = {f"f{n}": bytes([n]) * 300_000 for n in range(16)}
    for name, content in contents.items():
        (root / name).write_bytes(content)
    sent = {service.send("load", path=name, most=MOST): name for name in contents}
    for _ in contents:
        head, content = service.receive()
        assert contents[sent.pop(head["id"])] == content
    assert not sent


def slow_save(service: Service, root: Path) -> int:
    """Have a save begin that waits, with its draft written."""
    before = service.load("a")[0]
    saving = service.send("write", b"new", path="a", before=before)
    while len(os.listdir(root)) < 2:
        pass
    return saving


def test_what_has_begun_is_finished(serve: Serve, root: Path, tmp_path: Path) -> None:
    go = tmp_path / "go"
    slow = (
        f"{UNTIL}put = folder.put\nfolder.GRACE = 20\n"
        f"folder.put = lambda number, data: until({str(go)!r}) or put(number, data)"
    )
    service = serve(root, script=patched(tmp_path, slow))
    saving = slow_save(service, root)
    service.stdin.close()
    service.process.send_signal(signal.SIGTERM)
    go.touch()
    head, _ = service.receive()
    assert head["id"] == saving
    assert "stamp" in head
    assert service.process.wait(20) == 0
    assert (root / "a").read_bytes() == b"new"
    assert os.listdir(root) == ["a"]


def test_it_can_be_asked_to_go(serve: Serve, root: Path) -> None:
    service = serve(root)
    service.load("a")
    code = None
    while code is None:  # one that comes right before it reads its input is heard with the next
        service.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = service.process.wait(0.1)
    assert code == 0


@pytest.mark.parametrize(
    ("call", "caller", "left"),
    [("fsync", "put", b"old"), ("replace", "replace", b"old"), ("fsync", "replace", b"new")],
    ids=["before the draft is on disk", "before it takes the place", "right after that"],
)
def test_killed_in_the_middle_of_a_save_one_version_is_whole(
    serve: Serve, root: Path, tmp_path: Path, call: str, caller: str, left: bytes
) -> None:
    kill = (
        f"real = os.{call}\n"
        "def killed(*args, **how):\n"
        f"    if sys._getframe(1).f_code.co_name == {caller!r}:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    real(*args, **how)\n"
        f"os.{call} = killed"
    )
    service = serve(root, script=patched(tmp_path, kill))
    service.send("write", b"new", path="a", before=service.load("a")[0])
    assert service.process.wait(20) == -signal.SIGKILL
    assert (root / "a").read_bytes() == left
