"""The client's end of the relay: one websocket, many rooms, reconnecting while it lives."""

from relay_server.wire import Stream

__all__ = ["Stream"]
