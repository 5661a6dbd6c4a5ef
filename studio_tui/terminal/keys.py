"""Keys, pastes and mouse, in Textual's words, to the bytes a program expects (host side).

Text and control keys of a plain terminal follow the xterm tables below. Named keys, and everything
once the program asked for more (kitty's protocol, modifyOtherKeys), go through libghostty's
encoder, which follows the terminal's modes.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from studio_tui.errors import StudioError
from studio_tui.terminal.ghostty import library

if TYPE_CHECKING:
    from collections.abc import Mapping

    from studio_tui.terminal.emulator import Emulator

LONGEST_TEXT: Final = 1 << 20
"""Most characters of one text or paste event."""

WHEEL_LINES: Final = 3
"""Lines that a step of the wheel scrolls."""

_SHIFT, _CTRL, _ALT, _SUPER = 1, 2, 4, 8
_MODIFIERS: Final = {"shift": _SHIFT, "ctrl": _CTRL, "alt": _ALT, "super": _SUPER}

_NAMED: Final = {
    "enter": "ENTER",
    "return": "ENTER",
    "tab": "TAB",
    "escape": "ESCAPE",
    "backspace": "BACKSPACE",
    "delete": "DELETE",
    "insert": "INSERT",
    "home": "HOME",
    "end": "END",
    "pageup": "PAGE_UP",
    "pagedown": "PAGE_DOWN",
    "up": "ARROW_UP",
    "down": "ARROW_DOWN",
    "left": "ARROW_LEFT",
    "right": "ARROW_RIGHT",
    "menu": "CONTEXT_MENU",
    "pause": "PAUSE",
    "print_screen": "PRINT_SCREEN",
    "scroll_lock": "SCROLL_LOCK",
    **{f"f{number}": f"F{number}" for number in range(1, 26)},
}

# Textual names punctuation after Unicode, some of it after what people call it, the keypad after
# its legend.
_PUNCTUATION: Final = {
    **{
        unicodedata.name(char).lower().replace("-", "_").replace(" ", "_"): char
        for char in map(chr, range(0x20, 0x7F))
        if not char.isalnum()
    },
    "slash": "/",
    "backslash": "\\",
    "at": "@",
    "minus": "-",
    "plus": "+",
    "underscore": "_",
    "left_square_brace": "[",
    "decimal": ".",
    "separator": ",",
    "divide": "/",
    "multiply": "*",
    "subtract": "-",
    "add": "+",
    "equal": "=",
}

_CONTROLS: Final = {
    **{chr(code): bytes((code & 0x1F,)) for code in range(ord("a"), ord("z") + 1)},
    **dict.fromkeys(" @2", b"\x00"),
    **dict.fromkeys("[3", b"\x1b"),
    **dict.fromkeys("\\4", b"\x1c"),
    **dict.fromkeys("]5", b"\x1d"),
    **dict.fromkeys("^6~", b"\x1e"),
    **dict.fromkeys("_7/", b"\x1f"),
    **dict.fromkeys("?8", b"\x7f"),
}

_MOUSE_ACTIONS: Final = {"down": 0, "up": 1, "move": 2}
# Textual counts left, middle, right; libghostty left, right, middle.
_MOUSE_BUTTONS: Final = {1: 1, 2: 3, 3: 2}
_ARROWS: Final = {"scroll_up": "up", "scroll_down": "down"}
_WHEEL: Final = {"scroll_up": 4, "scroll_down": 5, "scroll_left": 6, "scroll_right": 7}

_PASTE_FORBIDS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_NEWLINE: Final = re.compile("\r\n?|\n")


class InputError(StudioError):
    """An input event that no viewer of ours would send."""

    def __init__(self, what: str) -> None:
        super().__init__(f"bad terminal input: {what}", "Update the client that sent it.")


class _Key(NamedTuple):
    modifiers: int
    name: str
    char: str  # the character without modifiers but shift, empty for a named key


class KeyEncoder:
    """Encodes for one terminal, following whatever modes its program has set at that moment."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        loaded = library()
        self._ffi, self._lib = loaded.ffi, loaded.lib
        self._keys, self._key = loaded.new("key_encoder"), loaded.new("key_event")
        self._mouse, self._mouse_event = loaded.new("mouse_encoder"), loaded.new("mouse_event")
        self._size = loaded.core.init_sized("GhosttyMouseEncoderSize")
        self._out, self._length = self._ffi.new("char[]", 128), self._ffi.new("size_t*")

    def event(self, event: Mapping[str, Any]) -> bytes:
        """The bytes for one event of the wire: {"key", "char"}, {"text"}, {"paste"} or {"mouse"}.

        Empty when the program is not to hear of it; InputError when it is none of these.
        """
        match event:
            case {"key": str(name), **rest}:
                char = rest.get("char")
                return self.key(name, char if isinstance(char, str) else None)
            case {"text": str(text)}:
                return self.text(text)
            case {"paste": str(text)}:
                return self.paste(text)
            case {"mouse": {"kind": str(kind), "x": int(x), "y": int(y), **rest}}:
                names = ("shift", "alt", "ctrl")
                shift, alt, ctrl = (bool(rest.get(name)) for name in names)
                button = rest.get("button", 0)
                if not isinstance(button, int):
                    raise InputError("the mouse button is not a number")
                return self.mouse(kind, x, y, button, shift=shift, alt=alt, ctrl=ctrl)
        raise InputError("no key, text, paste or mouse in it")

    def key(self, name: str, char: str | None = None) -> bytes:
        """The bytes of one key press.

        Args:
            name: Textual's name, such as "a", "ctrl+right_square_bracket", "shift+f1".
            char: the character it types, when it types one; Escape and a character where the
                terminal sent these two, which may be alt and that key or one after the other.
        """
        escaped = char is not None and len(char) == 2 and char[0] == "\x1b"
        key = _parse(name, char[1] if char and escaped else char)
        if key is None:
            return b""
        if not self._emulator.kitty_keyboard:
            if char and escaped:
                return char.encode(errors="replace")
            if key.char and not key.modifiers & ~_SHIFT:
                return key.char.encode()
            if not self._modifies_other_keys():
                legacy = _legacy(key)
                if legacy is not None:
                    return legacy
        return self._press(key)

    def text(self, text: str) -> bytes:
        """`text` as if typed: each line end is Enter; control characters are taken as they are."""
        if len(text) > LONGEST_TEXT:
            raise InputError("too long a text")
        return _NEWLINE.sub("\r", text).encode(errors="replace")

    def paste(self, text: str) -> bytes:
        """`text` as a paste, bracketed when the program asked for it.

        Escapes and other control characters but tab and line ends are dropped, so that a paste can
        neither close its own bracket nor press keys.
        """
        if len(text) > LONGEST_TEXT:
            raise InputError("too long a paste")
        data = _NEWLINE.sub("\r", _PASTE_FORBIDS.sub("", text)).encode(errors="replace")
        if self._emulator.modes.bracketed_paste:
            return b"\x1b[200~" + data + b"\x1b[201~"
        return data

    def mouse(
        self,
        kind: str,
        x: int,
        y: int,
        button: int = 0,
        *,
        shift: bool = False,
        alt: bool = False,
        ctrl: bool = False,
    ) -> bytes:
        """The bytes of a mouse event at cell (x, y), empty unless the program tracks such events.

        To a program that fills the screen and tracks none the wheel is arrow keys.

        Args:
            kind: "down", "up", "move", "scroll_up", "scroll_down", "scroll_left" or "scroll_right".
            button: 1 left, 2 middle, 3 right; 0 for a move with none held.
        """
        if kind not in _MOUSE_ACTIONS and kind not in _WHEEL:
            raise InputError(f"mouse event {kind!r:.40}")
        emulator, lib = self._emulator, self._lib
        if not (0 <= x < emulator.cols and 0 <= y < emulator.lines):
            return b""
        if kind in _ARROWS and not emulator.modes.mouse and emulator.scrolls_with_arrows:
            return self.key(_ARROWS[kind]) * WHEEL_LINES
        size = self._size
        size.screen_width, size.screen_height = emulator.cols, emulator.lines
        size.cell_width = size.cell_height = 1
        held = kind == "move" and button > 0
        lib.ghostty_mouse_encoder_setopt_from_terminal(self._mouse, emulator.handle)
        lib.ghostty_mouse_encoder_setopt(self._mouse, lib.GHOSTTY_MOUSE_ENCODER_OPT_SIZE, size)
        pressed = self._ffi.new("bool*", held)
        option = lib.GHOSTTY_MOUSE_ENCODER_OPT_ANY_BUTTON_PRESSED
        lib.ghostty_mouse_encoder_setopt(self._mouse, option, pressed)
        event = self._mouse_event
        lib.ghostty_mouse_event_set_action(event, _MOUSE_ACTIONS.get(kind, 0))
        number = _WHEEL.get(kind) or _MOUSE_BUTTONS.get(button, 0)
        if number:
            lib.ghostty_mouse_event_set_button(event, number)
        else:
            lib.ghostty_mouse_event_clear_button(event)
        modifiers = _SHIFT * shift | _ALT * alt | _CTRL * ctrl
        lib.ghostty_mouse_event_set_mods(event, modifiers)
        # The middle of the cell, one "pixel" to a cell.
        position = self._ffi.new("GhosttyMousePosition*", {"x": x + 0.5, "y": y + 0.5})
        lib.ghostty_mouse_event_set_position(event, position[0])
        return self._take(lib.ghostty_mouse_encoder_encode, self._mouse, event)

    def _modifies_other_keys(self) -> bool:
        """Whether xterm's modifyOtherKeys is set; it shows only in what becomes of a key."""
        return self._press(_Key(_ALT, "a", "a")).startswith(b"\x1b[27;")

    def _press(self, key: _Key) -> bytes:
        lib, event = self._lib, self._key
        lib.ghostty_key_encoder_setopt_from_terminal(self._keys, self._emulator.handle)
        lib.ghostty_key_event_set_action(event, lib.GHOSTTY_KEY_ACTION_PRESS)
        name = _NAMED.get(key.name) or (
            key.char.upper() if _is_letter(key.char) else "UNIDENTIFIED"
        )
        lib.ghostty_key_event_set_key(event, getattr(lib, f"GHOSTTY_KEY_{name}"))
        modifiers, char = key.modifiers, key.char
        capital = _is_letter(char) and char.isupper()
        if capital:
            modifiers |= _SHIFT
        lib.ghostty_key_event_set_mods(event, modifiers)
        lib.ghostty_key_event_set_consumed_mods(event, modifiers & _SHIFT if char else 0)
        typed = self._ffi.new("char[]", char.encode())
        lib.ghostty_key_event_set_utf8(event, typed, len(char.encode()))
        unshifted = char.lower() if capital else char
        code = ord(unshifted) if len(unshifted) == 1 else 0
        lib.ghostty_key_event_set_unshifted_codepoint(event, code)
        return self._take(lib.ghostty_key_encoder_encode, self._keys, event)

    def _take(self, encode: Any, encoder: Any, event: Any) -> bytes:
        if encode(encoder, event, self._out, 128, self._length):
            return b""
        return bytes(self._ffi.buffer(self._out, self._length[0]))


def _is_letter(char: str) -> bool:
    return len(char) == 1 and char.isascii() and char.isalpha()


def _parse(name: str, char: str | None) -> _Key | None:
    """Textual's name taken apart, or None for a key that types nothing (a modifier alone)."""
    *prefixes, base = name.split("+")
    modifiers = 0
    for prefix in prefixes:
        if prefix not in _MODIFIERS:
            return None
        modifiers |= _MODIFIERS[prefix]
    if base in _NAMED:
        return _Key(modifiers, base, "")
    known = base if len(base) == 1 and base.isprintable() else _PUNCTUATION.get(base, "")
    typed = char if char and len(char) <= 8 and char.isprintable() else ""
    if modifiers & ~_SHIFT:
        # With ctrl or alt held `char` is Textual's guess or a control character; the name says
        # which key it was, where it is a name that we know.
        typed = known or typed
    typed = typed or known
    if not typed:
        return None
    if modifiers & _SHIFT and _is_letter(typed):
        typed = typed.upper()
    return _Key(modifiers, base, typed)


def _legacy(key: _Key) -> bytes | None:
    """The bytes of an ordinary terminal, or None where libghostty's encoder has them right.

    With modifiers it sends what came after such terminals, and what programs there type out.
    """
    ctrl, alt = key.modifiers & _CTRL, key.modifiers & _ALT
    prefix = b"\x1b" if alt else b""
    if key.modifiers & _SUPER:
        return b""
    match key.name:
        case "enter" | "return":
            return prefix + b"\r"
        case "escape":
            return prefix + b"\x1b"
        case "backspace":
            return prefix + (b"\x08" if ctrl else b"\x7f")
        case "tab":
            return prefix + (b"\x1b[Z" if key.modifiers & _SHIFT else b"\t")
        case "f3" if key.modifiers:
            return b"\x1b[1;%dR" % (1 + (key.modifiers & _SHIFT) + bool(alt) * 2 + bool(ctrl) * 4)
    if not key.char:
        return None
    if ctrl:
        return prefix + _CONTROLS.get(key.char.lower(), key.char.encode())
    return prefix + key.char.encode(errors="replace")
