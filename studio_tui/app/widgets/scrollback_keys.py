"""The keys of looking back in a terminal, after less and vim, and what they do in words."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding

HELP: Final = """\
### What scrolled away

The terminal's older lines, as they were when you looked; the program goes on meanwhile.

- arrows, **page up**, **page down**, **g**, **G** and the wheel move
- **/** searches, **n** finds what is older, **N** what is newer
- **v** begins to select, **V** whole lines, **y** or **enter** copies; the mouse selects as well,
  a double press a word, a triple one a line, and copies at once
- **esc** goes back to now
"""

BINDINGS: Final = (
    Binding("slash", "ask", "search", id="scrollback.search"),
    Binding("n", "find(True)", "older match", show=False, id="scrollback.older"),
    Binding("N", "find(False)", "newer match", show=False, id="scrollback.newer"),
    Binding("v,space", "select", "select", id="scrollback.select"),
    Binding("V", "select_lines", "select lines", show=False, id="scrollback.lines"),
    Binding("y,enter,ctrl+c", "copy", "copy", id="scrollback.copy"),
    Binding("escape,q", "leave", "back to now", id="scrollback.leave"),
    Binding("up,k", "move(-1, 0)", "line up", show=False, id="scrollback.up"),
    Binding("down,j", "move(1, 0)", "line down", show=False, id="scrollback.down"),
    Binding("left,h", "move(0, -1)", "left", show=False, id="scrollback.left"),
    Binding("right,l", "move(0, 1)", "right", show=False, id="scrollback.right"),
    Binding("home,0", "edge(False)", "line start", show=False, id="scrollback.home"),
    Binding("end,dollar_sign", "edge(True)", "line end", show=False, id="scrollback.end"),
    Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, id="scrollback.pageup"),
    Binding("pagedown,ctrl+f", "page(1)", "page down", show=False, id="scrollback.pagedown"),
    Binding("g,ctrl+home", "oldest", "oldest", show=False, id="scrollback.oldest"),
    Binding("G,ctrl+end", "newest", "newest", show=False, id="scrollback.newest"),
)
