"""How the polling of each environment stands, in words."""

from __future__ import annotations

from collections.abc import Callable

from gale_tui.core.jobs.rate_limits import Condition
from gale_tui.core.models import EnvironmentCondition


class ConnectionStatus:
    """The condition of each environment, and the listeners to its changes."""

    def __init__(self) -> None:
        self._conditions: dict[str, EnvironmentCondition] = {}
        self.listeners: list[Callable[[EnvironmentCondition], None]] = []

    def of(self, environment_id: str) -> EnvironmentCondition:
        return self._conditions.get(environment_id) or EnvironmentCondition(environment_id)

    def update(self, environment_id: str, state: Condition, text: str = "") -> None:
        """Sets what the scheduler knows, or with `text` why the environment's key is of no use."""
        usual = {
            "fine": "",
            "slowed": "Rate limit reached: polling more slowly",
            "offline": "Cannot be reached",
            "needs key": self.of(environment_id).text or "Waiting for a key",
        }
        condition = EnvironmentCondition(environment_id, state, text or usual[state])
        if self.of(environment_id) == condition:
            return
        self._conditions[environment_id] = condition
        for listener in tuple(self.listeners):
            listener(condition)
