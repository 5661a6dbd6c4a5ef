from __future__ import annotations

from typing import TYPE_CHECKING

from studio_tui.document.findings import STREAM, Finding, to_json

if TYPE_CHECKING:
    from .conftest import Soon, Stage


async def test_what_is_streamed_replaces_what_was_known(stage: Stage, soon: Soon) -> None:
    stage.host.answers["files.findings"] = lambda _: {
        "findings": {"f1": [{"line": 3, "text": "old"}, None], "f2": "nonsense"}
    }
    studio = await stage.attach()
    heard: list[str] = []
    studio.observe(heard.append)
    await studio.findings.load()
    assert studio.findings.of("f1") == [Finding(3, end_line=3, text="old")]
    assert studio.findings.of("f2") == studio.findings.of("unknown") == []
    for data in (b"nonsense", to_json("f1", [])):
        stage.host.session.stream(studio.id, STREAM, 1, data)
    await soon(studio, lambda: "findings" in heard)
    assert studio.findings.of("f1") == []
    assert heard.count("findings") == 1
