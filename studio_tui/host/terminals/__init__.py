"""Shared terminals: who types, what is shown, what is recorded."""
