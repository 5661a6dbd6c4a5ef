"""What every app of the product has: themes, and an end without a traceback."""

from __future__ import annotations

import pytest

from studio_tui.app.safe_app import SafeApp
from studio_tui.app.scrub import Scrub
from studio_tui.errors import NotFound, StudioError
from studio_tui.settings import paths


def test_every_line_is_scrubbed() -> None:
    assert any(isinstance(each, Scrub) for each in SafeApp[None]().get_line_filters())


@pytest.mark.parametrize(("wanted", "name"), [("light", "studio-light"), ("dracula", "dracula")])
def test_a_theme_is_taken(wanted: str, name: str) -> None:
    app = SafeApp[None](wanted)
    assert (app.theme, app.unknown_theme) == (name, "")


def test_an_unknown_theme_is_named_with_the_nearest() -> None:
    app = SafeApp[None]("dracla")
    assert app.theme == "studio-dark"
    assert app.unknown_theme == "there is no theme 'dracla'; did you mean dracula?"


async def test_all_is_well() -> None:
    app = SafeApp[None]()
    async with app.run_test() as pilot:
        await pilot.press("ctrl+q")
    app.check()


def test_a_refusal_is_raised() -> None:
    app = SafeApp[None]()
    app.refusal = NotFound("no studio")
    with pytest.raises(NotFound, match="no studio"):
        app.check()


async def test_a_fault_is_one_line_and_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    app = SafeApp[None]()

    async def fail() -> None:
        async with app.run_test() as pilot:
            app.call_later(lambda: 1 // 0)
            await pilot.pause()

    with pytest.raises(ZeroDivisionError):
        await fail()
    with pytest.raises(StudioError, match="ZeroDivisionError integer division") as told:
        app.check()
    file = paths.log_folder() / "app.log"
    assert told.value.hint == f"details are in {file}"
    assert "Traceback" in file.read_text()
    assert "Traceback" not in "".join(capsys.readouterr())
