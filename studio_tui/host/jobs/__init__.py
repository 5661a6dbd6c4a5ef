"""Runs: asked for, started, followed, moved, counted and remembered."""
