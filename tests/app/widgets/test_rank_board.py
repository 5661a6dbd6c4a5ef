from __future__ import annotations

import pytest

from studio_tui.app.widgets.rank_board import EMPTY, RankBoard, summary
from studio_tui.client.ranks import Rank

RANKS = [
    Rank(0, "gpu-box-1", 1204, 0.12, 0.1, "data", 0.4, "ok"),
    Rank(1, "gpu-box-1", 1203, 0.4, 0.39, "data", 3, "slow"),
    Rank(2, "日本-2", 1204, None, None, "backward", 4, "waiting"),
    Rank(13, "gpu-box-\x1b[2J2", 12, 95.0, None, "forward", 170, "hung"),
    Rank(14, "gpu-box-2", 1_204_000, 0.0004, None, "x", 4000, "silent"),
    Rank(15, "gpu-box-2", 0, None, None, "", 0, "new"),
]

WIDTHS = {
    22: """\
rank step   time state
   0 1.2k 120 ms ok
   1 1.2k 400 ms slow
   2 1.2k      – wait…
  13   12   95 s hung
  14 1.2M 0.4 ms sile…
  15    0      – new""",
    36: """\
rank node step   time  heard state
   0 g…-1 1.2k 120 ms    0 s ok
   1 g…-1 1.2k 400 ms    3 s slow
   2 …-2  1.2k      –    4 s waiting
  13 g…J2   12   95 s  2 min hung
  14 g…-2 1.2M 0.4 ms 1 h 06 silent
  15 g…-2    0      –    0 s new""",
    60: """\
rank node         step   time  heard state
   0 gpu-box-1    1.2k 120 ms    0 s ok
   1 gpu-box-1    1.2k 400 ms    3 s slow
   2 日本-2       1.2k      –    4 s waiting
  13 gpu-box-[2J2   12   95 s  2 min hung
  14 gpu-box-2    1.2M 0.4 ms 1 h 06 silent
  15 gpu-box-2       0      –    0 s new""",
}


@pytest.mark.parametrize("width", WIDTHS)
async def test_columns_are_aligned_at_every_width(stage, drawn, width) -> None:
    board = RankBoard()
    async with stage(board, width, 7):
        board.show(RANKS)
        assert "\n".join(drawn(board)) == WIDTHS[width]


@pytest.mark.parametrize("width", [1, 4, 9, 16, 200])
async def test_any_width_is_drawn(stage, drawn, width) -> None:
    board = RankBoard()
    async with stage(board, width, 3):
        board.show([*RANKS, Rank(10**15, "x" * 999, 10**15, 1e300, None, "", 1e15, "?" * 99)])
        drawn(board)


async def test_many_ranks_scroll_and_stay_where_they_are(stage, drawn) -> None:
    board = RankBoard()
    ranks = [Rank(number, "box", 5, 0.1, state="ok") for number in range(64)]
    async with stage(board, 40, 6) as pilot:
        board.show(ranks)
        assert drawn(board)[1].split()[0] == "0"
        while not board.allow_vertical_scroll:
            await pilot.pause()
        await pilot.press("end")
        while board.scroll_offset.y < board.max_scroll_y:
            await pilot.pause()
        assert drawn(board)[-1].split()[0] == "63"
        board.show(ranks)
        await pilot.pause()
        assert drawn(board)[-1].split()[0] == "63"
        board.end()
        assert drawn(board)[-1].split()[-1] == "ended"


async def test_without_ranks_it_says_why(stage, drawn) -> None:
    board = RankBoard()
    async with stage(board, 90, 2):
        assert drawn(board)[0].strip() == EMPTY


def test_the_title_tells_the_trouble_first() -> None:
    assert summary([]) == "ranks"
    assert summary(RANKS) == "6 ranks · 1 hung · 1 silent · 1 slow"
