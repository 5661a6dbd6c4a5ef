"""The driver of an app in a browser: keys are exact, and the app ends with its server."""

from __future__ import annotations

import os
import subprocess
import sys

from textual.drivers import web_driver

from studio_tui.app import exact_keys
from studio_tui.app.browser import BrowserDriver

APP = """
from studio_tui.app.safe_app import SafeApp
raise SystemExit(SafeApp().run() or 0)
"""


def test_the_app_ends_with_its_server() -> None:
    env = {**os.environ, "TEXTUAL_DRIVER": "studio_tui.app.browser:BrowserDriver"}
    with subprocess.Popen(
        [sys.executable, "-c", APP], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as app:
        assert app.stdout is not None
        assert app.stdin is not None
        assert app.stdout.readline() == b"__GANGLION__\n"
        app.stdin.close()
        app.stdout.read()
        assert app.wait() == 0


def test_keys_are_read_exactly_in_a_browser_too() -> None:
    before = web_driver.XTermParser
    try:
        exact_keys.teach(BrowserDriver)
        assert web_driver.XTermParser is exact_keys.ExactParser  # type: ignore[comparison-overlap]
    finally:
        web_driver.XTermParser = before  # type: ignore[misc]
