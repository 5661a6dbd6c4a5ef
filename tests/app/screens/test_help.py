"""Help over the workspace."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.app.safe_app import SafeApp
from studio_tui.app.screens.help import Help


@pytest.mark.parametrize("key", ["escape", "f1", "question_mark", "q"])
async def test_it_shows_words_and_keys_and_leaves(text_of: Any, key: str) -> None:
    app = SafeApp[None]()
    async with app.run_test(size=(100, 30)) as pilot:
        app.push_screen(Help("### Files\n\nThey are here.", [("ctrl+o", "open"), ("f1", "help")]))
        await pilot.pause()
        shown = text_of(pilot)
        assert "They are here." in shown
        assert "^O  open" in shown
        await pilot.press(key)
        await pilot.pause()
        assert not isinstance(app.screen, Help)
