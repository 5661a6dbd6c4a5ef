"""studio-tui: a Lightning Studio that a team owns, in the terminal."""

__version__ = "0.1.0"
