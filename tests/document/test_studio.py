"""The studio document: registries, chat, and what strangers may do to both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text, XmlFragment, XmlText

from studio_tui.document.entries import ChatMessage, FileEntry, JobEntry, StudioInfo
from studio_tui.document.remarks import COMMENTS_CAP, CommentEntry
from studio_tui.document.replica import Replica
from studio_tui.document.studio import CHAT_CAP, INFO, StudioDocument

STRANGE: dict[str, Callable[[], Any]] = {
    "text": lambda: Text("x"),
    "map": lambda: Map({"path": "a"}),
    "array": lambda: Array([1]),
    "document": Doc,
    "xml": lambda: XmlFragment([XmlText("x")]),
    "number": lambda: 5.0,
    "bytes": lambda: b"x",
    "nothing": lambda: None,
}


def pair() -> tuple[StudioDocument, StudioDocument]:
    """Two copies of a studio document; what is written in the first is in the second at once."""
    one, other = StudioDocument(Replica()), StudioDocument(Replica())
    one.replica.observe_local(other.replica.apply)
    return one, other


def test_an_entry_is_read_by_its_id_here_and_there() -> None:
    mine, theirs = pair()
    entry = JobEntry("j1", "fit", notes=["a"])
    mine.jobs.put(entry)
    assert mine.jobs["j1"] == theirs.jobs["j1"] == entry
    assert (list(theirs.jobs), len(theirs.jobs), "j1" in theirs.jobs) == (["j1"], 1, True)


def test_ids_come_in_order() -> None:
    document = StudioDocument(Replica())
    for id in ("c", "a", "b"):
        document.files.put(FileEntry(id))
    assert list(document.files) == ["a", "b", "c"]


def test_an_unknown_id_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        StudioDocument(Replica()).files["f"]


def test_removing_is_final_and_may_be_repeated() -> None:
    mine, theirs = pair()
    mine.files.put(FileEntry("f"))
    mine.files.remove("f")
    mine.files.remove("f")
    assert not mine.files
    assert not theirs.files


def test_nothing_is_written_when_nothing_changes() -> None:
    document = StudioDocument(Replica())
    document.files.put(FileEntry("f", "a.py"))
    before = document.replica.missing_from(b"\0")
    document.files.put(FileEntry("f", "a.py"))
    assert document.replica.missing_from(b"\0") == before


def test_a_value_that_changes_often_stays_small() -> None:
    document = StudioDocument(Replica())
    for turn in range(2000):
        document.jobs.put(JobEntry("j", state="running", started=float(turn)))
    assert len(document.replica.missing_from(b"\0")) < 1000


@pytest.mark.parametrize("make", STRANGE.values(), ids=STRANGE)
def test_a_value_that_is_no_entry_is_not_there(make: Callable[[], Any]) -> None:
    document = StudioDocument(Replica())
    document.files.put(FileEntry("f"))
    document.replica.doc.get("files", type=Map)["strange"] = make()
    assert list(document.files.values()) == [FileEntry("f")]
    assert len(document.files) == 1
    assert "strange" not in document.files
    document.files.remove("strange")
    document.files.put(FileEntry("strange"))
    assert len(document.files) == 2


def test_roots_of_another_type_do_no_harm() -> None:
    stranger = Doc()
    text = stranger.get("files", type=Text)
    text += "not a map"
    array = stranger.get("jobs", type=Array)
    array.append(1)
    document = StudioDocument(Replica())
    document.replica.apply(stranger.get_update())
    document.files.put(FileEntry("f"))
    assert list(document.files.values()) == [FileEntry("f")]
    assert not document.jobs


def test_an_entry_has_the_id_it_is_stored_under() -> None:
    document = StudioDocument(Replica())
    document.replica.doc.get("files", type=Map)["f"] = {"id": "another", "path": "a"}
    assert document.files["f"] == FileEntry("f", "a")


def test_the_studio_introduces_itself() -> None:
    mine, theirs = pair()
    assert theirs.info == StudioInfo(INFO)
    mine.info = StudioInfo(INFO, "calm-otter", "/home/ana", "local", 2)
    assert theirs.info == mine.info


def test_chat_is_in_order_here_and_there() -> None:
    mine, theirs = pair()
    mine.say("ana", "hello", 1.0)
    mine.say("bob", "hé 😀", 2.5)
    assert theirs.chat == [ChatMessage("ana", "hello", 1.0), ChatMessage("bob", "hé 😀", 2.5)]


def test_the_oldest_messages_leave() -> None:
    document = StudioDocument(Replica())
    for number in range(CHAT_CAP + 5):
        document.say("ana", str(number), 0.0)
    assert [m.text for m in document.chat[:2]] == ["5", "6"]
    assert len(document.chat) == CHAT_CAP


@pytest.mark.parametrize("make", STRANGE.values(), ids=STRANGE)
def test_what_is_no_message_is_not_in_the_chat(make: Callable[[], Any]) -> None:
    document = StudioDocument(Replica())
    document.replica.doc.get("chat", type=Array).append(make())
    document.say("ana", "hello", 1.0)
    assert document.chat == [ChatMessage("ana", "hello", 1.0)]


def test_an_observer_of_a_registry_hears_which_ids_changed() -> None:
    mine, theirs = pair()
    heard: list[set[str]] = []
    stop = theirs.files.observe(heard.append)
    mine.files.put(FileEntry("f"))
    with mine.replica.doc.transaction():
        mine.files.put(FileEntry("f", "b"))
        mine.files.put(FileEntry("g"))
    mine.files.remove("f")
    stop()
    stop()
    mine.files.put(FileEntry("h"))
    assert heard == [{"f"}, {"f", "g"}, {"f"}]


def test_an_observer_of_the_document_hears_of_every_part_until_it_stops() -> None:
    mine, theirs = pair()
    heard: list[int] = []
    stop = theirs.observe(lambda: heard.append(1))
    mine.files.put(FileEntry("f"))
    mine.jobs.put(JobEntry("j"))
    mine.say("ana", "hello", 1.0)
    mine.info = StudioInfo(INFO, "calm-otter")
    assert len(heard) == 4
    stop()
    stop()
    mine.jobs.remove("j")
    assert len(heard) == 4


def test_of_too_many_comments_everybodys_newest_are_listed() -> None:
    document, theirs = pair()
    for number in range(COMMENTS_CAP + 1):
        document.comments.put(CommentEntry(f"{number:05}", by="eve", time=float(number)))
    document.comments.put(CommentEntry("z", by="ana"))
    assert len(document.comments) == len(list(document.comments)) == COMMENTS_CAP
    assert document.comments.left_out == 2
    assert list(document.comments)[0] == "00002"
    assert list(document.comments)[-1] == "z"
    document.comments.remove("z")
    assert (list(document.comments)[0], document.comments.left_out) == ("00001", 1)
    assert theirs.files.left_out == 0


def test_what_the_host_wrote_elsewhere_counts_and_what_people_wrote_is_added() -> None:
    before, here = StudioDocument(Replica()), StudioDocument(Replica())
    here.jobs.put(JobEntry("gone", "removed since"))
    here.jobs.put(JobEntry("j1", "fit", "running"))
    here.comments.put(CommentEntry("c0", text="here"))
    here.say("bob", "here", 1.0)
    before.jobs.put(JobEntry("j1", "fit", "succeeded"))
    before.comments.put(CommentEntry("c1", text="there"))
    before.say("ana", "there", 2.0)
    here.take_over(before)
    assert {id: job.state for id, job in here.jobs.items()} == {"j1": "succeeded"}
    assert set(here.comments) == {"c0", "c1"}
    assert here.chat == [ChatMessage("bob", "here", 1.0)]
