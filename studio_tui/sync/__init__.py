"""The client's end of the relay: one websocket, many rooms, reconnecting while it lives."""
