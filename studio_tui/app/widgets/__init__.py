"""Widgets that the panes of the studio are made of."""
