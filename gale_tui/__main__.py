"""``python -m gale_tui`` is the same as ``gale-tui``."""

from gale_tui.cli import run

if __name__ == "__main__":
    run()
