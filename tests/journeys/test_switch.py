"""A studio goes to a host of ssh and back by the command, while two people type and a job runs."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from studio_tui.client import locate, start
from studio_tui.client.file import SharedFile
from studio_tui.settings import studios
from tests.machines.sshd import Server

JOB = """
import time
for number in range(100000):
    print("line", number, flush=True)
    time.sleep(0.02)
"""


async def command(*words: str) -> tuple[int, str, str]:
    """A command in a process of its own: exit code, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "studio_tui", *words,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.mark.timeout(120)
async def test_there_and_back(
    sshd: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_SSH_CONFIG", str(sshd.client_config))
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (project / "a.py").write_text("")
    (project / "job.py").write_text(JOB)
    for number in range(200):
        (project / "src" / f"{number}.txt").write_text(f"{number}\n" * 500)
    record = await asyncio.to_thread(start.ensure, project)
    try:
        await _there_and_back(record.id, project, sshd)
    finally:
        await asyncio.to_thread(start.stop, studios.find(record.id))


async def _there_and_back(studio: str, project: Path, sshd: Server) -> None:
    there = sshd.home / "studios" / studio
    async with locate.attach(studio, "ana") as ana, locate.attach(studio, "bob") as bob:
        texts = [await person.file("a.py") for person in (ana, bob)]
        job = await ana.run("job.py")
        terminal = await ana.terminal(command=["sh", "-c", 'while read l; do echo "<$l>"; done'])
        typing = [
            asyncio.create_task(_type(text, name)) for text, name in zip(texts, "ab", strict=True)
        ]

        code, out, _ = await command("machine", "switch", studio, "box", "--dry-run", "--json")
        assert (code, json.loads(out)["files"]) == (0, 202)
        code, out, err = await command("machine", "switch", studio, "box")
        assert (code, out.startswith(f"{studio} is on box in ")) == (0, True), err
        assert "copying ..." in err
        await bob.until(lambda: bob.document.info.machine == "box")

        counts = [await _stop(task) for task in typing]
        await ana.until(lambda: len(str(texts[0])) == sum(counts))
        await bob.until(lambda: str(texts[1]) == str(texts[0]))
        await texts[0].flush()
        assert (there / "a.py").read_text() == str(texts[0])
        assert len(list((there / "src").iterdir())) == 200

        # What ran before runs on where it was; what is started now is there.
        assert (job.entry.machine, job.entry.state) == ("local", "running")
        await terminal.type("still here\n")
        await terminal.until("<still here>")
        new = await bob.terminal(command=["sh", "-c", "ls -a .. | tail -1; read x"], cols=120)
        await new.until(studio)
        code, out, err = await command("exec", studio, "--", "sh", "-c", "pwd; exit 7")
        assert (code, out.strip()) == (7, str(there)), err
        names = {entry.name for entry in (await ana.folder()).entries}
        assert names >= {"src", "a.py", "job.py"}

        (project / "only here.txt").write_text("here\n")
        (there / "only there.txt").write_text("there\n")
        code, out, err = await command("machine", "switch", studio, "local", "--json")
        assert (code, json.loads(out)["phase"]) == (0, "done"), err
        for name in ("only here.txt", "only there.txt"):
            assert (project / name).read_text() == (there / name).read_text()
        assert (project / "a.py").read_text() == (there / "a.py").read_text()
        await terminal.close()
        await new.close()
        await job.stop()
        lines = [line async for line in job.logs()]
        assert lines == [f"line {number}" for number in range(len(lines))]


async def _type(text: SharedFile, letter: str) -> int:
    count = 0
    try:
        while True:
            await text.insert(0, letter)
            count += 1
            await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        return count


async def _stop(task: asyncio.Task[int]) -> int:
    task.cancel()
    return await task
