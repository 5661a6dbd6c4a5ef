"""Messages <-> bytes, in both framings; pure, and bounded on the way in.

On `/` (Hocuspocus 4.x) every message is `varString room, varUint type, payload`, but Ping and Pong,
which are one bare byte. On `/<room>` (y-websocket) it is `varUint type, payload`. Integers are lib0
varUints, strings are UTF-8 with a varUint byte length. Types from 100 are ours and only travel
between our own peers.
"""

from __future__ import annotations

from relay_server.wire.messages import (
    CAPS,
    Ack,
    Awareness,
    Call,
    Caps,
    Close,
    CloseRoom,
    Denied,
    Entry,
    Granted,
    History,
    Issued,
    Level,
    Message,
    Ping,
    Pong,
    QueryAwareness,
    Reply,
    Sender,
    Stateless,
    Step1,
    Step2,
    Stream,
    SyncStatus,
    Token,
    Update,
)
from relay_server.wire.reader import decode, decode_y, short_update
from relay_server.wire.writer import (
    encode,
    encode_body,
    encode_y,
    step2_parts,
    write_bytes,
    write_string,
    write_uint,
)

__all__ = [
    "Ack",
    "Awareness",
    "CAPS",
    "Call",
    "Caps",
    "Close",
    "CloseRoom",
    "Denied",
    "Entry",
    "Granted",
    "History",
    "Issued",
    "Level",
    "Message",
    "Ping",
    "Pong",
    "QueryAwareness",
    "Reply",
    "Sender",
    "Stateless",
    "Step1",
    "Step2",
    "Stream",
    "SyncStatus",
    "Token",
    "Update",
    "decode",
    "decode_y",
    "encode",
    "encode_body",
    "encode_y",
    "short_update",
    "step2_parts",
    "write_bytes",
    "write_string",
    "write_uint",
]
