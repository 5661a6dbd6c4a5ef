"""Checks the Python texts that people have open, as they type, with what the machine has for it."""

from __future__ import annotations

import asyncio
import json
import logging
import posixpath
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from studio_tui.document import findings
from studio_tui.document.findings import MOST, Finding
from studio_tui.errors import StudioError
from studio_tui.host.calls import Method, Params, Result, query

if TYPE_CHECKING:
    from studio_tui.host.files.files import Files
    from studio_tui.host.files.openfile import OpenFile
    from studio_tui.host.machines.sites import Site

PAUSE = 0.5
"""Seconds without an edit before a text is checked."""
LONGEST = 3.0
"""Seconds after which it is checked all the same."""
PATIENCE = 10.0
LOOK_AGAIN = 60.0
"""Seconds until a machine is asked again whether it has `ruff`."""
SUFFIXES = (".py", ".pyi")
FATAL = ("E9", "F63", "F7", "F82")
"""Ruff's rules whose breach ends a program."""
OUTPUT_CAP = 1 << 20
"""Bytes that are read of what a check says."""
FIRST = 'for program; do command -v "$program" && exit; done'
SYNTAX = """
import json, sys, warnings
warnings.simplefilter("ignore")
try:
    compile(sys.stdin.buffer.read(), "text", "exec", dont_inherit=True)
except SyntaxError as e:
    print(json.dumps([e.lineno, e.offset, e.end_lineno, e.end_offset, e.msg]))
except (ValueError, RecursionError, MemoryError):
    pass
"""
SYNTAX_KEYS = ("line", "column", "end_line", "end_column", "text")
"""What it prints, in this order."""

log = logging.getLogger(__name__)


class Checker:
    """Has one text checked at a time; everybody is told when something else is wrong with it.

    Args:
        files: the studio's files.
        tell: streams a message to everybody.
    """

    def __init__(self, files: Files, tell: Callable[[bytes], None]) -> None:
        self._files = files
        self._tell = tell
        self._due: dict[str, tuple[OpenFile, float]] = {}
        """Texts to be checked, and when each was first edited since the last time."""
        self._edited = asyncio.Event()
        self._found: dict[str, list[Finding]] = {}
        self._ruff: tuple[Site | None, str, float] = (None, "", 0.0)
        files.on_text = self.changed

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [query("files.findings", self._findings_call)]

    async def _findings_call(self, _params: Params) -> Result:
        """All there is to say: {"findings": {file id: [finding]}}."""
        return {"findings": {id: [asdict(f) for f in found] for id, found in self._found.items()}}

    def changed(self, file: OpenFile) -> None:
        """A text was opened or edited."""
        if file.name.endswith(SUFFIXES):
            now = asyncio.get_running_loop().time()
            _, first = self._due.get(file.entry.id, (file, now))
            self._due[file.entry.id] = file, first
            self._edited.set()

    async def watch(self) -> None:
        """Check what is edited, for ever."""
        while True:
            await self._edited.wait()
            self._edited.clear()  # the last pause may have ended at an edit, and none be due now
            while self._due:
                await self._pause()
                id, (file, _) = self._due.popitem()
                try:
                    await self._check(id, file)
                except Exception:
                    # The boundary of a check: whatever the text or the checker, the host goes on.
                    log.exception("checking %r failed", file.name)

    async def _pause(self) -> None:
        """Wait until nobody types, but not for ever."""
        loop = asyncio.get_running_loop()
        latest = min(first for _, first in self._due.values()) + LONGEST
        while True:
            self._edited.clear()
            try:
                async with asyncio.timeout_at(min(loop.time() + PAUSE, latest)):
                    await self._edited.wait()
            except TimeoutError:
                return

    async def _check(self, id: str, file: OpenFile) -> None:
        if not self._files.is_open(id):
            self._found.pop(id, None)
            return
        try:
            async with asyncio.timeout(PATIENCE):
                site = await self._files.folder.site()
                found = await self._checked(site, file.name, str(file.text))
        except (TimeoutError, StudioError):
            return  # the machine is away, or too slow: what was found before may still hold
        if found != self._found.get(id, []):
            self._found[id] = found
            self._tell(findings.to_json(id, found))

    async def _checked(self, site: Site, name: str, text: str) -> list[Finding]:
        """What is wrong with a text.

        Raises:
            StudioError: it cannot be checked.
        """
        ruff = await self._ruff_of(site)
        if not ruff:
            return read_syntax(await _said(site, [site.python, "-I", "-c", SYNTAX], text))
        argv = [ruff, "check", "--output-format=json-lines", "--no-cache", "--exit-zero", "--quiet"]
        argv += ["--force-exclude", "--no-fix", f"--stdin-filename={name}", "-"]
        return read_ruff(await _said(site, argv, text))

    async def _ruff_of(self, site: Site) -> str:
        """The machine's `ruff`, else the one beside its Python; "" when there is none.

        Never the project's own: a program that came with a clone must not run because somebody
        looks at a file of it.
        """
        known, ruff, asked = self._ruff
        now = time.monotonic()
        if known is not site or (not ruff and now - asked > LOOK_AGAIN):
            beside = posixpath.join(posixpath.dirname(site.python), "ruff")
            argv = ["sh", "-c", FIRST, "sh", "ruff", beside]
            done = await site.connection.run(argv)
            told = done.stdout.decode("utf-8", "replace").strip() if done.ok else ""
            ruff = told if told.startswith("/") else ""  # "./ruff" is whose folder it is
            self._ruff = site, ruff, now
        return ruff


async def _said(site: Site, argv: Sequence[str], text: str) -> bytes:
    """What a program prints about a text, the first `OUTPUT_CAP` bytes of it."""
    channel = await site.connection.open(argv, cwd=site.folder)
    try:
        channel.stdin.write(text.encode())
        channel.stdin.write_eof()
        said = bytearray()
        while len(said) < OUTPUT_CAP and (piece := await channel.stdout.read(1 << 16)):
            said += piece
        return bytes(said)
    finally:
        channel.close()


def read_ruff(output: bytes) -> list[Finding]:
    """What `ruff check --output-format=json-lines` prints; the last line may be cut."""
    return findings.read_findings([_of_ruff(_read(line)) for line in output.splitlines()[:MOST]])


def _read(line: bytes) -> Any:
    """A line of JSON; None when it makes no sense."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _of_ruff(told: Any) -> dict[str, Any]:
    item = _dict(told)
    start, end = _dict(item.get("location")), _dict(item.get("end_location"))
    row, code = start.get("row"), item.get("code")
    syntax = code is None or code == "invalid-syntax"
    return {
        "line": row if isinstance(row, int) else 0,
        "column": start.get("column"),
        "end_line": end.get("row"),
        "end_column": end.get("column"),
        "code": "" if syntax else code,
        "text": item.get("message"),
        "error": syntax or (isinstance(code, str) and code.startswith(FATAL)),
    }


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def read_syntax(output: bytes) -> list[Finding]:
    """What our own look at the syntax prints: nothing, or the first error."""
    told = _read(output)
    if not isinstance(told, list) or len(told) != len(SYNTAX_KEYS):
        return []
    return findings.read_findings([{**dict(zip(SYNTAX_KEYS, told, strict=True)), "error": True}])
