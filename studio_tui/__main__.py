"""`python -m studio_tui` is `studio-tui`."""

from studio_tui.cli import main

if __name__ == "__main__":
    main()
