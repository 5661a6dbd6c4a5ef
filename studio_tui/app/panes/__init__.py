"""The places of the workspace: each owns its keys, its help and its messages."""
