from __future__ import annotations

from studio_tui.app.widgets.log_buffer import LogBuffer
from studio_tui.app.widgets.log_drawing import Pin, pieces, remarks


def test_a_line_in_its_colours_with_what_was_found_standing_out() -> None:
    buffer = LogBuffer()
    buffer.write(b"ab\x1b[31mcdef\x1b[0mgh\n")
    found = list(pieces(buffer[0], 0, 8, [(1, 4)]))
    assert [segment.text for segment in found] == ["a", "b", "cd", "ef", "gh"]
    assert [bool(segment.style and segment.style.reverse) for segment in found] == [
        False, True, True, False, False,
    ]  # fmt: skip
    red = [segment.text for segment in found if segment.style and segment.style.color]
    assert red == ["cd", "ef"]
    assert "".join(segment.text for segment in pieces(buffer[0], 3, 5, [])) == "de"


def test_remarks_are_scrubbed_and_have_their_makers_colour() -> None:
    (one, other) = remarks([Pin(0, "b\x1bob", "a\nb", "#00ff00"), Pin(0, "ana", "", "red")])
    assert one.text == "  ◆ bob: a b"
    assert one.style is not None
    assert one.style.color is not None
    assert one.style.color.name == "#00ff00"
    assert other.text == "  ◆ ana"
