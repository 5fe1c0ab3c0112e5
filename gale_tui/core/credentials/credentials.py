"""The keys of the environments: looks them up and stores them, never in a file of gale-tui's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from gale_tui.core.credentials.key_command import check_not_writable_by_others, key_from_command
from gale_tui.core.errors import CredentialError, KeyringLockedError, KeyringUnavailableError, NoKeyError
from gale_tui.core.models import Environment
from gale_tui.core.secret import Secret, register_secret
from gale_tui.core.threads import DaemonThreads
from gale_tui.core.untrusted_text import inert

if TYPE_CHECKING:
    # late: no key is looked up before the first frame
    from gale_tui.core.credentials.keyring_backend import Keyrings, KeyringState

KeyPlace = Literal["keyring", "session", "GALE_API_KEY", "key_command", "demo", "none", "locked", "unavailable"]

HUNG_LIMIT = 3
"""Calls without an answer after which no further one is made until one of them ends."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """The place of an environment's key, for display."""

    place: KeyPlace
    text: str
    """For example `keyring: Secret Service`."""
    hint: str = ""
    """The key's last four characters, `…1a2b`, where it is known; else empty."""


class Credentials:
    """The keys of all environments, each bound to its environment's origin.

    Belongs to one event loop; only `cached` may be called from other threads.

    Args:
        config_file: Where `key_command` comes from; it must not be writable by others.
        use_keyring: False keeps the keyring out of it, for the demo.
        fixed: Keys by environment id that come from variables or the demo.
    """

    answer_limit = 10.0
    """Seconds for a keyring that needs no password."""
    prompt_limit = 60.0
    """Seconds for one that may prompt for its password."""
    command_limit = 15.0
    """Seconds until a `key_command` is ended."""

    def __init__(
        self,
        *,
        config_file: Path,
        threads: DaemonThreads,
        use_keyring: bool = True,
        fixed: Mapping[str, Secret] | None = None,
    ) -> None:
        self._config_file = config_file
        self._threads = threads
        self._use_keyring = use_keyring
        self._fixed = dict(fixed or {})
        self._session: dict[str, Secret] = {}
        self._found: dict[tuple[str, tuple[str, ...] | None], Secret] = {}
        self._looking: dict[str, asyncio.Lock] = {}
        self._turn = asyncio.Lock()
        self._given_up: list[threading.Event] = []
        """An event for each call that was given up, set once the call has ended."""
        for key in self._fixed.values():
            register_secret(key)

    @cached_property
    def _keyrings(self) -> Keyrings:
        from gale_tui.core.credentials.keyring_backend import Keyrings

        return Keyrings()

    @property
    def session_only(self) -> bool:
        """True if a key lives in this session only."""
        return bool(self._session)

    def cached(self, env: Environment) -> Secret | None:
        """The key if it is in memory; never blocks, may be called from any thread."""
        # One typed in this session comes after the variable, which may have been refused.
        return self._session.get(_entry_name(env)) or self._fixed_key(env) or self._found.get(_cache_key(env))

    async def key(self, env: Environment) -> Secret:
        """The environment's key: of this session, the variables or the demo, its `key_command`, the keyring.

        Raises:
            NoKeyError: There is none for this environment and its present origin.
            KeyCommandError: Its `key_command` gave none.
            KeyringLockedError: The keyring is locked.
            KeyringUnavailableError: There is no keyring, or it does not answer.
        """
        async with self._looking.setdefault(env.id, asyncio.Lock()):
            if known := self.cached(env):
                return known
            if env.key_command is not None:
                found: Secret | None = await self._threads.call(partial(self._run_command, env.key_command))
            elif self._use_keyring and env.source == "config":
                found = await self._with_prompt(partial(self._keyrings.read, _entry_name(env)))
            else:
                found = None
            if found is None:
                raise NoKeyError(
                    f"There is no key for {env.name} ({env.origin.display})",
                    "Enter it on the environments screen, or set GALE_API_KEY together with GALE_HOST",
                )
            return self._remember(env, found)

    async def keep(self, env: Environment, key: Secret) -> None:
        """Stores the key in the keyring, reads it back, and uses it from now on.

        Raises:
            CredentialError: It could not be stored; the previous key is still used.
        """
        register_secret(key)
        if not self._use_keyring or env.source != "config":
            raise KeyringUnavailableError("No keyring is used for this environment", "Keep the key for this session")
        await self._with_prompt(partial(self._keyrings.write, _entry_name(env), key))
        self._session.pop(_entry_name(env), None)
        self._remember(env, key)

    def keep_for_session(self, env: Environment, key: Secret) -> None:
        """Uses the key until the program ends; it is written nowhere."""
        register_secret(key)
        self._session[_entry_name(env)] = key

    async def forget(self, env: Environment) -> None:
        """Deletes the key of this environment and origin wherever this program kept it.

        Raises:
            CredentialError: The keyring is locked or does not answer; the key may still be in it.
        """
        self._session.pop(_entry_name(env), None)
        self.invalidate(env)
        if self._use_keyring and env.source == "config" and (await self.keyring_state()).available:
            await self._with_prompt(partial(self._keyrings.delete, _entry_name(env)))

    async def key_status(self, env: Environment) -> KeyStatus:
        """The place of the key. Unlocks nothing, runs no program, raises nothing."""
        if (key := self._session.get(_entry_name(env))) is not None:
            return KeyStatus("session", "this session only", key.hint)
        if (fixed := self._fixed_key(env)) is not None:
            if env.source == "demo":
                return KeyStatus("demo", "demo", fixed.hint)
            return KeyStatus("GALE_API_KEY", "GALE_API_KEY", fixed.hint)
        found = self._found.get(_cache_key(env))
        hint = found.hint if found else ""
        if env.key_command is not None:
            return KeyStatus("key_command", f"key_command: {inert(Path(env.key_command[0]).name, 40)}", hint)
        if not self._use_keyring or env.source != "config":
            return KeyStatus("none", "no key")
        state = await self.keyring_state()
        if not state.available:
            return KeyStatus("unavailable", state.explanation, hint)
        text = f"keyring: {state.name}"
        if found is not None:
            return KeyStatus("keyring", text, hint)
        if state.locked:
            return KeyStatus("locked", f"{text}, locked")
        try:
            found = await self._within(partial(self._read_unlocked, env), self.answer_limit)
        except KeyringLockedError:
            return KeyStatus("locked", f"{text}, locked")
        except CredentialError as error:
            return KeyStatus("unavailable", str(error))
        if found is None:
            return KeyStatus("none", "no key")
        return KeyStatus("keyring", text, self._remember(env, found).hint)

    async def keyring_state(self) -> KeyringState:
        """Whether keys can be kept on this machine; unlocks nothing."""
        from gale_tui.core.credentials.keyring_backend import WITHOUT_KEYRING, KeyringState

        if not self._use_keyring:
            return KeyringState(False, "", f"No keyring is used here. {WITHOUT_KEYRING}.")
        try:
            return await self._within(self._keyrings.state, self.answer_limit)
        except CredentialError as error:
            return KeyringState(False, "", str(error))

    def invalidate(self, env: Environment) -> None:
        """Discards the key after a 401: the next `key` reads it again."""
        for slot in [slot for slot in self._found if slot[0] == _entry_name(env)]:
            self._found.pop(slot, None)

    def _fixed_key(self, env: Environment) -> Secret | None:
        # An environment of config.toml never gets them, whatever its id: it may name another host.
        return self._fixed.get(env.id) if env.source != "config" else None

    def _remember(self, env: Environment, key: Secret) -> Secret:
        register_secret(key)
        self._found[_cache_key(env)] = key
        return key

    def _run_command(self, command: tuple[str, ...]) -> Secret:
        check_not_writable_by_others(self._config_file)
        return key_from_command(command, self.command_limit)

    def _read_unlocked(self, env: Environment) -> Secret | None:
        if self._keyrings.lock_state() == "locked":
            raise KeyringLockedError("The keyring is locked")
        return self._keyrings.read(_entry_name(env))

    async def _with_prompt(self, call: Callable[[], T]) -> T:
        """Runs a call that may ask a person for the keyring's password: one at a time, or the questions pile up."""
        async with self._turn:
            unlocked = await self._within(self._keyrings.lock_state, self.answer_limit) == "unlocked"
            return await self._within(call, self.answer_limit if unlocked else self.prompt_limit)

    async def _within(self, call: Callable[[], T], seconds: float) -> T:
        self._given_up = [ended for ended in self._given_up if not ended.is_set()]
        if len(self._given_up) >= HUNG_LIMIT:
            raise _no_answer()
        ended = threading.Event()

        def run() -> T:
            try:
                return call()
            finally:
                ended.set()

        try:
            return await self._threads.call(run, within=seconds)
        except TimeoutError:
            raise _no_answer() from None
        finally:
            self._given_up.append(ended)


def _no_answer() -> KeyringUnavailableError:
    from gale_tui.core.credentials.keyring_backend import WITHOUT_KEYRING

    return KeyringUnavailableError(
        "The keyring does not answer; a prompt may be waiting on another screen",
        f"Answer it and try again. {WITHOUT_KEYRING}",
    )


def _entry_name(env: Environment) -> str:
    """The user name of its entry: another host, another entry, so that a key never follows a changed host."""
    return f"{env.id} {env.origin}"


def _cache_key(env: Environment) -> tuple[str, tuple[str, ...] | None]:
    return _entry_name(env), env.key_command
