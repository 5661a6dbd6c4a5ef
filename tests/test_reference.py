"""The reference page is what the docstrings say now."""

from __future__ import annotations

from scripts import reference


def test_the_page_is_current_and_whole() -> None:
    made = reference.page()
    assert reference.PAGE.read_text(encoding="utf-8") == made, "run: make reference"
    for line in (
        "### `sdk.attach(studio, *, name=None) -> AsyncIterator[Studio]`",
        "### `await studio.read(path) -> bytes`",
        "### `await studio.project.find(wanted='', limit=50) -> list[str]`",
        "### `async for ... in job.logs() -> AsyncIterator[str]`",
        "- raises `NotFound`: there is no such script or machine.",
        "### `JobEntry`",
    ):
        assert line in made.splitlines()
    assert "`studio.forget" not in made
