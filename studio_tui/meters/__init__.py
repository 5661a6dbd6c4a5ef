"""Meters: what a machine reads at one moment, and the last few minutes of it."""
