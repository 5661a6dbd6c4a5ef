"""Checks the Python texts that people have open, as they type, with what the machine has for it."""

from __future__ import annotations

import asyncio
import json
import posixpath
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from studio_tui.document import findings
from studio_tui.document.findings import MOST, Finding
from studio_tui.errors import StudioError
from studio_tui.host.calls import Method, Params, Result, query

if TYPE_CHECKING:
    from studio_tui.host.files import Files
    from studio_tui.host.openfile import OpenFile
    from studio_tui.host.sites import Site

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
            while self._due:
                await self._pause()
                id, (file, _) = self._due.popitem()
                await self._check(id, file)

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
        run, ruff = site.connection.run, await self._ruff_of(site)
        if not ruff:
            done = await run([site.python, "-I", "-c", SYNTAX], input=text.encode())
            return read_syntax(done.stdout)
        argv = [ruff, "check", "--output-format=json", "--no-cache", "--exit-zero", "--quiet"]
        argv += ["--force-exclude", "--no-fix", f"--stdin-filename={name}", "-"]
        done = await run(argv, input=text.encode(), cwd=site.folder)
        return read_ruff(done.stdout)

    async def _ruff_of(self, site: Site) -> str:
        """The `ruff` to use: the project's own before the machine's; "" when there is none."""
        known, ruff, asked = self._ruff
        now = time.monotonic()
        if known is not site or (not ruff and now - asked > LOOK_AGAIN):
            beside = posixpath.join(posixpath.dirname(site.python), "ruff")
            argv = ["sh", "-c", FIRST, "sh", f"{site.folder}/.venv/bin/ruff", "ruff", beside]
            done = await site.connection.run(argv)
            ruff = done.stdout.decode("utf-8", "replace").strip() if done.ok else ""
            self._ruff = site, ruff, now
        return ruff


def read_ruff(output: bytes) -> list[Finding]:
    """What `ruff check --output-format=json` prints."""
    try:
        told = json.loads(output)
    except ValueError:
        return []
    items = told if isinstance(told, list) else []
    return findings.read_findings([_of_ruff(item) for item in items[:MOST]])


def _of_ruff(item: dict[str, Any]) -> dict[str, Any]:
    start, end, code = item.get("location") or {}, item.get("end_location") or {}, item.get("code")
    syntax = code is None or code == "invalid-syntax"
    return {
        "line": start.get("row", 0),
        "column": start.get("column"),
        "end_line": end.get("row"),
        "end_column": end.get("column"),
        "code": "" if syntax else code,
        "text": item.get("message"),
        "error": syntax or str(code).startswith(FATAL),
    }


def read_syntax(output: bytes) -> list[Finding]:
    """What our own look at the syntax prints: nothing, or the first error."""
    try:
        line, column, end_line, end_column, text = json.loads(output)
    except ValueError:
        return []
    told = {"line": line, "column": column, "end_line": end_line, "end_column": end_column}
    return findings.read_findings([{**told, "text": text, "error": True}])
