"""The driver of an app that a browser shows: Textual's, and it ends with its server."""

from __future__ import annotations

import asyncio

from textual import messages
from textual.drivers.web_driver import WebDriver


class BrowserDriver(WebDriver):
    """Talks to a page through the server that started the app.

    When that server is gone, nobody can see the app any more, so it leaves the studio.
    """

    def start_application_mode(self) -> None:
        """As Textual does."""
        self._loop = asyncio.get_running_loop()
        super().start_application_mode()

    def run_input_thread(self) -> None:
        """Pass on what comes from the page, until no more can come."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            leave = self._app._post_message(messages.ExitApp())
            asyncio.run_coroutine_threadsafe(leave, self._loop)
