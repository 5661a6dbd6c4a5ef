"""What the palette can find: commands, files, terminals, people, themes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.command import CommandInput, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.markup import escape
from textual.widgets import Input
from textual.worker import Worker

from studio_tui.app.bound import bound
from studio_tui.app.screens.people_list import whereabouts
from studio_tui.app.truncate import scrub
from studio_tui.app.widgets.job_list import JobList
from studio_tui.app.widgets.job_rows import newest_first
from studio_tui.app.widgets.key_hints import key_label
from studio_tui.app.widgets.text_field import InOrder
from studio_tui.errors import StudioError

if TYPE_CHECKING:
    from studio_tui.app.screens.workspace import Workspace

FOUND = 50
_OF_JOBS = (
    ("job: move", "To another machine, while it trains", "move", "m"),
    (
        "job: compare curves",
        "Lay them over those that are shown, or take them away",
        "compare",
        "c",
    ),
    ("job: compare figures", "Set it beside the one that is shown", "figures", "C"),
)
"""Title, help, the list's action, its usual key."""
Found = tuple[str, str, Callable[[], Any]]
"""Title, help, what it does."""


class PaletteField(CommandInput, InOrder):
    """What is looked for."""


class Palette(CommandPalette):
    """Textual's palette; Enter waits for what was typed to be looked for, then takes the first."""

    _entered = False

    def compose(self) -> ComposeResult:
        """Textual's, with a field that takes keys in their order."""
        for widget in super().compose():
            if isinstance(widget, CommandInput):
                widget = PaletteField(placeholder=widget.placeholder, select_on_focus=False)
            yield widget

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if self._searching:
            # Textual would take what was found for an earlier word, or do nothing.
            event.prevent_default()
            event.stop()
            self._entered = True

    @on(Input.Changed)
    def _changed(self) -> None:
        self._entered = False

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """What was looked for is found."""
        if self._entered and not self._searching:
            self._entered = False
            self._select_or_command()

    @property
    def _searching(self) -> bool:
        """Whether what stands in the field is still looked for."""
        group = self._GATHER_COMMANDS_GROUP
        return any(w.node is self and w.group == group and not w.is_finished for w in self.workers)


class Choices(Provider):
    """A list of things to choose from, matched by their titles. Foreign titles are never markup."""

    @property
    def workspace(self) -> Workspace:
        """The screen that the palette was opened over."""
        from studio_tui.app.screens.workspace import Workspace

        assert isinstance(self.screen, Workspace)
        return self.screen

    def choices(self) -> Iterator[Found]:
        """Everything there is."""
        yield from ()

    async def discover(self) -> Hits:
        """All of it, before anything is typed."""
        for title, about, act in self.choices():
            yield DiscoveryHit(Content(title), act, text=title, help=escape(about))

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for title, about, act in self.choices():
            if (score := matcher.match(title)) > 0:
                shown = matcher.highlight(title)
                yield Hit(score, shown, act, text=title, help=escape(about))


class Actions(Choices):
    """What can be done now."""

    def choices(self) -> Iterator[Found]:
        """Every command that is possible, with its key."""
        workspace = self.workspace
        for command in (c for c in workspace.possible if c.id != "commands"):
            keys = f"{command.help} · {key_label(workspace.key_of(command))}"
            yield command.label, keys, partial(workspace.do, command)


class OfJobs(Choices):
    """What can be done with jobs, wherever the focus is."""

    def choices(self) -> Iterator[Found]:
        """Stopping each that is not over, and what is possible with the one under the cursor."""
        workspace = self.workspace
        if workspace.studio.writable:
            for job in newest_first(list(workspace.studio.document.jobs.values())):
                if not job.over:
                    stop = partial(self._do, "stop", job.id)
                    yield f"job: stop {scrub(job.name)}", "Ask, and end it for everybody", stop
        jobs = workspace.side_pane.query_one(JobList)
        for title, about, action, usual in _OF_JOBS:
            if jobs.chosen is not None and jobs.check_action(action, ()):
                about = f"{about}: {scrub(jobs.chosen.name)}"
                key = bound(self.app, f"jobs.{action}", usual)
                do = partial(self._do, action, jobs.chosen.id)
                yield title, f"{about} · {key} in the jobs", do

    async def _do(self, action: str, job: str) -> None:
        self.workspace.action_go("side")
        jobs = self.workspace.side_pane.query_one(JobList)
        jobs.choose(job)
        await jobs.run_action(action)


class Terminals(Choices):
    """The studio's terminals."""

    def choices(self) -> Iterator[Found]:
        """Every terminal, running or ended."""
        workspace = self.workspace
        for entry in workspace.studio.document.terminals.values():
            title = f"terminal {scrub(entry.title or entry.id)}"
            who = f"{scrub(entry.driver)} types" if entry.driver else "nobody types"
            yield title, who, partial(workspace.show_terminal, entry.id)


class PeopleHere(Choices):
    """Everybody else: going where they look, and following them."""

    def choices(self) -> Iterator[Found]:
        """Everybody else who is here."""
        workspace = self.workspace
        for person in workspace.people.others:
            where = whereabouts(person, workspace.terminal_titles)
            name = scrub(person.name)
            go, follow = workspace.join_gaze, workspace.start_following
            about = f"Go to what they look at: {where}"
            yield f"{name} ({scrub(person.role)})", about, partial(go, person.gaze)
            yield f"follow {name}", f"Until your next key: {where}", partial(follow, person)


class Themes(Choices):
    """Colours of the app."""

    def choices(self) -> Iterator[Found]:
        """Every theme."""
        workspace = self.workspace
        for name in sorted(self.app.available_themes):
            yield f"theme {name}", "Change the colours", partial(workspace.choose_theme, name)


class Files(Choices):
    """Files of the studio, found by the host by part of their names."""

    def choices(self) -> Iterator[Found]:
        """The files that are open here."""
        for file in self.workspace.work_pane.open_files:
            yield scrub(file.path), "open here", partial(self.workspace.open_file, file.path)

    async def search(self, query: str) -> Hits:
        """What the host finds, best first."""
        studio = self.workspace.studio
        try:
            paths = await studio.project.find(query, FOUND)
        except StudioError as error:
            # Offline there is nothing to choose; the reason stands where the files would.
            yield Hit(1.0, Content(f"! {error.message}"), lambda: None, help=escape(error.hint))
            return
        matcher = self.matcher(query)
        for number, path in enumerate(paths):
            shown = scrub(path)
            score = 1.0 - number / (2 * FOUND)
            yield Hit(
                score, matcher.highlight(shown), partial(self.workspace.open_file, path), shown
            )


class AllFiles(Files):
    """The same; before anything is typed, below those that are open, the others as well."""

    async def discover(self) -> Hits:
        """What is open here, then what the host has."""
        async for hit in super().discover():
            yield hit
        workspace = self.workspace
        here = {file.path for file in workspace.work_pane.open_files}
        try:
            paths = await workspace.studio.project.find(limit=FOUND)
        except StudioError as error:
            words = scrub(f"! {error.message}")
            yield DiscoveryHit(Content(words), lambda: None, text=words, help=escape(error.hint))
            return
        for path in paths:
            if path not in here:
                shown = scrub(path)
                yield DiscoveryHit(Content(shown), partial(workspace.open_file, path), text=shown)


class Everything(Provider):
    """All of these, always in this order: the palette itself asks its providers in none."""

    KINDS = (Actions, OfJobs, Files, Terminals, PeopleHere)

    async def discover(self) -> Hits:
        """What each of them shows before anything is typed."""
        for kind in self.KINDS:
            async for hit in kind(self.screen).discover():
                yield hit

    async def search(self, query: str) -> Hits:
        """What each of them finds."""
        for kind in self.KINDS:
            async for hit in kind(self.screen).search(query):
                yield hit
