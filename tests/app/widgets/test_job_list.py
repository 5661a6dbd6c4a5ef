from __future__ import annotations

import pytest

from studio_tui.app.widgets.job_list import JobList
from studio_tui.document.entries import JobEntry

JOBS = [
    JobEntry("a", "char-gpt", "running", started=900, cost=None),
    JobEntry("b", "baseline", "succeeded", started=100, ended=820, cost=0.41),
    JobEntry("c", "a-very-long-name-of-it", "failed", started=50, ended=60, exit_code=1),
    JobEntry("d", "日本語モデル🚀", "stopped", started=20, ended=4000, cost=12.5),
    JobEntry("e", "lost one", "lost", started=10, cost=1234),
    JobEntry("f", "next\x1b[31m", "queued"),
]

WIDTHS = {
    24: """\
›… next[31m       queued
 ▶ char-gpt   ep 3  1.92
 ✓ baseline       12 min
 ✗ a-very-l…      exit 1
 ■ 日本語モ…      1 h 06
 ? lost one         lost""",
    40: """\
›… next[31m               queued
 ▶ char-gpt           ep 3  1.92
 ✓ baseline               12 min   $0.41
 ✗ a-very-long-name…      exit 1
 ■ 日本語モデル🚀         1 h 06  $12.50
 ? lost one                 lost  $1,234""",
    70: """\
›… next[31m                queued
 ▶ char-gpt                running                  ep 3  1.92
 ✓ baseline                succeeded                    12 min   $0.41
 ✗ a-very-long-name-of-it  failed                       exit 1
 ■ 日本語モデル🚀          stopped                      1 h 06  $12.50
 ? lost one                lost                                 $1,234""",
}


@pytest.mark.parametrize("width", WIDTHS)
async def test_columns_are_aligned_at_every_width(stage, drawn, width) -> None:
    jobs = JobList()
    async with stage(jobs, width, 6):
        jobs.show(JOBS, 1000, {"a": "ep 3  1.92"})
        assert "\n".join(drawn(jobs)) == WIDTHS[width]


@pytest.mark.parametrize("width", [1, 2, 5, 10, 200])
async def test_any_width_is_drawn(stage, drawn, width) -> None:
    jobs = JobList()
    async with stage(jobs, width, 6):
        jobs.show(JOBS, 1e300)
        drawn(jobs)


async def test_an_empty_list_teaches(stage, drawn) -> None:
    jobs = JobList()
    async with stage(jobs, 24, 3) as pilot:
        assert drawn(jobs) == [" no job yet: ^R runs", " the open file", ""]
        await pilot.press("enter", "s", "down")
        assert jobs.chosen is None


async def test_keys_choose_show_stop_and_run(stage) -> None:
    heard: list[tuple[str, str | None]] = []

    def hear(message: object) -> None:
        if isinstance(message, (JobList.Selected, JobList.RunRequested)):
            said = (type(message).__name__, getattr(message, "job", None))
            if said not in heard[-1:]:
                heard.append(said)

    jobs = JobList()
    async with stage(jobs, 40, 3, hook=hear) as pilot:
        jobs.show(JOBS, 1000)
        await pilot.press("down", "enter", "s", "end", "s", "r", "home")
        await pilot.pause()
        assert heard == [
            ("Highlighted", "a"),
            ("Selected", "a"),
            ("StopRequested", "a"),
            ("Highlighted", "e"),
            ("StopRequested", "e"),  # it is over: the receiver says so
            ("RunRequested", None),
            ("Highlighted", "f"),
        ]


async def test_a_press_chooses_and_the_cursor_stays_in_sight(stage, drawn) -> None:
    jobs = JobList()
    async with stage(jobs, 24, 3) as pilot:
        jobs.show(JOBS, 1000)
        await pilot.click(jobs, offset=(4, 2))
        assert jobs.chosen is not None
        assert jobs.chosen.id == "b"
        await pilot.press("down", "down")
        assert drawn(jobs)[2].startswith("›■")


async def test_the_cursor_stays_on_its_job(stage) -> None:
    jobs = JobList()
    async with stage(jobs, 24, 6):
        jobs.show(JOBS, 1000)
        jobs.choose("b")
        jobs.show([JobEntry("new", "new", "running", started=999), *JOBS], 1001)
        assert jobs.chosen is not None
        assert jobs.chosen.id == "b"
        jobs.show([job for job in JOBS if job.id != "b"], 1002)
        assert jobs.chosen is not None
        assert jobs.chosen.id == "d"
        jobs.choose("nothing")
        assert jobs.chosen.id == "d"


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark"])
async def test_the_cursor_row_stands_out_and_can_be_read(stage, theme) -> None:
    jobs = JobList()
    async with stage(jobs, 24, 6, theme):
        jobs.show(JOBS, 1000)
        jobs.choose("a")
        chosen, other = (list(jobs.render_line(y))[1].style for y in (1, 2))
        assert (chosen.bgcolor, chosen.reverse) != (other.bgcolor, other.reverse)
        assert chosen.color != chosen.bgcolor


async def test_a_smaller_list_still_shows_the_cursor(stage, drawn, resize) -> None:
    jobs = JobList()
    async with stage(jobs, 24, 6) as pilot:
        jobs.show(JOBS, 1000)
        await pilot.press("end")
        await resize(pilot, 24, 2)
        assert drawn(jobs)[1].startswith("›?")
