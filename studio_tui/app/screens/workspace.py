"""The one screen of an attached studio: five places, the lines around them, and what keys do."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from studio_tui.app import open_files
from studio_tui.app.absence import Absence
from studio_tui.app.commands import COMMANDS, Command, bindings
from studio_tui.app.invitation import Invitation
from studio_tui.app.keyboard import ROLE_HINT
from studio_tui.app.layout import Layout
from studio_tui.app.open_files import OpenFile
from studio_tui.app.panes.files_pane import FilesPane
from studio_tui.app.panes.log_pane import LogPane
from studio_tui.app.panes.side_pane import SidePane
from studio_tui.app.panes.work_pane import WorkPane
from studio_tui.app.pointing import Pointer
from studio_tui.app.problems import Problem, told
from studio_tui.app.screens.modal import Modal
from studio_tui.app.screens.places import PLACES
from studio_tui.app.screens.terminals import TerminalsScreen
from studio_tui.app.widgets.follow_bar import FollowBar
from studio_tui.app.widgets.job_list import JobList
from studio_tui.app.widgets.key_hints import KeyHints, key_label
from studio_tui.app.widgets.lesson_bar import LessonBar
from studio_tui.app.widgets.notice import Notice
from studio_tui.app.widgets.pipeline_strip import PipelineStrip
from studio_tui.app.widgets.place_strip import PlaceStrip
from studio_tui.app.widgets.terminal_view import TerminalView
from studio_tui.app.widgets.top_line import MachineButton, TopLine
from studio_tui.app.words import sleep
from studio_tui.client.attachment import Topic
from studio_tui.client.studio import Studio
from studio_tui.errors import Refused

if TYPE_CHECKING:
    from studio_tui.app.job_form import RunRequest
    from studio_tui.document.entries import QuestionEntry, SleepEntry


WRITING = ("run", "terminal", "data")
"""Actions, and the commands of these names, that a viewer may not do."""
SETTLE_SECONDS = 1.0
"""How long leaving waits for edits that are on their way, before it asks."""
KEEP_SECONDS = 15.0
"""Between two looks where this person is in the open files: a window may be closed by force."""


class Workspace(TerminalsScreen):
    """Everything about one studio on one screen.

    Args:
        studio: the studio; it may be joined later.
        layout: how this person likes the screen.
        leader: the key that a focused terminal does not get, by Textual's name.
        clock: Unix time in seconds.
    """

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("ctrl+right_square_bracket")]

    def __init__(
        self,
        studio: Studio,
        layout: Layout | None = None,
        leader: str = "ctrl+right_square_bracket",
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(studio, layout, leader)
        self._clock = clock
        self._files_kept: list[OpenFile] = []
        self._told = ""  # what keeps edits from the relay, as last shown
        self._last_run: dict[str, RunRequest] = {}
        self._asked: set[str] = set()
        self._sleeps: dict[str, tuple[SleepEntry | None, str]] = {}  # as last shown
        self._dialogs: dict[str, Modal[Any]] = {}

    def compose(self) -> ComposeResult:
        """Top line, places, hints."""
        yield TopLine(self.studio, self.people)
        yield FollowBar()
        yield LessonBar()
        yield PlaceStrip(PLACES)
        with Horizontal(id="body"):
            yield FilesPane(self.studio, self.people)
            yield WorkPane(self.studio, self.people, self.leader, self.arrangement)
            yield SidePane(self.studio, self._clock)
        yield PipelineStrip()
        yield LogPane(self.studio, self.people)
        yield KeyHints()
        yield Static("", id="too-small", markup=False)

    # -- the places ---------------------------------------------------------------------------

    @property
    def files_pane(self) -> FilesPane:
        """The files."""
        return self.query_one(FilesPane)

    @property
    def side_pane(self) -> SidePane:
        """Machine, jobs, curves."""
        return self.query_one(SidePane)

    @cached_property
    def pointer(self) -> Pointer:
        """Where somebody points."""
        return Pointer(self.studio.document, self.work_pane.notice)

    @cached_property
    def absence(self) -> Absence:
        """What is said of a host that is away."""
        return Absence(self.studio, self.work_pane)

    @cached_property
    def invitation(self) -> Invitation:
        """The lesson that somebody begins."""
        return Invitation(self.studio.document, self.work_pane.notice)

    @property
    def log_pane(self) -> LogPane:
        """The log."""
        return self.query_one(LogPane)

    def on_mount(self) -> None:
        """Lay the places out, the files first in line for keys."""
        self.lay_out()
        self.ready.set()
        self.show({"link", "people", "document", "meters", "saved"})
        left = open_files.load(self.studio.id)
        self._files_kept = left
        self.work_pane.reserve(left)
        (self.work_pane if self.narrow or left else self.files_pane).enter()
        self.set_interval(KEEP_SECONDS, self.remember_files)

    def lay_out(self) -> None:
        """Show and size the places; the frame around the tabs goes on a narrow screen."""
        super().lay_out()
        self.work_pane.frame(not self.narrow)
        self.side_pane.frame(not self.narrow)

    # -- what the studio tells ----------------------------------------------------------------

    def show(self, topics: set[Topic]) -> None:
        """Bring on the screen what has changed."""
        if not self.ready.is_set():
            return
        self.query_one(TopLine).show()
        if topics & {"document", "people", "saved", "link", "switch"}:
            self.work_pane.show()
            self.files_pane.annotate()
            self.show_following()
            self.show_keyboard()
            self._show_problem()
        if topics & {"document", "link"}:
            self.side_pane.show_jobs()
            self.log_pane.look_for_jobs()
            self.refresh_bindings()
            self.look_for_questions()
        if topics & {"document", "meters"}:
            self.side_pane.show_meters()
            self._show_sleep()
            self.pointer.show(self._clock(), key_label(self._key("point")))
            taken = self.query_one(LessonBar).taken
            self.invitation.show(self._clock(), key_label(self._key("learn")), taken)
            runs = self.studio.document.pipelines.values()
            self.query_one(PipelineStrip).show(runs, self._clock())
        if self.absence.show(self.query(Notice)):
            self.files_pane.reload()

    def _show_problem(self) -> None:
        """Say once what keeps edits from the relay, and take it away when nothing does."""
        problem = self.studio.problem
        told, self._told = self._told, problem.message if problem else ""
        if problem is not None and told != self._told:
            self.work_pane.notice.problem(problem)
        elif told and problem is None:
            self.work_pane.notice.clear()

    def _show_sleep(self) -> None:
        """Say how a machine goes to sleep, once a step; while a countdown stands, it counts."""
        notice = self.work_pane.notice
        key = self._key("machine")
        for entry in self.studio.document.sleeps.values():
            before, said = self._sleeps.get(entry.id, (None, ""))
            if entry == before and (not said or notice.words != said):
                continue  # it was told, and taken away or talked over
            past = before is None and entry.phase != "warning"
            words = "" if past else sleep(entry, self._clock(), key)
            self._sleeps[entry.id] = (entry, words)
            if words and words != notice.words:
                notice.news(words)

    def joined(self) -> None:
        """The studio can be asked now: read the files, open what was open."""
        self.work_pane.reopen()
        self.show({"link", "people", "document", "meters", "saved"})

    def on_problem(self, event: Problem) -> None:
        """A problem that belongs to no place stands in the middle."""
        event.stop()
        self.work_pane.notice.problem(event.error)

    # -- commands -----------------------------------------------------------------------------

    @property
    def possible(self) -> list[Command]:
        """What can be done now."""
        return [c for c in COMMANDS if self.check_action(*_parsed(c.action)) is True]

    def key_of(self, command: Command) -> str:
        """The key of a command, as it is in force."""
        return self.app._keymap.get(command.id, command.key)

    def _key(self, id: str) -> str:
        return next(self.key_of(command) for command in COMMANDS if command.id == id)

    async def do(self, command: Command) -> None:
        """Do what a command says."""
        await self.run_action(command.action)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether something can be done now."""
        match action:
            case _ if not self.ready.is_set():
                return True
            case "follow":
                return bool(self.people.others)
            case "save" | "in_file":
                return self.work_pane.editor is not None
            case "point":
                return self.pointer.place is not None
            case "tab":
                return len(self.work_pane.keys) > 1
            case "close_tab":
                return bool(self.work_pane.active)
            case _ if action in WRITING:
                return self.studio.writable
            case "fold" | "size":
                return not self.narrow
            case _:
                return super().check_action(action, parameters)

    def action_commands(self) -> None:
        """Search everything."""
        from studio_tui.app import palette

        words = "a command, file, terminal or person"
        self.app.push_screen(palette.Palette([palette.Everything], placeholder=words))

    def action_find(self) -> None:
        """Open a file by part of its name."""
        from studio_tui.app import palette

        self.app.push_screen(
            palette.Palette([palette.AllFiles], placeholder="part of a file's name")
        )

    @work(exclusive=True, group="learn")
    async def action_learn(self) -> None:
        """Choose a lesson, and show it over the places."""
        from studio_tui.app.screens import lessons

        await lessons.visit(self)

    def action_theme(self) -> None:
        """Choose the colours."""
        from studio_tui.app import palette

        self.app.push_screen(palette.Palette([palette.Themes], placeholder="a theme"))

    def action_leader(self) -> None:
        """Show what is possible, one letter each."""
        from studio_tui.app.screens.leader import SEND, LeaderStrip

        terminal = self.terminal
        focused = isinstance(self.focused, TerminalView)

        async def chosen(result: str | None) -> None:
            if result == SEND and terminal is not None:
                terminal.send_leader()
            for command in self.possible:
                if command.id == result:
                    await self.do(command)

        self.app.push_screen(LeaderStrip(self.possible, self.leader, focused), chosen)

    def action_help(self) -> None:
        """Explain the place that has the focus."""
        from studio_tui.app.bound import rebound
        from studio_tui.app.screens.help import Help, keys_of

        text = ""
        for node in self.focused.ancestors_with_self if self.focused else ():
            text = text or getattr(node, "HELP", None) or ""
        self.app.push_screen(Help(rebound(self.app, text or WorkPane.HELP), keys_of(self)))

    def choose_theme(self, name: str) -> None:
        """Change the colours, and remember that."""
        from dataclasses import replace

        self.app.theme = name
        self.keep(replace(self.arrangement, theme=name))

    # -- files and terminals ------------------------------------------------------------------

    def action_point(self) -> None:
        """Go where somebody points."""
        if (place := self.pointer.place) is not None:
            self.open_file(place.path, line=place.line)

    @work(exclusive=True, group="project")
    async def action_search(self) -> None:
        """Look for something in all files."""
        from studio_tui.app.screens import search

        await search.visit(self)

    def action_tab(self, by: int) -> None:
        """Go to another tab."""
        self.action_go("work")
        self.work_pane.step(by)

    def action_save(self) -> None:
        """Write the file that is seen."""
        if self.work_pane.editor is not None:
            self.work_pane.editor.save()

    async def action_in_file(self, action: str) -> None:
        """Do something in the file that is seen."""
        if self.work_pane.editor is not None:
            await self.work_pane.editor.run_action(action)

    def action_close_tab(self) -> None:
        """Close the file that is seen, or end the terminal."""
        self.work_pane.close()

    # -- jobs ---------------------------------------------------------------------------------

    @work(exclusive=True, group="run")
    async def action_run(self) -> None:
        """Ask what to run, and run it."""
        from functools import partial

        from studio_tui.app.job_form import proposed
        from studio_tui.app.screens.precision import PrecisionAdvice
        from studio_tui.app.screens.run_dialog import RunDialog

        jobs, files = self.studio.document.jobs.values(), self.files_pane.file_tree.top
        script = proposed(self.work_pane.path, list(self._last_run), jobs, files)
        here, last = self.studio.document.info.machine, self._last_run.get(script)
        advise = partial(PrecisionAdvice, self.studio)
        await self.app.push_screen_wait(RunDialog(script, here, self.start_job, last, advise))

    async def start_job(self, request: RunRequest) -> None:
        """Run a script; what was typed into it is written to the disk first.

        Raises:
            StudioError: it was not started.
        """
        editor = self.work_pane.editor
        if editor is not None and editor.file.mark != "✓" and self.studio.state == "live":
            await editor.file.flush()
        self._last_run.pop(request.script, None)
        self._last_run[request.script] = request
        job = await self.studio.run(request.script, request.args, **request.options)
        self.log_pane.follow(job.id)
        if self.narrow:
            self.action_go("log")

    @on(JobList.RunRequested)
    def _run_requested(self) -> None:
        if self.studio.writable:
            self.action_run()
        else:
            self._tell_to_look()

    @on(JobList.Selected)
    @on(PipelineStrip.Pressed)
    def _job_selected(self, event: JobList.Selected | PipelineStrip.Pressed) -> None:
        if not isinstance(event, JobList.Highlighted):
            self.log_pane.follow(event.job)
            if self.narrow:
                self.action_go("log")

    @on(LogPane.Followed)
    def _job_followed(self, event: LogPane.Followed) -> None:
        self.side_pane.follow(event.job)

    @on(LogPane.CurvesLoaded)
    def _curves_loaded(self, event: LogPane.CurvesLoaded) -> None:
        self.side_pane.show_curves(event.job, event.name, event.curves, event.marks)

    # -- machines -----------------------------------------------------------------------------

    @on(MachineButton.Pressed)
    @work(exclusive=True, group="machine")
    async def action_machine(self) -> None:
        """Choose the machine to work on, look at what that would do, and go there."""
        from studio_tui.app.screens import machines

        with told(self.work_pane):
            await machines.visit(self)

    def action_data(self) -> None:
        """Look at buckets and warehouses."""
        from studio_tui.app.screens.data import DataScreen

        self.app.push_screen(DataScreen(self))

    def look_for_questions(self) -> None:
        """Put each question of a machine once, and take back what somebody else has answered."""
        open_now = self.studio.document.questions
        for id in set(open_now) - self._asked:
            self._answer(open_now[id])
        for id in self._asked - set(open_now):
            if (dialog := self._dialogs.pop(id, None)) is not None and dialog.is_current:
                dialog.dismiss(None)
        self._asked = set(open_now)

    async def put(self, question: str, dialog: Modal[Any]) -> Any:
        """What `dialog` closes with; None when its question is answered elsewhere."""
        self._dialogs[question] = dialog
        answer = await self.app.push_screen_wait(dialog)
        self._dialogs.pop(question, None)
        return answer

    @work(group="questions")
    async def _answer(self, question: QuestionEntry) -> None:
        from studio_tui.app.screens import machines

        with told(self.work_pane):
            await machines.answer(self, question)

    # -- leaving ------------------------------------------------------------------------------

    @work(exclusive=True, group="leave")
    async def action_leave(self) -> None:
        """Leave the app; ask first when edits made here are not yet safe."""
        from studio_tui.app.screens.dialogs import Confirm
        from studio_tui.app.words import plural

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS if self.studio.state == "live" else 0):
                await self.studio.until(lambda: not self.studio.unsaved)
        waiting = self.studio.unsaved
        if waiting:
            are = "is" if waiting == 1 else "are"
            body = (
                f"{plural(waiting, 'edit')} of yours {are} not yet at the relay, and would be lost."
            )
            if not await self.app.push_screen_wait(Confirm("leave?", body, "leave", "stay")):
                return
        self.remember_files()
        self.app.exit(0)

    def remember_files(self) -> None:
        """Keep which files are open, and where in them one is, for the next time."""
        files = self.work_pane.open_files
        if files != self._files_kept:
            self._files_kept = files
            with told(self.work_pane):
                open_files.save(self.studio.id, files)

    # -- messages and the mouse ---------------------------------------------------------------

    @on(FilesPane.FileChosen)
    def _file_chosen(self, event: FilesPane.FileChosen) -> None:
        self.open_file(event.path)

    @on(KeyHints.Pressed)
    async def _hint_pressed(self, event: KeyHints.Pressed) -> None:
        await self.app.run_action(event.action, event.node)

    @on(TerminalView.LeaderPressed)
    def _leader_pressed(self, event: TerminalView.LeaderPressed) -> None:
        # The strip takes the next key; the terminal takes those after it.
        event.view.leading = False
        self.action_leader()

    @on(TerminalView.Led)
    def _led(self, event: TerminalView.Led) -> None:
        """It was faster than the strip, which is there by now."""
        self.app.post_message(events.Key(event.key, event.character))

    @on(WorkPane.TabsChanged)
    def _tabs_changed(self) -> None:
        self.remember_files()
        self.refresh_bindings()
        self.call_after_refresh(self.show_following)

    def on_key(self, event: events.Key) -> None:
        """Tell whoever may only look, and types or wants to run something, why nothing happens."""
        if self.studio.me is None or self.studio.writable:
            return
        writing = [self.key_of(command) for command in COMMANDS if command.id in WRITING]
        work = self.work_pane
        typed = event.is_printable and work.editor is not None and work.has_focus_within
        if typed or event.key in ",".join(writing).split(","):
            self._tell_to_look()

    def _tell_to_look(self) -> None:
        refusal = Refused("you look on: a viewer may change nothing", ROLE_HINT)
        place = self.focused_place or self.work_pane
        place.post_message(Problem(refusal, brief=True))


def _parsed(action: str) -> tuple[str, tuple[Any, ...]]:
    name, _, _ = action.partition("(")
    return name, ()
