from __future__ import annotations

from studio_tui.app.widgets.log_view import LogView
from tests.app.widgets.test_log_view import numbered


async def test_search_marks_and_goes_round(stage, drawn) -> None:
    view = LogView()
    async with stage(view, 50, 4) as pilot:
        view.start("a")
        view.write(b"Loss 0\n" + numbered(10) + b"loss 1\nend\n")
        await pilot.pause()
        await pilot.press("slash")
        assert drawn(view)[0] == "/▏"
        await pilot.press(*"lossw", "backspace", "enter")
        await pilot.wait_for_animation()
        assert "/loss 2 of 2" in drawn(view)[0]
        marked = [s.text for y in range(4) for s in view.render_line(y) if s.style.reverse]
        assert marked == ["loss"]
        await pilot.press("n")
        await pilot.pause()
        assert "/loss 1 of 2" in drawn(view)[0]
        assert drawn(view)[1] == "Loss 0"
        assert not view.follow
        await pilot.press("N")
        await pilot.pause()
        assert "/loss 2 of 2" in drawn(view)[0]
        await pilot.press("escape")
        assert "/loss" not in drawn(view)[0]
        assert not any(s.style.reverse for y in range(4) for s in view.render_line(y))


async def test_search_with_capitals_is_exact_and_may_find_nothing(stage, drawn) -> None:
    view = LogView()
    async with stage(view, 50, 4) as pilot:
        view.write(b"loss (1)\n")
        await pilot.pause()
        for query, expected in (("Loss", "/Loss not found"), ("(1)", "/(1) 1 of 1")):
            await pilot.press("slash", *query, "enter")
            assert expected in drawn(view)[0]


async def test_commands_are_text_while_the_prompt_is_open(stage, drawn) -> None:
    view = LogView()
    async with stage(view, 30, 3) as pilot:
        view.write(b"a\n")
        await pilot.press("slash", "w", "n", "G")
        assert drawn(view)[0] == "/wnG▏"
        assert not view.wrap
        await pilot.press("escape", "w")
        assert view.wrap
