"""Codes and caps that both ends go by."""

from __future__ import annotations

import json

from relay_server.wire import CAPS, Close


def test_a_code_says_whether_to_come_back() -> None:
    again = {code.name for code in Close if not 4400 <= code < 4500}
    assert again == {"RESTART", "INTERNAL", "ROLE_CHANGED", "HISTORY", "SLOW_READER"}


def test_presence_that_may_be_sent_may_be_passed_on() -> None:
    stamp = {"name": "\U0001f9d1" * CAPS.name, "role": "editor", "connection": CAPS.integer}
    stamped = json.dumps({"user": stamp, "person": stamp})
    # The relay escapes what is not ASCII: a letter of two bytes becomes six.
    assert 3 * CAPS.awareness_state + len(stamped) < CAPS.awareness_stamped
