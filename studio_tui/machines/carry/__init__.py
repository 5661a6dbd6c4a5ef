"""Carrying a folder between two machines: look at both, plan, carry, settle."""
