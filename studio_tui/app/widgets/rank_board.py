"""The ranks of a run on several processes: where each is, and which one holds the others up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType

from studio_tui.app import units
from studio_tui.app.truncate import cells, clip_middle, left, right, scrub
from studio_tui.app.widgets.rows import Row, Rows, told
from studio_tui.client.ranks import TROUBLE, Rank

EMPTY = "no rank heard yet: each tells of itself once Lightning trains"
ENDED = "ended"
_MEANINGS = {
    "ok": "good", "slow": "warn", "waiting": "muted", "hung": "bad", "silent": "bad",
    ENDED: "muted",
}  # fmt: skip
_STATE_WIDTH = max(map(len, _MEANINGS))
_NODE_LEAST, _NODE_MOST = 4, 24


def summary(ranks: Sequence[Rank]) -> str:
    """All of them in a few words, trouble first: `64 ranks · 1 hung · 2 slow`."""
    if not ranks:
        return "ranks"
    counted = Counter(rank.state for rank in ranks)
    trouble = [f"{counted[state]} {state}" for state in TROUBLE if counted[state]]
    return " · ".join([f"{len(ranks)} ranks", *trouble])


def rank_rows(ranks: Sequence[Rank], width: int) -> list[Row]:
    """A heading and one row per rank, its columns aligned over all of them.

    When each was heard gives way where there is no room, and then the nodes.
    """
    heads = ["rank", "step", "time", "heard"]
    columns = [
        [str(rank.rank) for rank in ranks],
        [units.count(min(rank.step, 10**15)) for rank in ranks],
        [units.step_time(rank.step_time) for rank in ranks],
        [units.duration(rank.heard) for rank in ranks],
    ]
    widths = [max(map(cells, (head, *column))) for head, column in zip(heads, columns, strict=True)]
    if _STATE_WIDTH + sum(widths) + len(widths) > width:
        heads, columns, widths = heads[:-1], columns[:-1], widths[:-1]
    nodes = [scrub(rank.machine) for rank in ranks]
    room = width - _STATE_WIDTH - sum(widths) - len(widths) - 1
    node = min(max(map(cells, ("node", *nodes))), room, _NODE_MOST)
    node = node if node >= _NODE_LEAST else 0
    head = _row(heads, widths, "node", node) + "state"
    rows: list[Row] = [[(head, "muted")]]
    for figures, name, rank in zip(zip(*columns, strict=True), nodes, ranks, strict=True):
        state = (scrub(rank.state), _MEANINGS.get(rank.state, "warn"))
        rows.append([(_row(figures, widths, name, node), ""), state])
    return rows


def _row(figures: Sequence[str], widths: Sequence[int], node: str, room: int) -> str:
    first, *others = (right(text, width) for text, width in zip(figures, widths, strict=True))
    where = [left(clip_middle(node, room), room)] if room else []
    return " ".join([first, *where, *others, ""])


class RankBoard(Rows, can_focus=True, inherit_bindings=False):
    """One row per rank of a job, scrolled when there are many."""

    HELP = """\
### Ranks

A run on several GPUs or machines is one process on each; **rank** is its number. They go step by
step together, so that one which is behind holds all of them up.

- **node** the machine, **time** what a step takes, **heard** how long ago it told of itself
- `slow` its own part of a step takes longer than that of the others; `waiting` for another one
- `hung` no step for much too long, `silent` nothing heard of it, `ended` with the job
- **up**, **down**, **page up**, **page down** scroll
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False, id="ranks.up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="ranks.down"),
        Binding("pageup", "page_up", "Page up", show=False, id="ranks.page_up"),
        Binding("pagedown", "page_down", "Page down", show=False, id="ranks.page_down"),
        Binding("home", "scroll_home", "First", show=False, id="ranks.first"),
        Binding("end", "scroll_end", "Last", show=False, id="ranks.last"),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._ranks: list[Rank] = []

    @property
    def ranks(self) -> Sequence[Rank]:
        """Those that are shown."""
        return self._ranks

    def show(self, ranks: Sequence[Rank]) -> None:
        """Show the ranks as they are now; a row that is looked at stays where it is."""
        self._ranks = list(ranks)
        self.redraw()

    def end(self) -> None:
        """The job is over: what was known last stays."""
        self.show([replace(rank, state=ENDED) for rank in self._ranks])

    def rows(self, width: int, height: int) -> list[Row]:
        """One row per rank below a heading, or why there is none."""
        return rank_rows(self._ranks, width) if self._ranks else told(EMPTY, width)
