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
Answer = Callable[["Params"], Awaitable[Result]]

MAY_CHANGE = frozenset({"owner", "editor", "host"})


@dataclass(frozen=True)
class Params:
    """A call's parameters: JSON from anybody, so every value is looked at before it is used."""

    values: Mapping[str, Any]
    sender: Sender

    def text(self, key: str, default: str | None = None, cap: int = 4096) -> str:
        """The string under `key`, of at most `cap` characters and without NUL."""
        value = self.values.get(key, default)
        if not isinstance(value, str) or len(value) > cap or "\0" in value:
            raise UsageFault(f"{key} must be a text of at most {cap} characters")
        return value

    def number(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """The whole number under `key`, from `low` to `high`."""
        value = self.values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise UsageFault(f"{key} must be a whole number from {low} to {high}")
        return value

    def flag(self, key: str) -> bool:
        """The truth value under `key`."""
        value = self.values.get(key)
        if not isinstance(value, bool):
            raise UsageFault(f"{key} must be true or false")
        return value

    def texts(self, key: str, cap: int = 1000) -> list[str]:
        """The list of strings under `key`; empty when it is absent or null."""
        value = self.values.get(key)
        items = [] if value is None else value
        if not isinstance(items, list) or len(items) > cap:
            raise UsageFault(f"{key} must be a list of at most {cap} texts")
        if not all(isinstance(item, str) and "\0" not in item for item in items):
            raise UsageFault(f"{key} must be a list of texts")
        return items


@dataclass(frozen=True)
class Method:
    """One call: its name, whether it changes anything, and what answers it."""

    name: str
    changes: bool
    answer: Answer


def query(name: str, answer: Answer) -> Method:
    """A call that changes nothing; every role may make it."""
    return Method(name, False, answer)


def command(name: str, answer: Answer) -> Method:
    """A call that changes something; viewers may not make it."""
    return Method(name, True, answer)


class Calls:
    """The table of a host's methods. Calls that come before `open` wait for it.

    Args:
        reply: takes the call's id and its result or error.

    Attributes:
        on_change: called after each call that has changed something.
    """

    def __init__(self, reply: Callable[[int, Result | StudioError], None]) -> None:
        self._reply = reply
        self._methods: dict[str, Method] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._early: list[Call] = []
        self._open = asyncio.Event()
        self.on_change: Callable[[], None] = lambda: None

    def add(self, methods: Iterable[Method]) -> None:
        """Answer these methods from now on."""
        self._methods.update((method.name, method) for method in methods)

    def open(self, tasks: asyncio.TaskGroup) -> None:
        """The table is whole: answer.

        Args:
            tasks: owns one task per call, so that a slow one does not hold up the others.
        """
        self._tasks = tasks
        self._open.set()
        while self._early:
            self.received(self._early.pop(0))

    def received(self, call: Call) -> None:
        """Answer `call` in the background."""
        if self._tasks is None:
            self._early.append(call)
            return
        answering = self._answer(call)
        try:
            self._tasks.create_task(answering, name=f"call {call.method}")
        except RuntimeError:
            # The tasks are ending, and the host with them: the relay tells the caller so.
            answering.close()

    async def _answer(self, call: Call) -> None:
        try:
            self._reply(call.call_id, await self.result(call))
        except StudioError as problem:
            self._reply(call.call_id, problem)
        except OSError as problem:
            said = f"{call.method}: {problem.strerror or problem}"
            hint = "check the disk and the permissions on the studio's machine"
            self._reply(call.call_id, StudioError(said, hint))
        except Exception:
            # The host's one boundary: a fault in one call must not take the studio down.
            log.exception("call %s failed", call.method)
            said = f"the host failed at {call.method}"
            self._reply(call.call_id, StudioError(said, "its log says why"))

    async def result(self, call: Call) -> Result:
        """What `call` returns.

        Raises:
            UsageFault: an unknown method, or parameters that make no sense.
            Refused: the sender's role does not allow it.
        """
        method, sender = self._methods.get(call.method), call.sender
        if method is None or sender is None:
            raise UsageFault(f"this host has no call {call.method!r}", "is it an older version?")
        if method.changes:
            if not call.changes or sender.role not in MAY_CHANGE:
                raise Refused(f"a {sender.role} may not {call.method}", "ask the owner for a role")
            log.info("%s, asked by %r (%s)", call.method, sender.name, sender.role)
        answer = await method.answer(Params(_read(call), sender))
        if method.changes:
            self.on_change()
        return answer

    async def ask(self, method: str, params: dict[str, Any], by: str = "host") -> Result:
        """What a client would be answered; for the host's own parts. Raises as `result` does.

        Args:
            by: for whom it is asked.
        """
        await self._open.wait()
        body = json.dumps(params).encode()
        return await self.result(Call(0, method, body, True, Sender(0, by, "host")))


def _read(call: Call) -> dict[str, Any]:
    """The parameters as they came: a JSON object whose texts all have bytes."""
    try:
        values = json.loads(call.params)
        if b"\\u" in call.params:
            # JSON can spell half of a surrogate pair: no file, document or program could take it.
            json.dumps(values, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise UsageFault(f"the parameters of {call.method} are not a JSON object")
    return values
