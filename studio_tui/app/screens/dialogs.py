"""Small dialogs: a question with two answers, one line of text, a choice out of a few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from studio_tui.app.screens.modal import Modal
from studio_tui.app.widgets.text_field import TextField

FRAME = """
    align: center middle;
    background: $background 60%;
    & > Vertical {
        width: 64;
        max-width: 92%;
        height: auto;
        max-height: 90%;
        padding: 1 2;
        background: $surface;
        border: round $border;
        border-title-color: $accent;
        border-title-style: bold;
        border-subtitle-color: $text-muted;
        overflow-y: auto;
        /* Where there is little room the contents scroll, and what to press stays. */
        & > #hint { dock: bottom; }
        & > #none { color: $text-muted; }
    }
    &.-short Button { min-width: 0; }
    &.-short > Vertical {
        max-height: 100%;
        padding: 0 1;
        & > #hint { margin-top: 0; }
        & > OptionList { max-height: 50vh; }
    }
"""


class Confirm(Modal[bool]):
    """Asks once before something that cannot be undone. The safe answer has the focus.

    Args:
        title: what is asked, a few words.
        body: what will happen, and to whom; foreign text is fine.
        yes: the words on the button that does it.
        no: the words on the button that does not.
        danger: whether something is lost by "yes"; else "yes" has the focus.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", show=False, id="confirm.yes"),
        Binding("n,escape", "answer(False)", "no", show=False, id="confirm.no"),
        Binding("left,right,up,down", "app.focus_next", show=False, id="confirm.other"),
    ]
    DEFAULT_CSS = f"""
    Confirm {{
        {FRAME}
        & #body {{ width: 1fr; margin-bottom: 1; }}
        & Horizontal {{ dock: bottom; height: auto; align-horizontal: right; }}
        & Button {{ margin-left: 2; padding: 0 1; background: $panel; color: $foreground; }}
        & Button.-error {{ background: $panel !important; color: $text-error !important; }}
        & Button:focus {{
            background: $primary !important;
            color: $background !important;
            text-style: bold !important;
        }}
        & Button.-error:focus {{
            background: $error !important;
            color: $background !important;
        }}
    }}
    """

    def __init__(
        self, title: str, body: str, yes: str, no: str = "no", danger: bool = True
    ) -> None:
        super().__init__()
        self._texts = (title, body, yes, no)
        self._danger = danger

    def compose(self) -> ComposeResult:
        """Question and answers."""
        title, body, yes, no = self._texts
        with Vertical() as frame:
            frame.border_title = Content(title)
            yield Static(body, id="body", markup=False)
            with Horizontal():
                kind: Literal["error", "primary"] = "error" if self._danger else "primary"
                yield Button(Content(f"y  {yes}"), kind, id="yes", compact=True)
                yield Button(Content(f"n  {no}"), id="no", compact=True)

    def on_mount(self) -> None:
        """Put the focus where Enter does no harm."""
        self.query_one("#no" if self._danger else "#yes").focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """Close with the answer."""
        self.dismiss(answer)


class Ask(Modal[str | None]):
    """Asks for one line of text; None when it was left with escape.

    Args:
        title: what is asked.
        value: the text to start from.
        hint: a line below the field.
        placeholder: what an empty field shows.
        body: lines above the field; foreign text is fine.
        secret: whether what is typed stays hidden.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False, id="ask.leave")
    ]
    DEFAULT_CSS = f"""
    Ask {{
        {FRAME}
        & Input {{ padding: 0 1; background: $panel; }}
        & #body {{ width: 1fr; margin-bottom: 1; }}
        & #hint {{ color: $text-muted; margin-top: 1; }}
    }}
    """

    def __init__(
        self,
        title: str,
        value: str = "",
        hint: str = "",
        placeholder: str = "",
        *,
        body: str = "",
        secret: bool = False,
    ) -> None:
        super().__init__()
        self._title, self._value, self._hint = title, value, hint
        self._placeholder, self._body, self._secret = placeholder, body, secret

    def compose(self) -> ComposeResult:
        """The field."""
        with Vertical() as frame:
            frame.border_title = Content(self._title)
            if self._body:
                yield Static(self._body, id="body", markup=False)
            yield TextField(
                self._value, placeholder=self._placeholder, compact=True, select_on_focus=False,
                password=self._secret,
            )  # fmt: skip
            yield Static(self._hint or "enter: do it   esc: leave it", id="hint", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with what was typed."""
        event.stop()
        self.dismiss((event.value if self._secret else event.value.strip()) or None)


class Pick(Modal[str | None]):
    """One of a few things; None when it was left with escape.

    Args:
        title: what is chosen.
        choices: (value, words); foreign text is fine.
        hint: a line below the list.
        current: the value to start on.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False, id="pick.leave")
    ]
    DEFAULT_CSS = f"""
    Pick {{
        {FRAME}
        & OptionList {{ height: auto; max-height: 14; background: $surface; }}
        & #hint {{ color: $text-muted; margin-top: 1; }}
    }}
    """

    def __init__(
        self,
        title: str,
        choices: Sequence[tuple[str, str | Content]],
        hint: str = "enter: choose   esc: leave it",
        current: str = "",
    ) -> None:
        super().__init__()
        self._title, self._choices, self._hint, self._current = title, choices, hint, current

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical() as frame:
            frame.border_title = Content(self._title)
            yield OptionList(
                *(Option(w if isinstance(w, Content) else Content(w)) for _, w in self._choices),
                compact=True,
            )
            yield Static(self._hint, id="hint", markup=False)

    def on_mount(self) -> None:
        """Start on the current value."""
        values = [value for value, _ in self._choices]
        if self._current in values:
            self.query_one(OptionList).highlighted = values.index(self._current)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Close with the choice."""
        event.stop()
        self.dismiss(self._choices[event.option_index][0])
