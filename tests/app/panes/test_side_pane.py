"""Machine, jobs and curves."""

from __future__ import annotations

from typing import Any

from studio_tui.app.panes import side_pane
from studio_tui.app.screens.dialogs import Confirm
from studio_tui.app.widgets.rank_board import RankBoard
from studio_tui.document.entries import PortEntry
from tests.app.conftest import NOW, until


async def test_stopping_a_job_asks_once_and_names_it(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        studio.list_job("j1", "char-gpt", "running", started=1.0, by="bob")
        await settle(pilot)
        await pilot.press("f4")
        await settle(pilot)
        await pilot.press("s")
        await settle(pilot)
        assert isinstance(pilot.app.screen, Confirm)
        shown = text_of(pilot)
        assert "stop char-gpt?" in shown
        assert "train.py ends on gpu-box. bob started it." in shown
        await pilot.press("enter")
        await settle(pilot)
        assert studio.asked("jobs.stop") == []
        await pilot.press("s")
        await settle(pilot)
        await pilot.press("y")
        await settle(pilot)
        assert studio.asked("jobs.stop") == [{"job": "j1"}]


async def test_a_running_job_tells_what_it_has_cost(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        studio.list_job("j1", "char-gpt", "running", started=NOW - 1800)
        await settle(pilot)
        assert "$3.49" in text_of(pilot)  # half an hour at $6.98


async def test_curves_of_two_jobs_over_each_other(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    studio.curves = {
        "j1": {"train_loss": [(0, 4.0), (10, 2.0)]},
        "j2": {"train_loss": [(0, 4.0), (10, 1.25)]},
    }
    studio.list_job("j1", "full", "succeeded", started=1.0, ended=2.0)
    studio.list_job("j2", "mixed", "running", started=3.0)
    async with open_app(studio, size=(200, 50)) as pilot:
        await settle(pilot)
        await pilot.press("f4")
        await settle(pilot)
        await pilot.press("c")  # the one that is shown: nothing to lay over it
        await pilot.press("down", "c")
        await settle(pilot)
        await settle(pilot)
        assert "mixed 1.25  ┄ full 2.00" in text_of(pilot)
        await pilot.press("c")
        await settle(pilot)
        assert "─ train 1.25" in text_of(pilot)
        assert "full 2.00" not in text_of(pilot)


async def test_what_is_laid_over_grows_as_well(
    studio: Any, open_app: Any, settle: Any, text_of: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(side_pane, "COMPARED_SECONDS", 0.01)
    studio.curves = {
        "j1": {"train_loss": [(0, 4.0), (10, 2.0)]},
        "j2": {"train_loss": [(0, 4.0), (10, 1.25)]},
    }
    studio.list_job("j1", "full", "running", started=1.0)
    studio.list_job("j2", "mixed", "running", started=3.0)
    async with open_app(studio, size=(200, 50)) as pilot:
        await settle(pilot)
        await pilot.press("f4", "down", "c")
        await until(pilot, lambda: "full 2.00" in text_of(pilot))
        studio.curves["j1"]["train_loss"].append((20, 1.5))
        studio.list_job("j1", "full", "succeeded", started=1.0, ended=2.0)
        await until(pilot, lambda: "full 1.50" in text_of(pilot))


async def test_where_a_job_was_run_again_is_marked(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    studio.curves["j1"] = {"train_loss": [(0, 4.0), (10, 2.0)]}
    studio.marks["j1"] = [(4, "attempt 2")]
    studio.list_job("j1", "full", "running", started=1.0)
    async with open_app(studio, size=(200, 50)) as pilot:
        await settle(pilot)
        await settle(pilot)
        assert "▾ 4 attempt 2" in text_of(pilot)


async def test_meters_of_the_studios_machine(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        studio.measure()
        await settle(pilot)
        assert "71/80G" in text_of(pilot)
        assert "─ gpu-box ─" in text_of(pilot)


async def test_what_holds_the_machine_up_is_told_while_a_job_runs_there(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        for state, told in (("running", "compute-bound"), ("succeeded", "no job runs")):
            studio.list_job("j1", "char-gpt", state, started=1.0)
            for _ in range(5):
                studio.measure(gpus=(), cpu=0.9)
            await settle(pilot)
            assert told in text_of(pilot)


async def test_how_far_a_job_is_comes_from_its_curve(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    studio.curves["j1"] = {"train_loss": [(0, 4.2), (40, 1.5)]}
    async with open_app(studio) as pilot:
        studio.list_job("j1", "char-gpt", "running", started=1.0)
        for _ in range(3):
            await settle(pilot)
        assert "step 40  1.50" in text_of(pilot)


async def test_the_ranks_of_a_job_on_several_machines(
    studio: Any, open_app: Any, settle: Any, text_of: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(side_pane, "RANKS_SECONDS", 0.01)
    states = ["ok"] * 62 + ["slow", "hung"]
    studio.ranks["j1"] = [
        {"rank": number, "machine": f"box{number // 8}", "step": 410, "step_time": 0.12,
         "heard": 0.5, "state": state}
        for number, state in enumerate(states)
    ]  # fmt: skip
    async with open_app(studio, (80, 24)) as pilot:
        studio.list_job("j1", "char-gpt", "running", started=1.0, nodes=8)
        await settle(pilot)
        await pilot.press("f4", "tab")
        await settle(pilot)
        board = pilot.app.workspace.side_pane.query_one(RankBoard)
        await until(pilot, lambda: len(board.ranks) == 64 and board.max_scroll_y > 0)
        assert board.has_focus
        assert "64 ranks · 1 hung · 1 slow" in text_of(pilot)
        assert "rank node step   time heard state" in text_of(pilot)
        await pilot.press("end")
        await until(pilot, lambda: board.scroll_offset.y == board.max_scroll_y)
        assert "63 box7  410 120 ms   0 s hung" in text_of(pilot)
        studio.list_job("j1", "char-gpt", "failed", started=1.0, ended=9.0, nodes=8)
        await until(pilot, lambda: board.ranks[0].state == "ended")
        assert "63 box7  410 120 ms   0 s ended" in text_of(pilot)


async def test_a_job_of_one_process_has_no_ranks_to_show(
    studio: Any, open_app: Any, settle: Any
) -> None:
    studio.ranks["j1"] = [{"rank": 0, "step": 3, "state": "ok"}]
    async with open_app(studio, (130, 40)) as pilot:
        studio.list_job("j1", "char-gpt", "running", started=1.0)
        await settle(pilot)
        board = pilot.app.workspace.side_pane.query_one(RankBoard)
        await until(pilot, lambda: len(board.ranks) == 1)
        assert not board.display
        # Nobody who does not see them asks for them.
        studio.list_job("j2", "pair", "running", started=2.0, devices="2")
        await pilot.press("ctrl+g")
        await settle(pilot)
        asked = len(studio.asked("jobs.ranks"))
        pilot.app.workspace.log_pane.follow("j2")
        await settle(pilot)
        assert len(studio.asked("jobs.ranks")) == asked


async def test_a_server_tells_its_port_and_how_it_is(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    async with open_app(studio) as pilot:
        studio.list_job("j1", "api", "running", started=1.0, port=8000)
        studio.document.ports.put(PortEntry("gpu-box:8000", "gpu-box", 8000, 1, "up", job="j1"))
        studio.saved()
        await settle(pilot)
        assert ":8000 up" in text_of(pilot)


async def test_a_new_run_of_a_script_is_chosen_and_told_from_what_is_laid_over(
    studio: Any, open_app: Any, settle: Any, text_of: Any
) -> None:
    studio.curves = {
        "j1": {"train_loss": [(0, 4.0), (10, 2.0)]},
        "j2": {"train_loss": [(0, 4.0), (10, 1.25)]},
        "j3": {"train_loss": [(0, 4.0), (10, 1.125)]},
    }
    studio.list_job("j1", "mlp.py", "succeeded", started=1.0, ended=2.0)
    studio.list_job("j2", "mlp.py", "succeeded", started=3.0, ended=4.0)
    async with open_app(studio, size=(200, 50)) as pilot:
        await pilot.press("f4")
        await settle(pilot)
        await pilot.press("c")
        await settle(pilot)
        notice = pilot.app.workspace.side_pane.notice
        assert notice.words == "mlp.py #2 is shown already: choose another job to lay over it"
        await pilot.press("down", "s")
        await settle(pilot)
        assert notice.words == "mlp.py #1 is over: there is nothing to stop"
        await pilot.press("c")
        await settle(pilot)
        assert notice.words == "mlp.py #1 is laid over the curves that are shown · c takes it away"
        studio.list_job("j3", "mlp.py", "running", started=5.0)
        await until(pilot, lambda: "mlp.py #3 1.12  ┄ mlp.py #1 2.00" in text_of(pilot))
        shown = text_of(pilot)
        assert "›▶ mlp… #3" in shown
        assert "loss + 1 run over it" in shown
        assert "log · mlp.py #3" in shown
