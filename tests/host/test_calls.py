from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from relay_server.wire import Call, Sender
from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.host.calls import Calls, Params, Result, command, query

Replies = dict[int, Result | StudioError]

OWNER, EDITOR, VIEWER = (
    Sender(i, role, role) for i, role in enumerate(["owner", "editor", "viewer"])
)


def params(**values: Any) -> Params:
    return Params(values, EDITOR)


class Table:
    """A table of calls whose replies are kept."""

    def __init__(self) -> None:
        self.replies: Replies = {}
        self.asked: list[str] = []
        self.calls = Calls(self.replies.__setitem__)
        self.calls.add([query("look", self.echo), command("change", self.echo)])

    async def echo(self, params: Params) -> Result:
        self.asked.append(params.sender.name)
        return dict(params.values)

    async def ask(
        self,
        method: str,
        values: object = None,
        sender: Sender | None = EDITOR,
        *,
        changes: bool = False,
        raw: bytes | None = None,
    ) -> Result | StudioError:
        body = json.dumps(values or {}).encode() if raw is None else raw
        self.replies.pop(1, None)
        self.calls.received(Call(1, method, body, changes, sender))
        while 1 not in self.replies:
            await asyncio.sleep(0)
        return self.replies[1]


@pytest.fixture
async def tasks() -> AsyncIterator[asyncio.TaskGroup]:
    async with asyncio.TaskGroup() as group:
        yield group


@pytest.fixture
async def table(tasks: asyncio.TaskGroup) -> Table:
    made = Table()
    made.calls.open(tasks)
    return made


async def test_everybody_may_ask(table: Table) -> None:
    for sender in (OWNER, EDITOR, VIEWER):
        assert await table.ask("look", {"a": 1}, sender) == {"a": 1}
    assert await table.ask("look", {}, EDITOR, changes=True) == {}


async def test_a_viewer_changes_nothing(table: Table) -> None:
    assert await table.ask("change", {"a": 1}, EDITOR, changes=True) == {"a": 1}
    for changes in (True, False):
        refused = await table.ask("change", {}, VIEWER, changes=changes)
        assert isinstance(refused, Refused)
        assert refused.message == "a viewer may not change"
        assert refused.hint
    assert table.asked == ["editor"]


async def test_a_command_does_not_pass_as_a_query(table: Table) -> None:
    """The relay lets viewers send queries: what changes something must have been sent as such."""
    assert isinstance(await table.ask("change", {}, OWNER, changes=False), Refused)


async def test_what_has_changed_something_is_told(table: Table) -> None:
    told: list[str] = []
    table.calls.on_change = lambda: told.append("changed")
    await table.ask("look")
    await table.ask("change", sender=VIEWER, changes=True)
    await table.ask("change", raw=b"no JSON", changes=True)
    assert told == []
    await table.ask("change", changes=True)
    assert told == ["changed"]


async def test_a_command_is_in_the_log(table: Table, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await table.ask("look")
    await table.ask("change", {"secret": "hunter2"}, EDITOR, changes=True)
    assert [record.getMessage() for record in caplog.records] == [
        "change, asked by 'editor' (editor)"
    ]


async def test_what_the_host_does_not_know(table: Table) -> None:
    answer = await table.ask("fly")
    assert isinstance(answer, UsageFault)
    assert answer.message == "this host has no call 'fly'"
    assert isinstance(await table.ask("look", {}, None), UsageFault)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"\xff",
        b"null",
        b"[" * 100_000,
        b'{"a": ' + b"1" * 5000 + b"}",
        rb'{"path": "\ud800"}',
        rb'{"path": ["\udc80"]}',
        rb'{"\ud800": 1}',
    ],
)
async def test_malformed_parameters(table: Table, raw: bytes) -> None:
    answer = await table.ask("look", raw=raw)
    assert isinstance(answer, UsageFault)
    assert answer.message == "the parameters of look are not a JSON object"


async def test_a_pair_of_surrogates_is_a_character(table: Table) -> None:
    assert await table.ask("look", raw=rb'{"a": "\ud83d\ude00"}') == {"a": "😀"}


async def test_errors_are_replies(table: Table) -> None:
    async def missing(params: Params) -> Result:
        raise NotFound("no such thing", "look again")

    async def full(params: Params) -> Result:
        raise OSError(28, "No space left on device")

    table.calls.add([query("missing", missing), query("full", full)])
    answer = await table.ask("missing")
    assert isinstance(answer, NotFound)
    assert (answer.message, answer.hint) == ("no such thing", "look again")
    answer = await table.ask("full")
    assert isinstance(answer, StudioError)
    assert answer.message == "full: No space left on device"
    assert answer.hint


async def test_a_fault_in_a_call_harms_nothing_else(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    async def faulty(params: Params) -> Result:
        raise ZeroDivisionError

    async def unsayable(params: Params) -> Result:
        return {"a": object()}

    def reply(call_id: int, result: Result | StudioError) -> None:
        if not isinstance(result, StudioError):
            json.dumps(result)
        table.replies[call_id] = result

    table.calls._reply = reply
    table.calls.add([query("faulty", faulty), query("unsayable", unsayable)])
    for method in ("faulty", "unsayable"):
        answer = await table.ask(method)
        assert isinstance(answer, StudioError)
        assert answer.message == f"the host failed at {method}"
    assert "ZeroDivisionError" in caplog.text
    assert await table.ask("look", {"a": 1}) == {"a": 1}


async def test_a_slow_call_holds_up_no_other(table: Table) -> None:
    released = asyncio.Event()

    async def slow(params: Params) -> Result:
        await released.wait()
        return {}

    table.calls.add([query("slow", slow)])
    table.calls.received(Call(7, "slow", b"{}", False, EDITOR))
    await table.ask("look")
    assert 7 not in table.replies
    released.set()
    while 7 not in table.replies:
        await asyncio.sleep(0)


async def test_calls_wait_until_the_table_is_whole(tasks: asyncio.TaskGroup) -> None:
    table = Table()
    table.calls.received(Call(7, "late", b"{}", False, EDITOR))
    await asyncio.sleep(0.01)
    assert table.replies == {}
    table.calls.add([query("late", table.echo)])
    table.calls.open(tasks)
    await asyncio.sleep(0.01)
    assert table.replies == {7: {}}


async def test_a_call_to_a_host_that_ends_is_dropped() -> None:
    call, replies = Call(1, "look", b"{}", False, EDITOR), []

    async def ending() -> None:
        async with asyncio.TaskGroup() as tasks:
            table = Table()
            table.calls.open(tasks)
            replies.append(table.replies)
            loop = asyncio.get_running_loop()
            failing = tasks.create_task(_fail())
            failing.add_done_callback(lambda _: loop.call_soon(table.calls.received, call))
            await asyncio.sleep(10)

    with pytest.raises(ExceptionGroup):
        await ending()
    assert replies == [{}]


async def _fail() -> None:
    raise NotFound("over")


def test_texts() -> None:
    assert params(a="x").text("a") == "x"
    assert params().text("a", "default") == "default"
    for value in (None, 1, ["x"], "x" * 4097, "a\0b"):
        with pytest.raises(UsageFault, match="a must be a text of at most 4096 characters"):
            params(a=value).text("a")
    with pytest.raises(UsageFault, match="at most 3"):
        params(a="abcd").text("a", cap=3)


def test_numbers() -> None:
    assert params(a=3).number("a", 0, 3) == 3
    assert params().number("a", 0, 3, 2) == 2
    for value in (None, "1", 1.0, True, -1, 4, 10**30):
        with pytest.raises(UsageFault, match="a must be a whole number from 0 to 3"):
            params(a=value).number("a", 0, 3)


def test_flags() -> None:
    assert params(a=True).flag("a")
    for value in ({}, {"a": 1}, {"a": "true"}, {"a": None}):
        with pytest.raises(UsageFault, match="a must be true or false"):
            params(**value).flag("a")


def test_lists_of_texts() -> None:
    assert params(a=["x", ""]).texts("a") == ["x", ""]
    assert params(a=None).texts("a") == params().texts("a") == []
    for value in ("x", 0, {}, [1], ["a\0b"], ["x"] * 4):
        with pytest.raises(UsageFault, match="a must be a list of"):
            params(a=value).texts("a", cap=3)
