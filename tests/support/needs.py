"""What a test needs of the machine: its absence is a visible skip at a user's desk and a failure in CI."""

from __future__ import annotations

import os
import shutil

import pytest

__all__ = ["needs"]


def needs(*programs: str) -> None:
    """Skips the test where one of the programs is not installed.

    Fails instead where the environment variable GALE_TUI_REQUIRE_ALL is 1, so that CI cannot quietly test less.
    """
    missing = [program for program in programs if shutil.which(program) is None]
    if not missing:
        return
    text = f"needs {' and '.join(missing)}, which is not installed here"
    if os.environ.get("GALE_TUI_REQUIRE_ALL") == "1":
        pytest.fail(text)
    pytest.skip(text)
