"""The process of ``gale-tui`` and ``python -m gale_tui``: its streams, the command line, its exit code."""

from __future__ import annotations

import gc
import io
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gale_tui.core.output import OutputThread

PATIENCE: Final = 0.5
"""Seconds that the end of an interrupted program waits for its output."""


def run() -> None:
    """The console script."""
    # Loading makes objects and no garbage; looking for it would be a twelfth of the start.
    gc.disable()
    from gale_tui.cli.main import main

    if os.name == "nt":
        # Its console takes text through Python's own streams alone. A name that they do not know is no reason to stop.
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # Python's own can
        sys.exit(main())
    from gale_tui.core.output import open_outputs

    outputs = open_outputs()
    try:
        try:
            code = main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        code = _end_output(code, *outputs)
    except KeyboardInterrupt:
        code = 130
    except BaseException:
        sys.stderr = sys.__stderr__
        raise
    # Output is lost from now on: the thread that writes it may end anywhere, perhaps with its lock.
    sys.stdout = sys.stderr = io.StringIO()
    sys.exit(code)


def _end_output(code: int, out: OutputThread, err: OutputThread) -> int:
    """Waits for whoever reads standard output, unless interrupted, and a moment for standard error.

    Returns:
        The exit code, which is not 0 if results were lost.
    """
    whole = out.drain(PATIENCE if code > 128 else None)
    err.drain(PATIENCE)
    if whole or code:
        return code
    from gale_tui.cli.exit_codes import FAILED, NOT_SAVED

    return FAILED if isinstance(out.failure, BrokenPipeError) else NOT_SAVED


if __name__ == "__main__":
    run()
