"""Going to another machine: which one, what that would do, what it asks, and the way there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_tui.app import words
from studio_tui.app.screens.dialogs import Ask, Confirm, Pick
from studio_tui.client import questions
from studio_tui.document.entries import YES

if TYPE_CHECKING:
    from studio_tui.app.screens.workspace import Workspace
    from studio_tui.document.entries import MachineEntry, QuestionEntry, SleepEntry


async def visit(workspace: Workspace) -> None:
    """Have somebody choose a machine, and take the studio there; or end a way that is under way.

    Raises:
        StudioError: the host is away, there is no such machine, or the studio stays where it is.
    """
    studio = workspace.studio
    switch = studio.document.switch
    if switch is not None and not switch.over:
        body = f"{switch.by} is taking the studio to {switch.target}; it would stay where it is."
        if await workspace.app.push_screen_wait(Confirm("cancel?", body, "cancel it", "let it go")):
            await studio.cancel_switch()
        return
    for entry in studio.document.sleeps.values():
        if entry.phase == "warning" and await _keep_up(workspace, entry):
            return
    here = studio.document.info.machine
    chosen = await workspace.app.push_screen_wait(_choice(await studio.machines(), here))
    if chosen is None or chosen == here:
        return
    notice = workspace.work_pane.notice
    notice.news(f"looking at {chosen} ...")
    planned = await studio.plan_switch(chosen)
    notice.clear()
    others = sorted({person.name for person in workspace.people.others})
    question = Confirm(f"go to {chosen}?", words.plan(planned, others), "go", "stay", danger=False)
    if await workspace.app.push_screen_wait(question):
        ended = await studio.switch(chosen)
        notice.news(f"on {chosen} now" + (f"; look at: {ended.note}" if ended.note else ""))


async def _keep_up(workspace: Workspace, entry: SleepEntry) -> bool:
    """Ask whether a machine that is about to sleep is to stay; returns whether it is."""
    body = f"{entry.id} is about to sleep: {entry.note}."
    question = Confirm(f"keep {entry.id} up?", body, "keep it up", "let it sleep", danger=False)
    keep: bool = await workspace.app.push_screen_wait(question)
    if keep:
        await workspace.studio.stay(entry.id)
    return keep


async def answer(workspace: Workspace, question: QuestionEntry) -> None:
    """Put a machine's question to whoever sits at the host's computer; others see that it waits.

    Raises:
        StudioError: the answer was too late.
    """
    studio, machine = workspace.studio, question.machine
    if not questions.here(studio.id):
        workspace.work_pane.notice.news(f"{machine} waits for an answer where the host runs")
        return
    if question.kind == "secret":
        hint = "it goes to the studio's host on this computer, and is not kept   esc: decline"
        ask = Ask(f"{machine} asks", body=question.text, hint=hint, secret=True)
        value = await workspace.put(question.id, ask)
    else:
        trust = Confirm(f"trust {machine}?", question.text, "trust it from now on", "no")
        value = YES if await workspace.put(question.id, trust) else None
    if question.id in studio.document.questions:
        await questions.answer(studio.id, question.id, value)


def _choice(machines: list[MachineEntry], here: str) -> Pick:
    choices = [(machine.id, _row(machine, here)) for machine in machines]
    if len(machines) == 1:
        hint = "a host of ~/.ssh/config is a machine; others: studio-tui machine add NAME"
    else:
        hint = "enter: look at it   esc: stay here"
    return Pick("machines", choices, hint, here)


def _row(machine: MachineEntry, here: str) -> str:
    mark = "●" if machine.id == here else " "
    about = words.hardware(machine) or machine.kind
    return f"{mark} {machine.id}  {machine.state if machine.state != 'unknown' else ''}  {about}"
