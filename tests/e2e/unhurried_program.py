"""gale-tui for keys that come slowly: `python -m tests.e2e.unhurried_program [ARGUMENT …]`.

A paste without brackets is known by how closely its keys follow each other, which on a busy machine is no more than a
hope. Here they may be seconds apart, which no hand's ever are in these tests.
"""

from __future__ import annotations

import os
import sys

from gale_tui.cli.main import Wiring, main
from gale_tui.tui.terminal import paste_detection

if __name__ == "__main__":
    for name, seconds in (("FIRST_WAIT", 0.5), ("PAUSE", 5.0), ("QUIET", 1.0), ("UNFINISHED", 30.0)):
        assert hasattr(paste_detection, name)
        setattr(paste_detection, name, seconds)
    sys.exit(main(sys.argv[1:], Wiring(environ=os.environ)))
