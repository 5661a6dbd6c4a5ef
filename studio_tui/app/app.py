"""The app of one studio: joins it, follows it, and ends without hurting it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.screen import Screen

from studio_tui.app import layout as layouts
from studio_tui.app.keys import key_name
from studio_tui.app.problems import told
from studio_tui.app.safe_app import SafeApp
from studio_tui.app.screens.workspace import Workspace
from studio_tui.client.attachment import Topic
from studio_tui.client.studio import Studio
from studio_tui.errors import StudioError

PAINT_SECONDS = 0.04
"""How long changes are gathered before they are shown together."""


class StudioApp(SafeApp[int]):
    """One person's window into a studio.

    Args:
        studio: the studio, or what makes one; with the latter a failed start can be tried again.
        leader: the one key that a focused terminal does not get.
        theme: name of a theme, None for the one this person chose last.
        keys: keys by binding id.
        offer: a script to offer to run, once, after joining.
        open_file: a file to open after joining.
        clock: Unix time in seconds.
    """

    TITLE = "studio-tui"
    CSS_PATH = "screens/workspace.tcss"
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        studio: Studio | Callable[[], Studio],
        *,
        leader: str = "ctrl+]",
        theme: str | None = None,
        keys: Mapping[str, str] | None = None,
        offer: str | None = None,
        open_file: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.kept = layouts.load()
        self._leader = key_name(leader)
        super().__init__(theme or self.kept.theme, {"leader": self._leader, **(keys or {})})
        self._again = None if isinstance(studio, Studio) else studio
        self.studio = studio if isinstance(studio, Studio) else studio()
        self._offer = offer
        self._open_file = open_file
        self._clock = clock
        self._topics: set[Topic] = set()
        self._stop_observing: Callable[[], None] = lambda: None
        self.joined = asyncio.Event()
        self.decided = asyncio.Event()
        """Set once it is known whether the studio can be joined."""

    def get_default_screen(self) -> Screen[None]:
        """The workspace: painted before the studio is joined."""
        return Workspace(self.studio, self.kept, self._leader, self._clock)

    @property
    def workspace(self) -> Workspace:
        """The workspace, whatever lies over it."""
        return next(s for s in reversed(self.screen_stack) if isinstance(s, Workspace))

    def on_mount(self) -> None:
        """Join the studio."""
        self.follow()
        self.attend()

    def follow(self) -> None:
        """Show what changes in the studio."""
        self._stop_observing()
        self._stop_observing = self.studio.observe(self._heard)

    def _heard(self, topic: Topic) -> None:
        if not self._topics:
            self.set_timer(PAINT_SECONDS, self._show)
        self._topics.add(topic)

    def _show(self) -> None:
        topics, self._topics = self._topics, set()
        if self.is_running and self.screen_stack:
            self.workspace.show(topics)

    @work(group="studio", exclusive=True)
    async def attend(self) -> None:
        """Stay in the studio until the app ends; links that break come back by themselves."""
        try:
            async with self.studio:
                await self.workspace.ready.wait()
                self.welcome()
                await self.studio.until(lambda: False)
        except StudioError as error:
            self.excluded(error)

    def welcome(self) -> None:
        """The studio is joined: show it, and what was asked for at the start."""
        self.joined.set()
        self.decided.set()
        self.workspace.joined()
        if self.unknown_theme:
            self.workspace.work_pane.notice.news(self.unknown_theme)
        if self._open_file:
            self.workspace.open_file(self._open_file)
        if self._offer and self.studio.writable and not self.studio.document.jobs:
            self.offer(self._offer)

    @work(group="offer")
    async def offer(self, script: str) -> None:
        """Ask once whether to run the script that this studio is about."""
        from studio_tui.app.job_form import RunRequest
        from studio_tui.app.screens.dialogs import Confirm

        machine = self.studio.document.info.machine
        body = (
            f"{script} runs as a job on {machine}. {self._where_it_shows()}; everybody who "
            "attaches sees both. You can stop it at any time."
        )
        question = Confirm("start the training?", body, "start it", "not now", danger=False)
        if await self.push_screen_wait(question):
            with told(self.workspace.work_pane):
                await self.workspace.start_job(RunRequest(script))

    def _where_it_shows(self) -> str:
        from studio_tui.app.bound import bound

        if not self.workspace.narrow:
            return "Its log is at the bottom, its curve on the right"
        log, jobs = (bound(self.workspace.app, place) for place in ("log", "jobs"))
        return f"{log} shows its log, {jobs} its curve, from its first steps on"

    @work(group="excluded")
    async def excluded(self, error: StudioError) -> None:
        """The studio cannot be joined, or the relay has closed it to us for good."""
        await self.workspace.ready.wait()
        if self.joined.is_set():
            # What was received can still be read and copied.
            self.workspace.work_pane.notice.problem(error)
        elif self._again is not None and await self._wants_to_try_again(error):
            self.studio = self._again()
            self.follow()
            # The first screen of all cannot be replaced; it lies under the new one.
            await self.push_screen(self.get_default_screen())
            self.attend()
        else:
            self.refusal = error
            self.decided.set()
            self.exit(error.exit_code)

    async def _wants_to_try_again(self, error: StudioError) -> bool:
        from studio_tui.app.screens.dialogs import Confirm

        title = f"could not join {self.studio.id}"
        body = f"{error.message}\n{error.hint}".rstrip()
        return await self.push_screen_wait(Confirm(title, body, "try again", "leave", danger=False))
