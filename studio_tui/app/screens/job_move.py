"""Taking a running job to another machine: which one, and how it counts there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_tui.app import words
from studio_tui.app.job_form import PRECISIONS
from studio_tui.app.screens.dialogs import Confirm, Pick
from studio_tui.errors import StudioError

if TYPE_CHECKING:
    from textual.app import App

    from studio_tui.app.widgets.notice import Notice
    from studio_tui.client.studio import Studio
    from studio_tui.document.entries import JobEntry, MachineEntry

AS_IT_IS = "as it counts now"


async def visit(app: App[int], studio: Studio, id: str, notice: Notice) -> None:
    """Have somebody choose where a job goes on, and take it there; or end a way under way.

    Raises:
        StudioError: it runs on where it was; the message says why.
    """
    job = await studio.job(id)
    entry = job.entry
    way = entry.moved[-1] if entry.moved else None
    if way is not None and not way.over:
        body = f"{way.by or 'somebody'} is taking {entry.name} to {way.target}; it would stay here."
        if await app.push_screen_wait(Confirm("leave it?", body, "leave it", "let it go")):
            await job.stay()
        return
    machine = await app.push_screen_wait(_where(entry, await studio.machines()))
    if machine is None:
        return
    choices = [("", AS_IT_IS), *((precision, precision) for precision in PRECISIONS)]
    hint = "enter: go on with it   esc: stay"
    precision = await app.push_screen_wait(Pick(f"on {machine} it counts", choices, hint))
    if precision is None:
        return
    with_it = f" with {precision}" if precision else ""
    body = (
        f"{entry.name} is held at a checkpoint after its next step, carried to {machine} with the "
        f"studio's files, and goes on there{with_it}: one job, one log, one curve. Until then it "
        f"trains on {entry.machine}, and so it does when anything fails."
    )
    question = Confirm(f"move {entry.name}?", body, "move it", "stay", danger=False)
    if await app.push_screen_wait(question):
        notice.news(f"{entry.name} is on its way to {machine} ...")
        went = await job.move(machine, precision=precision)
        step = f" from step {went.step}" if went.step is not None else ""
        notice.news(f"{entry.name} goes on on {went.target}{step}")


def _where(entry: JobEntry, machines: list[MachineEntry]) -> Pick:
    others = [machine for machine in machines if machine.id not in entry.machine.split(",")]
    if not others:
        raise StudioError(
            f"{entry.name} runs on the only machine that there is",
            "add one: studio-tui machine add NAME --host HOST",
        )
    choices = [(m.id, f"{m.id}  {words.hardware(m) or m.kind}") for m in others]
    return Pick(f"move {entry.name} to", choices, "enter: look at it   esc: stay")
