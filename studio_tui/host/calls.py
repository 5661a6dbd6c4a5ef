"""The calls that a host answers: a table of methods, checked parameters, errors as replies."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from relay_server.wire import Call, Sender
from studio_tui.errors import Refused, StudioError, UsageFault

log = logging.getLogger(__name__)

Result = dict[str, Any]
MAY_CHANGE = frozenset({"owner", "editor", "host"})


@dataclass(frozen=True)
class Params:
    """A call's parameters: JSON from anybody, so every value is looked at before it is used."""

    values: Mapping[str, Any]
    sender: Sender

    def text(self, key: str, default: str | None = None, cap: int = 4096) -> str:
        """The string under `key`."""
        value = self.values.get(key, default)
        if not isinstance(value, str) or len(value) > cap:
            raise UsageFault(f"{key} must be a text of at most {cap} characters")
        return value

    def number(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """The whole number under `key`, from `low` to `high`."""
        value = self.values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise UsageFault(f"{key} must be a whole number from {low} to {high}")
        return value

    def texts(self, key: str, cap: int = 1000) -> list[str]:
        """The list of strings under `key`; an absent one is empty."""
        value = self.values.get(key) or []
        if (
            not isinstance(value, list)
            or len(value) > cap
            or not all(isinstance(item, str) for item in value)
        ):
            raise UsageFault(f"{key} must be a list of texts")
        return value

    def mapping(self, key: str) -> dict[str, str]:
        """The object of strings under `key`; an absent one is empty."""
        value = self.values.get(key) or {}
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise UsageFault(f"{key} must map names to texts")
        return value


@dataclass(frozen=True)
class Method:
    """One call: its name, whether it changes anything, and what answers it."""

    name: str
    changes: bool
    answer: Callable[[Params], Awaitable[Result]]


def query(name: str, answer: Callable[[Params], Awaitable[Result]]) -> Method:
    """A call that changes nothing; every role may make it."""
    return Method(name, False, answer)


def command(name: str, answer: Callable[[Params], Awaitable[Result]]) -> Method:
    """A call that changes something; viewers may not make it."""
    return Method(name, True, answer)


class Calls:
    """The table of a host's methods.

    Args:
        tasks: owns one task per call, so that a slow one does not hold up the others.
        reply: takes the call's id and its result or error.
    """

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        reply: Callable[[int, Result | StudioError], None],
    ) -> None:
        self._tasks = tasks
        self._reply = reply
        self._methods: dict[str, Method] = {}

    def add(self, methods: Iterable[Method]) -> None:
        """Answer these methods from now on."""
        self._methods.update((method.name, method) for method in methods)

    def received(self, call: Call) -> None:
        """Answer `call` in the background."""
        self._tasks.create_task(self._answer(call), name=f"call {call.method}")

    async def _answer(self, call: Call) -> None:
        try:
            result: Result | StudioError = await self.result(call)
        except StudioError as problem:
            result = problem
        except OSError as problem:
            result = StudioError(f"{call.method}: {problem.strerror or problem}")
        except Exception:
            # The host's one boundary: a fault in one call must not take the studio down.
            log.exception("call %s failed", call.method)
            result = StudioError(f"the host failed at {call.method}", "its log says why")
        self._reply(call.call_id, result)

    async def result(self, call: Call) -> Result:
        """What `call` returns.

        Raises:
            UsageFault: an unknown method, or parameters that make no sense.
            Refused: the sender's role does not allow it.
        """
        method = self._methods.get(call.method)
        if method is None or call.sender is None:
            raise UsageFault(f"this host has no call {call.method!r}", "is it an older version?")
        if method.changes and (not call.changes or call.sender.role not in MAY_CHANGE):
            raise Refused(f"a {call.sender.role} may not {call.method}", "ask the owner for a role")
        try:
            values = json.loads(call.params)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise UsageFault(f"the parameters of {call.method} are not a JSON object")
        return await method.answer(Params(values, call.sender))
