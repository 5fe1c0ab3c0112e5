"""``python -m gale_tui`` is the same as ``gale-tui``."""

import gc


def run() -> None:
    """The console script."""
    # Loading makes objects and no garbage; looking for it would be a twelfth of the start.
    gc.disable()
    from gale_tui.cli.main import run

    run()


if __name__ == "__main__":
    run()
