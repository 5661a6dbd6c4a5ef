"""Unmodified Yjs clients: y-websocket and @hocuspocus/provider, alone and in one room."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from relay_server.serve import Relay

HERE = Path(__file__).parent / "interop"


@pytest.fixture(scope="module")
def clients() -> Path:
    """The folder with the clients installed; kept in the user's cache for the next run."""
    try:
        if not (shutil.which("node") and shutil.which("npm")):
            raise FileNotFoundError("node and npm are not installed")
        return installed()
    except (OSError, subprocess.SubprocessError) as error:
        reason = f"no JavaScript clients: {error}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def installed() -> Path:
    wanted = (HERE / "package.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "studio-tui-interop" / hashlib.sha256(wanted).hexdigest()[:12]
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_bytes(wanted)
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=120,
        )
        (folder / "done").touch()
    return folder


@pytest.mark.timeout(150)
@pytest.mark.parametrize("dialect", ["y", "hocuspocus", "both"])
async def test_unmodified_clients_work(
    clients: Path, relay: Relay, dialect: str, require: Callable[[str], str]
) -> None:
    editor = relay.keys.mint(room="calm-otter", role="editor")
    viewer = relay.keys.mint(room="calm-otter", role="viewer")
    arguments = [dialect, relay.url, "calm-otter/notes", editor, viewer]
    script = str(HERE / "interop.mjs")
    node = await asyncio.create_subprocess_exec(
        require("node"), script, *arguments, cwd=clients, stdout=subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(node.communicate(), 60)
    told = json.loads(out.splitlines()[-1])
    assert told["error"] is None, told
    assert len(told["checks"]) >= 18
