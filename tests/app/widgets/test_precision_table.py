from __future__ import annotations

from studio_tui.app.widgets.precision_table import PrecisionTable
from studio_tui.client.advisor import Estimate

ESTIMATES = [Estimate(name, 1, 0, 1, 1, 0) for name in ("64-true", "32-true", "16-true")]


async def test_keys_choose_mark_and_ask_for_runs(stage, drawn) -> None:
    heard: list[object] = []

    def hear(message: object) -> None:
        match message:
            case PrecisionTable.Chosen():
                heard.append(message.precision)
            case PrecisionTable.MeasureWanted():
                heard.append(list(message.precisions))

    table = PrecisionTable()
    async with stage(table, 70, 6, hook=hear) as pilot:
        await pilot.press("enter", "m", "space", "down")  # of nothing
        table.show(ESTIMATES)
        assert table.precision == "64-true"
        await pilot.press("m", "down", "down", "down", "space", "up", "space", "m", "enter")
        await pilot.pause()
        unique = [said for at, said in enumerate(heard) if said not in heard[:at]]
        assert unique == [["64-true"], ["32-true", "16-true"], "32-true"]
        assert drawn(table)[2].startswith("› ● 32-true")
        await pilot.press("space")
        assert drawn(table)[2].startswith("›   32-true")
        table.choose("8-bit")
        assert table.precision == "32-true"


async def test_a_press_goes_there_and_a_second_takes_it(stage) -> None:
    taken: list[str] = []

    def hear(message: object) -> None:
        if isinstance(message, PrecisionTable.Chosen) and message.precision not in taken:
            taken.append(message.precision)

    table = PrecisionTable()
    async with stage(table, 70, 6, hook=hear) as pilot:
        table.show(ESTIMATES)
        await pilot.click(table, offset=(6, 3))
        assert table.precision == "16-true"
        await pilot.click(table, offset=(6, 0))
        await pilot.pause()
        assert not taken
        await pilot.click(table, offset=(6, 3))
        await pilot.pause()
        assert taken == ["16-true"]
