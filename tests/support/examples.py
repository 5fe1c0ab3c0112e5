"""How many examples a property test tries."""

from __future__ import annotations

import os

__all__ = ["examples"]


def examples(usual: int) -> int:
    """`usual`, times the environment variable GALE_TUI_EXAMPLES."""
    return usual * int(os.environ.get("GALE_TUI_EXAMPLES", "1"))
