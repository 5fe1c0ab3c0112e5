"""One client for each environment, made on a thread when it is first needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.errors import UnansweredError
from gale_tui.core.models import Environment
from gale_tui.core.threads import DaemonThreads

if TYPE_CHECKING:
    from gale_tui.core.gale_api.client import GaleClient
    from gale_tui.core.http.transport import Transport

T = TypeVar("T")

PATIENCE = 90.0
"""Seconds after which a call is given up even if its thread hangs, in a name look-up for example."""


class Connections:
    """The clients, and the threads that their calls run on."""

    def __init__(self, credentials: Credentials, threads: DaemonThreads) -> None:
        self._credentials = credentials
        self._threads = threads
        self._clients: dict[str, tuple[Environment, GaleClient]] = {}
        self._retired: list[Transport] = []
        self._closed = False

    async def client(self, environment: Environment) -> GaleClient:
        """The client of an environment; its key has been looked up before.

        Raises:
            CredentialError: There is no usable key.
            ConfigError: CA file or proxy cannot be used.
        """
        await self._credentials.key(environment)
        return await self._connect(environment)

    async def transport(self, environment: Environment) -> Transport:
        return (await self._connect(environment)).transport

    async def _connect(self, environment: Environment) -> GaleClient:
        wire = _connection_settings(environment)
        known = self._clients.get(environment.id)
        if known is None or known[0] != wire:
            client = await self._threads.call(self._make, environment)
            if self._closed:
                client.transport.close()
                raise UnansweredError("gale-tui is ending")
            known = self._clients.get(environment.id)
            if known is not None and known[0] == wire:
                # Made twice at the same time: the first one stays.
                client.transport.close()
            else:
                self.drop(environment.id)
                known = self._clients[environment.id] = (wire, client)
        return known[1]

    def _make(self, environment: Environment) -> GaleClient:
        from gale_tui.core.gale_api.client import GaleClient
        from gale_tui.core.http.transport import Transport

        return GaleClient(Transport(environment, lambda: self._credentials.cached(environment)))

    async def call(self, function: Callable[..., T], *arguments: object) -> T:
        """Runs a client's method on a thread.

        Raises:
            UnansweredError: The thread hangs.
            GaleError: Whatever the method raises.
        """
        try:
            return await self._threads.call(function, *arguments, within=PATIENCE)
        except TimeoutError:
            raise UnansweredError(
                f"No answer within {PATIENCE:.0f} s", "Check the network, then refresh the job"
            ) from None

    def warm_up(self) -> None:
        """Imports the HTTP library on a thread, so that the first call need not wait for it."""

        def load() -> None:
            import gale_tui.core.gale_api.client
            import gale_tui.core.http.network_backend  # noqa: F401  # imported for its effect

        self._threads.start(load)

    def drop(self, environment_id: str) -> None:
        """Discards the client of an environment that was changed or deleted.

        Calls under way are not cut off: an export that is being started would be of unknown outcome.
        """
        known = self._clients.pop(environment_id, None)
        if known is not None:
            self._retired.append(known[1].transport)

    def abort_unsent(self) -> bool:
        """Ends the calls that have sent nothing yet, with NotSentError; False if there are none."""
        transports = (*self._retired, *(client.transport for _, client in self._clients.values()))
        return any([transport.sockets.abort_unsent() for transport in transports])

    def close(self) -> None:
        """Shuts down every socket, so that no thread stays blocked, and closes all clients."""
        self._closed = True
        for environment_id in list(self._clients):
            self.drop(environment_id)
        for transport in self._retired:
            transport.close()
        self._retired.clear()


def _connection_settings(environment: Environment) -> Environment:
    """The environment without what does not matter to its client."""
    return dataclasses.replace(environment, name="", production=False)
