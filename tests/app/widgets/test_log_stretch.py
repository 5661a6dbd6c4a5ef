"""A long log: opened at its end, read back, searched and filtered as far as it goes."""

from __future__ import annotations

from studio_tui.app.widgets.log_view import LogView


def numbered(count: int) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(count))


class Reader:
    """Answers what a view wants out of a log, as the pane does from the machine."""

    def __init__(self, view: LogView, log: bytes, step: int = 400) -> None:
        self.view, self.log, self.step = view, log, step
        self.wanted: list[LogView.Wanted] = []

    def hook(self, message: object) -> None:
        # The hook sees a message at each widget that it passes.
        if isinstance(message, LogView.Wanted) and not any(message is m for m in self.wanted):
            self.wanted.append(message)
            self.view.call_next(self.answer, message)

    def answer(self, wanted: LogView.Wanted) -> None:
        buffer, size = self.view.buffer, len(self.log)
        match wanted.what:
            case "earlier":
                self.view.precede(self.log[self.start(buffer.start - self.step) : buffer.start])
            case "later":
                self.view.proceed(self.log[buffer.end : buffer.end + self.step], size)
            case "start":
                self.view.open(0, self.log[: self.step], size)
            case "end":
                self.show(size - self.step)
            case "match":
                query = wanted.query.encode()
                found = (
                    self.log.rfind(query, 0, buffer.start)
                    if wanted.back
                    else self.log.find(query, buffer.end)
                )
                if found < 0:
                    self.view.no_match()
                    return
                line = self.log.rfind(b"\n", 0, found) + 1
                at = self.start(line - self.step // 2)
                self.view.show(at, self.log[at : at + self.step], size, line)

    def start(self, offset: int) -> int:
        return self.log.find(b"\n", max(offset - 1, 0)) + 1 if offset > 0 else 0

    def show(self, offset: int) -> None:
        at = self.start(offset)
        self.view.open(at, self.log[at:], len(self.log))


async def test_a_long_log_opens_at_its_end_and_is_read_back(stage, drawn) -> None:
    view = LogView()
    reader = Reader(view, numbered(1000))
    async with stage(view, 60, 6, hook=reader.hook) as pilot:
        reader.show(len(reader.log) - 400)
        await pilot.pause()
        assert drawn(view)[-1] == "line 999"
        assert "100 % of" in drawn(view)[0]
        assert not reader.wanted
        seen = int(drawn(view)[1].split()[1])
        for _ in range(30):
            await pilot.press("pageup")
            await pilot.wait_for_animation()
        await pilot.pause()
        assert {wanted.what for wanted in reader.wanted} == {"earlier"}
        top = int(drawn(view)[1].split()[1])
        assert top < seen - 100
        assert drawn(view)[1:] == [f"line {top + row}" for row in range(5)]
        await pilot.press("home")
        await pilot.pause()
        assert drawn(view)[1] == "line 0"
        assert not view.follow
        # The log grows while its start is read: nothing moves, and the end is there when wanted.
        view.write(b"line 1000\n", len(reader.log))
        reader.log += b"line 1000\n"
        await pilot.pause()
        assert drawn(view)[1] == "line 0"
        for _ in range(12):
            await pilot.press("pagedown")
            await pilot.wait_for_animation()
        await pilot.pause()
        assert int(drawn(view)[1].split()[1]) > 40
        await pilot.press("end")
        await pilot.pause()
        assert view.follow
        assert drawn(view)[-1] == "line 1000"


async def test_a_search_goes_beyond_what_is_here(stage, drawn) -> None:
    view = LogView()
    reader = Reader(view, numbered(1000))
    async with stage(view, 60, 6, hook=reader.hook) as pilot:
        reader.show(len(reader.log) - 400)
        await pilot.pause()
        await pilot.press("slash", *"line 321", "enter")
        await pilot.pause()
        await pilot.pause()
        assert "line 321" in drawn(view)
        assert view.buffer[view.chosen - view.buffer.first].text == "line 321"
        await pilot.press("slash", *"line 70", "enter", "n", "n")
        await pilot.pause()
        await pilot.pause()
        assert view.buffer[view.chosen - view.buffer.first].text.startswith("line 70")
        await pilot.press("slash", *"no such", "enter")
        await pilot.pause()
        await pilot.pause()
        assert "not found" in drawn(view)[0]


async def test_levels_and_ranks_are_filtered(stage, drawn) -> None:
    view = LogView()
    lines = [
        f"[rank{n % 2}]: {'ERROR bad' if n % 50 == 0 else 'INFO fine'} {n}\n" for n in range(300)
    ]
    reader = Reader(view, "".join(lines).encode(), step=600)
    async with stage(view, 60, 6, hook=reader.hook) as pilot:
        reader.show(len(reader.log) - 600)
        await pilot.pause()
        await pilot.press("v", "v")
        for _ in range(20):
            await pilot.pause()
        assert "errors" in drawn(view)[0]
        shown = [view.buffer[index].text for index in range(len(view.buffer))]
        assert shown[-1] == "[rank0]: ERROR bad 250"
        assert all("ERROR" in text for text in shown)
        # A screenful is read back by itself, or all there is.
        assert len(shown) >= 5 or view.buffer.start == 0
        await pilot.press("v")
        await pilot.pause()
        await pilot.press("r", "r")
        await pilot.pause()
        assert "rank 1" in drawn(view)[0]
        assert all(row.startswith("[rank1]") for row in drawn(view)[1:])
        await pilot.press("r")
        await pilot.pause()
        assert {row[:7] for row in drawn(view)[1:]} == {"[rank0]", "[rank1]"}


async def test_what_cannot_be_had_is_asked_for_again(stage, drawn) -> None:
    view = LogView()
    wanted: list[str] = []

    def hook(message: object) -> None:
        if isinstance(message, LogView.Wanted):
            wanted.append(message.what)

    async with stage(view, 60, 6, hook=hook) as pilot:
        view.open(7000, numbered(100), 7000 + len(numbered(100)))
        await pilot.press("home")
        await pilot.pause()
        assert set(wanted) == {"start"}
        wanted.clear()
        view.failed()
        await pilot.press("home")
        await pilot.pause()
        assert set(wanted) == {"start"}
        assert drawn(view)[-1] == "line 99"
