"""`python -m relay_server`."""

from __future__ import annotations

from relay_server.cli import main

if __name__ == "__main__":
    main()
