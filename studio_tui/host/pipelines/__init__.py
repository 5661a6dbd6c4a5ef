"""Pipelines: steps run in the order of their needs, and at their times."""
