"""How fast bytes come in."""

from __future__ import annotations

from collections import deque

__all__ = ["Speed"]

READINGS = 40
BETWEEN = 0.1


class Speed:
    """Received bytes over the last few seconds."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, int]] = deque(maxlen=READINGS)

    def read(self, now: float, received: int) -> float:
        """Bytes per second.

        Args:
            now: Monotonic seconds.
            received: Bytes so far.
        """
        if not self._readings or now - self._readings[-1][0] >= BETWEEN:
            self._readings.append((now, received))
        then, before = self._readings[0]
        return max(0.0, (received - before) / (now - then)) if now > then else 0.0
