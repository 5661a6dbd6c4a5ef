"""Two editors and a raw peer type at once: every widget shows its shared text after every step.

`make fuzz-editor SEEDS=200 STEPS=300` does more of it. Seeds tell apart colours, soft wrap, and
whether updates come in order: in a rough seed some overtake others and some are lost, until the
peers compare their state vectors as clients do after each reconnect.
"""

from __future__ import annotations

import os
import random
from collections import deque
from typing import Any

import pytest
from pycrdt import Doc, Text
from textual.app import App, ComposeResult
from textual.widgets.text_area import Selection

from studio_tui.app.widgets.carets import Caret
from studio_tui.app.widgets.editor import Editor
from studio_tui.app.widgets.lf_document import LFDocument
from studio_tui.document.text import SharedText

SEEDS = int(os.environ.get("EDITOR_FUZZ_SEEDS", "10"))
STEPS = int(os.environ.get("EDITOR_FUZZ_STEPS", "40"))
WINDOW = 8
"""How many updates one may overtake in a rough seed."""
LOSS = 0.05

START = "héllo\nworld 😀\n\ndef f(x):\n  return x\n"
LONE = "\ud83d"
ALPHABET = [
    *("a", "b", " ", "\n", "\n", "é", "e\u0301", "日", "😀", "👩\u200d👧", "\t", "\r\n", "\r"),
    *("\u2028", "\x0c", "\x85", "\x00", "x" * 30, "line1\nline2\n", "(", ")", LONE),
]
RAW = [text for text in ALPHABET if text != LONE]
ACTIONS = [
    *("delete_left", "delete_right", "delete_line", "delete_word_left", "delete_word_right"),
    *("delete_to_end_of_line", "delete_to_start_of_line", "cut", "paste"),
]


class Network:
    """Three documents of one text; updates wait in one queue and arrive in order, unless rough."""

    def __init__(self, rough: random.Random | None = None) -> None:
        self._rough = rough
        seed: Doc[Any] = Doc()
        seed.get("text", type=Text).insert(0, START)
        self.docs: list[Doc[Any]] = [Doc() for _ in range(3)]
        self.queue: deque[tuple[int, bytes]] = deque()
        self._delivering = False
        for index, doc in enumerate(self.docs):
            doc.apply_update(seed.get_update())
            doc.observe(lambda event, index=index: self._send(index, event.update))
        self.texts = [SharedText(doc) for doc in self.docs]
        self.presence: list[tuple[object, object] | None] = [None, None]

    def _send(self, sender: int, update: bytes) -> None:
        if not self._delivering:
            self.queue.extend((to, update) for to in range(3) if to != sender)

    def deliver(self) -> int:
        if self._rough is not None:
            self.queue.rotate(-self._rough.randrange(min(WINDOW, len(self.queue))))
        to, update = self.queue.popleft()
        if self._rough is None or self._rough.random() > LOSS:
            self._apply(to, update)
        return to

    def heal(self) -> None:
        """What clients do after a reconnect and now and then: send what the other lacks."""
        self.queue.clear()
        for _ in range(2):  # once towards a hub, which is how a relay sees it, and once from it
            for to, doc in enumerate(self.docs):
                for other in self.docs:
                    self._apply(to, other.get_update(doc.get_state()))

    def _apply(self, to: int, update: bytes) -> None:
        self._delivering = True
        try:
            with self.docs[to].transaction(origin="remote"):
                self.docs[to].apply_update(update)
        finally:
            self._delivering = False

    def carets(self, reader: int) -> list[Caret]:
        seen = self.presence[1 - reader]
        if seen is None:
            return []
        anchor, head = (self.texts[reader].resolve(end) for end in seen)
        if anchor is None or head is None:
            return []
        return [Caret("other", "#ff8800", anchor, head)]


class Desk(App[None]):
    CSS = "Editor { height: 12; }"

    def __init__(self, network: Network, *, path: str, soft_wrap: bool) -> None:
        super().__init__()
        self.network = network
        self.editors = [
            Editor(
                network.texts[index],
                path=path,
                soft_wrap=soft_wrap,
                carets=lambda index=index: network.carets(index),
            )
            for index in range(2)
        ]

    def compose(self) -> ComposeResult:
        yield from self.editors

    def on_editor_selection_published(self, event: Editor.SelectionPublished) -> None:
        self.network.presence[self.editors.index(event.editor)] = (event.anchor, event.head)


def assert_sound(editor: Editor) -> None:
    document = editor.document
    assert isinstance(document, LFDocument)
    lines = document.lines
    assert document._lengths == [len(line.encode()) + 1 for line in lines]
    assert editor.wrapped_document.height >= document.line_count
    for location in editor.selection:
        assert document.location_at(document.byte_at(location)) == location


def step_of_peer(text: SharedText, chance: random.Random) -> None:
    at = chance.randrange(len(text) + 1)
    if chance.random() < 0.6:
        text.insert(at, chance.choice(RAW))
    else:
        text.delete(at, min(len(text), at + chance.randrange(5)))


def step_of_editor(editor: Editor, chance: random.Random) -> None:
    def place() -> tuple[int, int]:
        row = chance.randrange(editor.document.line_count)
        return row, chance.randrange(len(editor.document[row]) + 1)

    kind = chance.random()
    if kind < 0.35:
        editor._replace_via_keyboard(chance.choice(ALPHABET), *editor.selection)
    elif kind < 0.45:
        editor.selection = Selection(place(), place())
    elif kind < 0.5:
        editor.move_cursor(place())
    elif kind < 0.56:
        text = "".join(chance.choice(ALPHABET) for _ in range(chance.randrange(4)))
        editor.replace(text, place(), place())
    elif kind < 0.6:
        editor.delete(place(), place())
    elif kind < 0.8:
        getattr(editor, f"action_{chance.choice(ACTIONS)}")()
    elif kind < 0.9:
        editor.undo()
    elif kind < 0.98:
        editor.redo()
    else:
        editor.load_text("".join(chance.choice(ALPHABET) for _ in range(20)))


@pytest.mark.timeout(30 + SEEDS * STEPS // 10)
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_every_editor_shows_its_shared_text(seed: int) -> None:
    chance = random.Random(seed)
    network = Network(random.Random(seed) if seed % 5 == 4 else None)
    app = Desk(network, path="" if seed % 3 else "train.py", soft_wrap=bool(seed % 2))

    async with app.run_test(size=(60, 24)) as pilot:

        def check(index: int) -> None:
            if index < 2:
                assert app.editors[index].text == str(network.texts[index])
            assert str(network.texts[index]) == str(network.docs[index].get("text", type=Text))

        for step in range(STEPS):
            index = chance.randrange(3)
            if index == 2:
                step_of_peer(network.texts[2], chance)
            else:
                step_of_editor(app.editors[index], chance)
            check(index)
            for _ in range(chance.choice((0, 0, 1, 5))):
                if network.queue:
                    check(network.deliver())
            if step % 40 == 0:
                await pilot.pause()
            if step % 100 == 99:
                network.heal()
        while network.queue:
            check(network.deliver())
        network.heal()
        for index in range(3):
            check(index)
        await pilot.pause()
        for editor in app.editors:
            assert_sound(editor)
    assert len({str(text) for text in network.texts}) == 1
