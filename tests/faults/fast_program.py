"""gale-tui with a clock that runs faster: `python -m tests.faults.fast_program FACTOR [ARGUMENT …]`."""

from __future__ import annotations

import os
import sys

from gale_tui.cli.main import Wiring, main
from tests.support.clocks import ScaledClock

if __name__ == "__main__":
    sys.exit(main(sys.argv[2:], Wiring(environ=os.environ, clock=ScaledClock(float(sys.argv[1])))))
