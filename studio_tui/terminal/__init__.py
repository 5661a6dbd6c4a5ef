"""Terminals: emulator, screen rows, frames from host to viewer, keys, the holder's protocol."""
