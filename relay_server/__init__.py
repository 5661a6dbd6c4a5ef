"""The relay: rooms, roles, presence and a durable log over the protocols Yjs clients speak."""
