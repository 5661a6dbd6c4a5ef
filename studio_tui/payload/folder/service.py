"""Serves the files of one folder, and nothing outside of it, over stdin and stdout.

    python3 -m folder.service ROOT [PRIVATE...]

Nobody may look into the folders PRIVATE, should they lie in ROOT. The first line of output is
"studio-tui folder"; whatever a login shell printed before it does not count. Then frames, both
ways: length of the head (4 bytes, big-endian), length of the body (4), head (JSON object), body.

    request  {"id", "do", ...}
    reply    {"id", ...}, in any order, or {"id", "error", "message", "hint"}; error is "missing",
             "refused", "usage", "uneditable", "changed" or "other"

    do      with                              gives
    name    path, link                        name
    list    path; body: the name before       entries, truncated; body: the last name
    read    path, offset, length              size, binary; body: the bytes
    walk    most                              body: paths, a NUL between them
    create  path, kind ("file", "dir")
    rename  path, to, over                    old, new
    delete  path
    load    path, most                        size, stamp; body: the content if that is at most most
    write   path, before; body: the content   stamp
    append  path, offset, sync; body: bytes   size, that of the file then
    stamps  body: paths, a NUL between them   stamps, null for what is not there

Paths are relative to ROOT, "/" between their parts. A listing begins after the name in its body, if
there is one; of a truncated one, the rest comes after the name in the answer's body. A stamp is
[changed in ns, size, inode]; the one before a write is null when there was no file. "over" lets a
rename take the place of a file, in one step, but never of a folder. What is appended begins at
offset, where the file ends or before that; a file that is not there is made. Requests are answered
at the same time, so a slow one does not hold up the others. What is no request is answered with the
id 0 and is the last.

It ends when stdin does, or on SIGTERM, and lets what it has begun come to its end first.

Standard library only, Python 3.8 and later, Linux and macOS.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from . import disk
from .disk import Stamp
from .faults import Fault
from .folder import Folder
from .names import check_showable, is_text

if TYPE_CHECKING:
    from collections.abc import Callable

HELLO = b"studio-tui folder\n"
HEAD_LIMIT = 1 << 20
BODY_LIMIT = 1 << 24
MOST = 32  # requests at the same time
GRACE = 1.5  # seconds for what has begun, once there is nobody to ask for more


class Request:
    """What somebody asks for; every value is looked at before it is used."""

    def __init__(self, head: dict[str, Any], body: bytes) -> None:
        self.id = head.get("id")
        self.do = head.get("do")
        self.body = body
        self._head = head

    def text(self, key: str) -> str:
        """The string under `key`."""
        value = self._head.get(key)
        if not isinstance(value, str) or not is_text(value):
            raise Fault("usage", f"{key} must be a text", "")
        return value

    def number(self, key: str) -> int:
        """The whole number under `key`, 0 or more."""
        value = self._head.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise Fault("usage", f"{key} must be a whole number", "")
        return value

    def size(self, key: str) -> int:
        """The number of bytes under `key`, no more than fit into a reply."""
        return min(self.number(key), BODY_LIMIT)

    def flag(self, key: str) -> bool:
        """Whether `key` is set."""
        return self._head.get(key) is True

    def stamp(self, key: str) -> Stamp | None:
        """The stamp under `key`, or None."""
        value = self._head.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 3:
            raise Fault("usage", f"{key} must be a stamp", "")
        return Stamp(*value)

    def paths(self) -> list[str]:
        """The paths in the body."""
        try:
            return self.body.decode().split("\0") if self.body else []
        except UnicodeDecodeError:
            raise Fault("usage", "the paths must be texts", "") from None


class Reply(NamedTuple):
    """The head of an answer, without the id, and its body."""

    head: dict[str, Any]
    body: bytes = b""


def _do_name(folder: Folder, request: Request) -> Reply:
    return Reply({"name": folder.name(request.text("path"), request.flag("link"))})


def _do_list(folder: Folder, request: Request) -> Reply:
    entries, last = folder.entries(request.text("path"), os.fsdecode(request.body))
    return Reply({"entries": entries, "truncated": bool(last)}, os.fsencode(last))


def _do_read(folder: Folder, request: Request) -> Reply:
    offset, length = request.number("offset"), request.size("length")
    status, binary, data = folder.piece(request.text("path"), offset, length)
    return Reply({"size": status.st_size, "binary": binary}, data)


def _do_walk(folder: Folder, request: Request) -> Reply:
    return Reply({}, "\0".join(folder.walk(request.number("most"))).encode())


def _do_create(folder: Folder, request: Request) -> Reply:
    folder.create(request.text("path"), request.text("kind"))
    return Reply({})


def _do_rename(folder: Folder, request: Request) -> Reply:
    old, new = folder.rename(request.text("path"), request.text("to"), request.flag("over"))
    return Reply({"old": old, "new": new})


def _do_delete(folder: Folder, request: Request) -> Reply:
    folder.delete(request.text("path"))
    return Reply({})


def _do_load(folder: Folder, request: Request) -> Reply:
    most = request.size("most")
    with folder.at(request.text("path")) as spot:
        stamp, data = disk.read(spot, most)
    size = most + 1 if data is None else len(data)
    return Reply({"size": size, "stamp": stamp}, data or b"")


def _do_write(folder: Folder, request: Request) -> Reply:
    before = request.stamp("before")
    with folder.at(request.text("path"), make=before is None) as spot:
        return Reply({"stamp": disk.write(spot, request.body, before)})


def _do_append(folder: Folder, request: Request) -> Reply:
    check_showable(request.text("path"))
    with folder.at(request.text("path"), make=True) as spot:
        offset, sync = request.number("offset"), request.flag("sync")
        return Reply({"size": disk.append(spot, request.body, offset, sync)})


def _do_stamps(folder: Folder, request: Request) -> Reply:
    return Reply({"stamps": [folder.stamp(path) for path in request.paths()]})


DEEDS: dict[Any, Callable[[Folder, Request], Reply]] = {
    "name": _do_name,
    "list": _do_list,
    "read": _do_read,
    "walk": _do_walk,
    "create": _do_create,
    "rename": _do_rename,
    "delete": _do_delete,
    "load": _do_load,
    "write": _do_write,
    "append": _do_append,
    "stamps": _do_stamps,
}


class Service:
    """Answers requests until there are no more, each in a thread of its own."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._saying = threading.Lock()

    def run(self) -> int:
        """The exit code: 0 when stdin ended, 1 when something on it was no request."""
        disk.write_all(1, HELLO)
        code = 0
        try:
            while (request := receive()) is not None:
                self._begin(request)
        except Fault as fault:
            self._say(0, _reply_of(fault))
            code = 1
        latest = time.monotonic() + GRACE
        for thread in threading.enumerate():
            if thread is not threading.current_thread():
                thread.join(max(0.0, latest - time.monotonic()))
        return code

    def _begin(self, request: Request) -> None:
        if threading.active_count() > MOST:
            raise Fault("usage", f"more than {MOST} requests at the same time", "")
        threading.Thread(target=self._answer, args=(request,), daemon=True).start()

    def _answer(self, request: Request) -> None:
        try:
            deed = DEEDS.get(request.do)
            if deed is None:
                raise Fault("usage", f"nobody can do {request.do!r}", "")
            reply = deed(self._folder, request)
        except Fault as fault:
            reply = _reply_of(fault)
        except Exception as problem:
            # The boundary of a request: whatever it was, the others go on.
            said = f"{request.do} failed: {type(problem).__name__}: {problem}"
            reply = _reply_of(Fault("other", said, "check it on the studio's machine"))
        self._say(request.id, reply)

    def _say(self, request_id: object, reply: Reply) -> None:
        head = json.dumps({"id": request_id, **reply.head}).encode()
        with self._saying, contextlib.suppress(OSError):  # nobody listens: stdin ends, too
            disk.write_all(1, struct.pack(">II", len(head), len(reply.body)) + head)
            disk.write_all(1, reply.body)


def _reply_of(fault: Fault) -> Reply:
    return Reply({"error": fault.kind, "message": str(fault), "hint": fault.hint})


def receive() -> Request | None:
    """The next request on stdin; None when it has ended.

    Raises:
        Fault: what comes is no request, so nobody knows where the next one begins.
    """
    lengths = sys.stdin.buffer.read(8)
    if len(lengths) < 8:
        return None
    head_length, body_length = struct.unpack(">II", lengths)
    if head_length > HEAD_LIMIT or body_length > BODY_LIMIT:
        raise Fault("usage", f"a frame of {head_length} and {body_length} bytes", "")
    content = sys.stdin.buffer.read(head_length + body_length)
    if len(content) < head_length + body_length:
        return None
    try:
        head = json.loads(content[:head_length])
    except (ValueError, RecursionError):
        head = None
    if not isinstance(head, dict) or not isinstance(head.get("id"), int):
        raise Fault("usage", "a frame whose head is no request", "")
    return Request(head, content[head_length:])


def end_stdin(_number: int, _stack: object) -> None:
    """Have stdin end: whoever reads it, or is about to, reads from nothing."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def main(args: list[str]) -> int:
    """See above."""
    if not args:
        sys.stderr.write("usage: folder.service ROOT [PRIVATE...]\n")
        return 2
    signal.signal(signal.SIGTERM, end_stdin)
    sys.setswitchinterval(0.001)  # a save waits that long for a walk, at every step
    return Service(Folder(args[0], args[1:])).run()


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))  # a thread that is still at it must not hold up the end
