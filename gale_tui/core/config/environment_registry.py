"""The environments of the engine and the current one; adding, changing, deleting and testing them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from gale_tui.core.config.config_file import ConfigFile
from gale_tui.core.config.environments import Config
from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.errors import ConfigError, CredentialError, GaleError
from gale_tui.core.gale_api.answers import KeyTest
from gale_tui.core.gale_api.connections import Connections
from gale_tui.core.models import Environment
from gale_tui.core.secret import Secret


class EnvironmentRegistry:
    """Environments, settings and keys, changed together.

    Args:
        extra: From the variables, or the demo's; never written anywhere.
        demo: True if there are only the extra ones.
        on_key: Called with the id of an environment that has a new key or host.
    """

    def __init__(
        self,
        config_file: ConfigFile,
        credentials: Credentials,
        connections: Connections,
        *,
        extra: Sequence[Environment],
        demo: bool,
        on_key: Callable[[str], None],
    ) -> None:
        self._config_file = config_file
        self._credentials = credentials
        self._connections = connections
        self._extra = tuple(extra)
        self._demo = demo
        self._on_key = on_key
        self._current_id: str | None = None
        self._unreadable: ConfigError | None = None
        self.reload()

    def reload(self) -> None:
        self._unreadable = None
        try:
            self.config = self._config_file.load()
        except ConfigError as error:
            self._unreadable = error
            self.config = Config(problems=(str(error),))

    @property
    def all(self) -> tuple[Environment, ...]:
        """All environments, those of the variables or the demo first."""
        return self._extra if self._demo else (*self._extra, *self.config.environments)

    def __iter__(self) -> Iterator[Environment]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    def find(self, environment_id: str) -> Environment | None:
        """The environment with that id, or None if it is gone."""
        return next((each for each in self.all if each.id == environment_id), None)

    @property
    def current(self) -> Environment | None:
        """The environment for new exports."""
        chosen = self.find(self._current_id) if self._current_id is not None else None
        return chosen or next(iter(self.all), None)

    def require_current(self) -> Environment:
        """The environment for new exports.

        Raises:
            ConfigError: There is none, with what is wrong in `config.toml` if that is why.
        """
        if (current := self.current) is not None:
            return current
        if self._unreadable is not None:
            raise self._unreadable
        if self.config.problems:
            raise ConfigError(f"{self._config_file.path} has no usable environment", " ".join(self.config.problems))
        raise ConfigError("No environment yet", "Start gale-tui and add one, or set GALE_HOST and GALE_API_KEY")

    def use(self, environment_id: str) -> None:
        """Chooses the environment for new exports and remembers it."""
        self._current_id = environment_id
        environment = self.find(environment_id)
        if environment is not None and environment.source == "config":
            self.save_settings(last_environment=environment_id)

    def choose(self, name: str | None) -> None:
        """Chooses at start: by name, else the one of the variables, else the last one used.

        Raises:
            ConfigError: There is no environment of that name, or `config.toml` cannot be read.
        """
        if name is not None:
            found = next((each for each in self.all if each.name == name), None)
            if found is None and self._unreadable is not None:
                raise self._unreadable
            if found is None:
                names = ", ".join(each.name for each in self.all) or "none yet"
                raise ConfigError(f"No environment is called {name!r}", f"Known environments: {names}")
            self._current_id = found.id
        elif self._extra:
            self._current_id = self._extra[0].id
        else:
            self._current_id = self.config.settings.last_environment

    def save_settings(self, **changes: object) -> None:
        """Changes settings, at once and for the next start.

        Raises:
            ConfigError: They could not be written.
        """
        self._config_file.save_settings(**changes)
        self.reload()

    async def save(
        self, environment: Environment, *, previous: Environment | None, key: Secret | None, session_only: bool
    ) -> None:
        """Saves an environment and its key, the key first; a failure leaves both as they were.

        Raises:
            ConfigError: `config.toml` cannot be written.
            CredentialError: The key cannot be stored.
        """
        moved = previous is None or (previous.id, previous.origin) != (environment.id, environment.origin)
        before = None if moved else self._credentials.cached(environment)
        if key is not None:
            await self.keep_key(environment, key, session_only=session_only)
        try:
            self._config_file.save_environment(environment, previous_name=previous.name if previous else None)
        except ConfigError:
            if key is not None:
                with contextlib.suppress(CredentialError):
                    await self._restore_key(environment, before, session_only=session_only, moved=moved)
            raise
        self.reload()
        if previous is not None and previous.origin != environment.origin:
            # The key belonged to the previous origin.
            with contextlib.suppress(CredentialError):
                await self._credentials.forget(previous)
        self._connections.drop(environment.id)
        if self._current_id is None:
            with contextlib.suppress(ConfigError):
                self.use(environment.id)
        self._on_key(environment.id)

    async def _restore_key(
        self, environment: Environment, before: Secret | None, *, session_only: bool, moved: bool
    ) -> None:
        if before is not None:
            await self.keep_key(environment, before, session_only=session_only)
        elif moved:
            await self._credentials.forget(environment)

    async def keep_key(self, environment: Environment, key: Secret, *, session_only: bool) -> None:
        """Stores a key, or keeps it in memory for this session.

        Raises:
            CredentialError: It cannot be stored.
        """
        if session_only:
            self._credentials.keep_for_session(environment, key)
        else:
            await self._credentials.keep(environment, key)

    async def provide_key(self, environment: Environment, key: Secret, *, session_only: bool) -> None:
        """Stores a new key and resumes the jobs that waited for it.

        Raises:
            CredentialError: It cannot be stored.
        """
        await self.keep_key(environment, key, session_only=session_only)
        self._on_key(environment.id)

    async def delete(self, environment: Environment) -> None:
        """Deletes an environment and its key; its jobs stay in the history.

        Raises:
            CredentialError: The key cannot be deleted; the environment stays, too.
            ConfigError: `config.toml` cannot be written.
        """
        await self._credentials.forget(environment)
        self._config_file.delete_environment(environment.id)
        self.reload()
        self._connections.drop(environment.id)
        if self._current_id == environment.id:
            self._current_id = None

    async def test(self, environment: Environment, key: Secret | None = None) -> KeyTest:
        """Requests a dock status that cannot exist, with the key and without; creates nothing.

        Raises:
            CredentialError: There is no key.
        """
        from gale_tui.core.gale_api.client import GaleClient
        from gale_tui.core.http.transport import Transport

        tried = key if key is not None else await self._credentials.key(environment)
        transport = Transport(environment, lambda: tried)
        try:
            return await self._connections.call(GaleClient(transport).test_key)
        except CredentialError:
            raise
        except GaleError as error:
            return KeyTest("inconclusive", str(error))
        finally:
            transport.close()
