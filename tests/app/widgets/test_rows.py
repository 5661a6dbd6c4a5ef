from __future__ import annotations

import pytest
from rich.style import Style

from studio_tui.app.widgets.curve import Curve
from studio_tui.app.widgets.job_list import JobList
from studio_tui.app.widgets.log_view import LogView
from studio_tui.app.widgets.meters_board import MetersBoard
from studio_tui.app.widgets.rows import Row, Rows, fit, spread, told, width_of
from studio_tui.document.entries import JobEntry


class Colours(Rows):
    def rows(self, width: int, height: int) -> list[Row]:
        words = "good warn bad accent second muted strong".split()
        rows: list[Row] = [[(word, word)] for word in words]
        return [*rows, [("own", Style(italic=True))], [("both", "strong good")], [("x" * 99, "")]]


def texts(row: Row) -> list[str]:
    return [text for text, _ in row]


def test_fit_cuts_at_the_width() -> None:
    row: Row = [("abc", ""), ("def", "good")]
    assert fit(row, 6) == row
    assert texts(fit(row, 5)) == ["abc", "d…"]
    assert texts(fit(row, 3)) == ["ab…"]
    assert fit(row, 0) == []


@pytest.mark.parametrize("width", [0, 1, 2, 5, 9])
def test_spread_fills_the_width(width: int) -> None:
    assert width_of(spread([("start", "")], [("end", "")], width)) == width


def test_spread_keeps_the_end() -> None:
    assert "".join(texts(spread([("start", "")], [("end", "")], 8))) == "sta… end"


def test_told_takes_the_rows_it_needs() -> None:
    assert [texts(row) for row in told("one two three", 10)] == [[" one two"], [" three"]]
    assert told("one", 0) == [[("", "muted")]] * 3


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark", "nord"])
async def test_meanings_have_styles_in_every_theme(stage, drawn, theme) -> None:
    widget = Colours()
    async with stage(widget, 10, 10, theme):
        styles = {
            text: style
            for y in range(9)
            for text, style, _ in list(widget.render_line(y))[:1]
            if style is not None
        }
        colours = [styles[word].color for word in ("good", "warn", "bad", "accent", "second")]
        assert len(set(colours)) == 5
        assert styles["strong"].bold
        assert styles["own"].italic
        assert styles["both"].bold
        assert styles["both"].color == styles["good"].color
        assert drawn(widget)[-1] == "xxxxxxxxx…"


async def test_long_content_scrolls(stage, drawn, resize) -> None:
    widget = Colours()
    async with stage(widget, 10, 3) as pilot:
        assert drawn(widget) == ["good", "warn", "bad"]
        widget.scroll_to(y=3, animate=False)
        await pilot.pause()
        assert drawn(widget)[0] == "accent"
        await resize(pilot, 10, 12)
        assert drawn(widget)[0] == "good"


@pytest.mark.parametrize(
    "widget",
    [MetersBoard, JobList, Curve, LogView],
)
def test_every_binding_can_be_remapped_and_every_place_explains_itself(widget) -> None:
    bindings = [
        binding for group in widget()._bindings.key_to_bindings.values() for binding in group
    ]
    assert bindings
    assert all(binding.id for binding in bindings)
    assert widget.HELP.startswith("### ")


async def test_without_colour_nothing_is_lost(stage, drawn, monkeypatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    jobs = JobList()
    async with stage(jobs, 24, 3) as pilot:
        jobs.show([JobEntry("a", "x", "failed"), JobEntry("b", "y", "succeeded")], 0)
        await pilot.pause()
        assert [row[1] for row in drawn(jobs)[:2]] == ["✗", "✓"]
        assert pilot.app.no_color
