"""What every app of the product has: scrubbed lines, themes, remapped keys, a quiet way to fail."""

from __future__ import annotations

import difflib
import os
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.color import Color

from studio_tui.app import exact_keys, themes, underlines
from studio_tui.app.scrub import Scrub
from studio_tui.errors import StudioError
from studio_tui.settings import paths

if TYPE_CHECKING:
    from textual.driver import Driver

Result = TypeVar("Result")
MUTED = 0.65
"""How much of the foreground there is in muted words."""


class SafeApp(App[Result], Generic[Result], inherit_bindings=False):
    """A Textual app that foreign text cannot speak through.

    Args:
        theme: name of a theme; None chooses by the terminal.
        keys: keys by binding id.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", "quit", show=False, id="quit"),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, theme: str | None = None, keys: Mapping[str, str] | None = None) -> None:
        super().__init__()
        colours = self.console._color_system if underlines.drawn_by(os.environ) else None
        self._filters.append(Scrub(colours))
        self.refusal: StudioError | None = None
        for own in themes.OWN:
            self.register_theme(own)
        self._choose_theme(theme)
        if keys:
            self.set_keymap(dict(keys))

    def get_driver_class(self) -> type[Driver]:
        """Textual's driver for this terminal; it reads keys exactly."""
        driver = super().get_driver_class()
        exact_keys.teach(driver)
        return driver

    def get_css_variables(self) -> dict[str, str]:
        """The theme's; muted words in a row of several colours would be white with "auto 60%"."""
        variables = super().get_css_variables()
        front, back = (Color.parse(variables[name]) for name in ("foreground", "background"))
        if front.ansi is None and back.ansi is None:
            variables["text-muted"] = back.blend(front, MUTED).hex
        return variables

    def _choose_theme(self, wanted: str | None) -> None:
        name = themes.theme_name(wanted, os.environ)
        self.unknown_theme = ""
        if name not in self.available_themes:
            near = difflib.get_close_matches(name, [*self.available_themes, *themes.ALIASES], 1)
            self.unknown_theme = f"there is no theme {name!r}" + (
                f"; did you mean {near[0]}?" if near else ""
            )
            name = themes.DARK.name
        self.theme = name

    def action_leave(self) -> None:
        """Leave the app."""
        self.exit()

    # An unexpected error ends the app; a person gets one line and the name of the file with the
    # rest, never a traceback across the screen.

    def _fatal_error(self) -> None:
        self._exit_renderables.append("")
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        if "debug" in self.features:
            super()._print_error_renderables()
        self._exit_renderables.clear()

    def check(self) -> None:
        """Raise what ended the app, if something did.

        Raises:
            StudioError: the studio could not be joined; or something unexpected, whose details
                are in a file.
        """
        if self.refusal is not None:
            raise self.refusal
        if (error := self._exception) is None:
            return
        file = paths.log_folder() / "app.log"
        with file.open("a", encoding="utf-8") as log:
            traceback.print_exception(error, file=log)
        first = (str(error).splitlines() or [""])[0]
        raise StudioError(
            f"the app ended unexpectedly: {type(error).__name__} {first}", f"details are in {file}"
        ) from error
