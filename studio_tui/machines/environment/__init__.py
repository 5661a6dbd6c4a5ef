"""The Python environment of a folder on a machine: built there, never copied."""
