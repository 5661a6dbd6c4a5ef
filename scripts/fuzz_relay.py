"""Fuzzes what a relay does with bytes from outside, with atheris and its coverage as the guide.

    python scripts/fuzz_relay.py [SECONDS] [FOLDER]        (make fuzz: 60)

Bytes are taken as a websocket message in both framings, as an update and as a state vector. What
the validator takes is applied to a document. Anything but the errors that are meant is a finding,
and so is a run of more than a second; the input is kept in FOLDER (default: build/fuzz), which also
holds the inputs that reached something new, for the next run.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["relay_server"]):
    from relay_server import wire
    from relay_server.errors import InvalidUpdate, WireError
    from relay_server.replica import Broken, Replica
    from relay_server.validate import check_state_vector, read_state_vector, survey

from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment


def look(data: bytes) -> None:
    """One input, taken in every way that there is."""
    for decode in (wire.decode, wire.decode_y):
        try:
            decode(data)
        except WireError:
            continue
    try:
        check_state_vector(data)
        read_state_vector(data)
    except InvalidUpdate:
        pass
    try:
        found = survey(data)
    except InvalidUpdate:
        return
    try:
        replica = Replica([data])
        replica.has_news(found)
        state = replica.diff(b"\0")
    except Broken:
        return  # it does not fit; that is for the document to find
    survey(state)


def seeds() -> list[bytes]:
    """Inputs to begin with: messages and updates as peers send them."""
    doc: Doc = Doc(client_id=5)
    text, array = doc.get("text", type=Text), doc.get("array", type=Array)
    mapping, xml = doc.get("map", type=Map), doc.get("xml", type=XmlFragment)
    text += "hello, ä\U0001f600"
    text.format(0, 5, {"bold": True})
    text.insert_embed(2, {"image": "x"})
    array.extend([1, 2.5, None, True, "x", b"y", [1, [2]], {"a": {"b": 1}}])
    mapping["k"], mapping["doc"] = Map({"x": 1}), Doc()
    xml.children.append(XmlElement("p", {"class": "x"}))
    del text[0:2]
    update, state = doc.get_update(), doc.get_state()
    messages = [
        wire.Token("t", "1", "{}"), wire.Step1(state), wire.Step2(update), wire.Update(update),
        wire.Awareness((wire.Entry(5, 1, '{"user": {}}'),)), wire.QueryAwareness(),
        wire.Call(1, "m", b"{}", True), wire.Reply(1, True, b"{}"), wire.Stream("s", 1, b"x"),
        wire.CloseRoom(), wire.Ping(), wire.SyncStatus(True), wire.Ack(1, wire.Level.DISK),
    ]  # fmt: skip
    return [update, state, *(wire.encode("room", message) for message in messages)]


def main() -> None:
    """See the module."""
    seconds = sys.argv[1] if len(sys.argv) > 1 else "60"
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else "build/fuzz")
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (folder / "corpus" / f"seed-{number}").write_bytes(seed)
    options = [f"-max_total_time={seconds}", "-timeout=1", "-max_len=4096", "-print_final_stats=1"]
    options += [f"-artifact_prefix={folder}/", str(folder / "corpus")]
    atheris.Setup([sys.argv[0], *options], look)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
