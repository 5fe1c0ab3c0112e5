"""The operating system's keyring, through an allow-list of backends. Everything here blocks, some of it without end."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from gale_tui.core.errors import ConfigError, CredentialError, KeyringLockedError, KeyringUnavailableError, NoKeyError
from gale_tui.core.identifiers import clean_key
from gale_tui.core.logs import redact
from gale_tui.core.secret import Secret, register_secret
from gale_tui.core.untrusted_text import inert

SERVICE = "gale-tui"
"""The service name of all entries."""

WITHOUT_KEYRING = (
    "Keep the key for this session only, set GALE_API_KEY together with GALE_HOST, "
    "or give the environment a key_command in config.toml"
)

_UNLOCK = "Unlock it (log in at the desktop, or gnome-keyring-daemon --unlock), then try again. " + WITHOUT_KEYRING

_LOCKED = "The keyring is locked and was not unlocked"

LockState = Literal["unlocked", "locked", "missing", "unknown"]
"""`missing`: there is no collection yet, so that the first write prompts for a password; `unknown`: it does not say."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Allowed:
    module: str
    name: str
    title: str
    platform: str
    """Start of `sys.platform`; "bus" for those that speak over the D-Bus session bus."""

    @property
    def full_name(self) -> str:
        return f"{self.module}.{self.name}"


_FREEDESKTOP = "keyring.backends.SecretService"

_ALLOWED = (
    _Allowed("keyring.backends.macOS", "Keyring", "macOS Keychain", "darwin"),
    _Allowed("keyring.backends.Windows", "WinVaultKeyring", "Windows Credential Manager", "win32"),
    _Allowed(_FREEDESKTOP, "Keyring", "Secret Service", "bus"),
    _Allowed("keyring.backends.libsecret", "Keyring", "Secret Service (libsecret)", "bus"),
    _Allowed("keyring.backends.kwallet", "DBusKeyring", "KWallet", "bus"),
    _Allowed("keyring.backends.kwallet", "DBusKeyringKWallet4", "KWallet 4", "bus"),
)

_REFUSED = {
    "keyring.backends.null.Keyring": "it keeps nothing",
    "keyring.backends.fail.Keyring": "it keeps nothing",
    "keyring.backends.chainer.ChainerBackend": "it may hand the key on to a backend that writes it in plain text",
    "keyrings.alt.file.PlaintextKeyring": "it writes the key to a file in plain text",
    "keyrings.alt.file.EncryptedKeyring": "it prompts for a password on the terminal",
}


@dataclass(frozen=True, slots=True)
class KeyringState:
    """Whether keys can be kept on this machine."""

    available: bool
    name: str
    """Its name, for example `Secret Service`; empty if there is none."""
    explanation: str
    """Sentences for a person: where keys go, or why they cannot be kept and what to do."""
    locked: bool = False


class Keyrings:
    """Chooses the backend and speaks to it. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._chosen: tuple[Any, _Allowed] | None = None

    def state(self) -> KeyringState:
        """The keyring and its state; unlocks nothing."""
        try:
            _, allowed = self._backend()
        except KeyringUnavailableError as error:
            return KeyringState(False, "", str(error))
        lock = self.lock_state()
        remark = {
            "locked": ", which is locked: using it may prompt for its password",
            "missing": ", which is empty: the first key prompts for a new password",
        }.get(lock, "")
        return KeyringState(True, allowed.title, f"Keys are kept in {allowed.title}{remark}.", lock == "locked")

    def lock_state(self) -> LockState:
        """The lock of the keyring: whether a read or write would prompt first, as far as that is known.

        Raises:
            KeyringUnavailableError: There is no keyring.
        """
        backend, allowed = self._backend()
        if allowed.module == _FREEDESKTOP:
            return self._translate(lambda: _secret_service_state(backend))
        return "unknown"

    def read(self, user: str) -> Secret | None:
        """The key that is kept under this user name.

        Raises:
            CredentialError: Locked, unavailable, or the stored value is no key.
        """
        backend, allowed = self._backend()
        if not self._open_collection(create=False):
            return None
        found = self._translate(lambda: backend.get_password(SERVICE, user))
        if not isinstance(found, str) or not found:
            return None
        try:
            return clean_key(found)
        except ConfigError:
            raise NoKeyError(
                f"What {allowed.title} keeps for this environment is not a key", "Enter it again"
            ) from None

    def write(self, user: str, key: Secret) -> None:
        """Keeps the key and makes sure that it is there.

        Raises:
            CredentialError: Locked, unavailable, or something else came back; nothing is kept then.
        """
        register_secret(key)
        backend, allowed = self._backend()
        self._open_collection(create=True)
        self._translate(lambda: backend.set_password(SERVICE, user, key.reveal()))
        kept = self._translate(lambda: backend.get_password(SERVICE, user))
        if isinstance(kept, str) and Secret(kept) == key:
            return
        self.delete(user)
        raise KeyringUnavailableError(
            f"{allowed.title} did not keep the key: it gave back {'nothing' if not kept else 'something else'}",
            WITHOUT_KEYRING,
        )

    def delete(self, user: str) -> None:
        """Deletes what is kept under this user name, however often; nothing happens if there is nothing.

        Raises:
            CredentialError: Locked or unavailable, or it is still there.
        """
        backend, allowed = self._backend()
        if not self._open_collection(create=False):
            return
        # A Secret Service may hold several entries for one name and deletes one at a time.
        for _ in range(10):
            if self._translate(lambda: backend.get_password(SERVICE, user)) is None:
                return
            self._translate(lambda: backend.delete_password(SERVICE, user))
        raise KeyringUnavailableError(f"{allowed.title} did not delete the key", "Delete it there by hand")

    def _open_collection(self, create: bool) -> bool:
        """False if there is no collection in which anything could be kept."""
        backend, allowed = self._backend()
        if allowed.module != _FREEDESKTOP:
            return True
        return self._translate(lambda: _open_secret_service(backend, create))

    def _backend(self) -> tuple[Any, _Allowed]:
        with self._lock:
            if self._chosen is None:
                self._chosen = _choose_backend()
            return self._chosen

    def _translate(self, call: Callable[[], T]) -> T:
        failure: CredentialError
        try:
            return call()
        except KeyringLockedError as error:
            failure = error
        except Exception as error:  # a backend lets through every exception of its bus, desktop or system
            failure = _credential_error(error)
        if isinstance(failure, KeyringUnavailableError):
            # Chosen again next time: the bus or the daemon may be another one then.
            with self._lock:
                self._chosen = None
        # Raised outside, so that it does not hold the backend's frames, in which the key is a local variable.
        raise failure


def _choose_backend() -> tuple[Any, _Allowed]:
    """The best backend that is on the list and works here.

    `keyring.get_keyring()` is never called: it may come up with a file in plain text.
    """
    wanted, where = _configured_backend()
    if wanted is not None:
        candidates = [each for each in _ALLOWED if each.full_name == wanted]
        if not candidates:
            why = _REFUSED.get(wanted, "it is not one that is known to keep keys safe")
            raise KeyringUnavailableError(
                f"The keyring backend {inert(wanted, 120)}, chosen by {where}, is not used: {why}", WITHOUT_KEYRING
            )
    else:
        platform = sys.platform if sys.platform in ("darwin", "win32") else "bus"
        candidates = [each for each in _ALLOWED if each.platform == platform]
    if all(each.platform == "bus" for each in candidates) and not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        # Not even tried: libraries would start a bus of their own, on which there is no keyring.
        raise KeyringUnavailableError(
            f"No keyring on this machine: no D-Bus session{_plaintext_remark()}", WITHOUT_KEYRING
        )
    viable: list[tuple[float, Any, _Allowed]] = []
    reasons: list[str] = []
    for each in candidates:
        try:
            kind = getattr(importlib.import_module(each.module), each.name)
            priority = float(kind.priority)
            viable.append((priority, kind(), each))
        except Exception as error:  # each backend raises another exception where it does not work
            reasons.append(f"{each.title}: {inert(redact(str(error)), 120) or type(error).__name__}")
    if not viable:
        raise KeyringUnavailableError(
            f"No keyring on this machine ({'; '.join(reasons)}){_plaintext_remark()}", WITHOUT_KEYRING
        )
    _, backend, allowed = max(viable, key=lambda found: found[0])
    if (type(backend).__module__, type(backend).__name__) != (allowed.module, allowed.name):
        raise KeyringUnavailableError(f"{allowed.full_name} is not what it seems to be", WITHOUT_KEYRING)
    return backend, allowed


def _configured_backend() -> tuple[str | None, str]:
    """The backend that the user chose for all programs with the keyring library, and where it is set."""
    if wanted := os.environ.get("PYTHON_KEYRING_BACKEND", "").strip():
        return wanted, "PYTHON_KEYRING_BACKEND"
    import configparser

    from keyring.util import platform_

    file = platform_.config_root() / "keyringrc.cfg"
    config = configparser.RawConfigParser()
    try:
        config.read(file, encoding="utf-8")
        wanted = config.get("backend", "default-keyring", fallback="").strip()
    except (configparser.Error, OSError, UnicodeDecodeError):
        raise KeyringUnavailableError(f"{file} cannot be read, so no keyring is used", "Correct or delete it") from None
    return wanted or None, str(file)


def _plaintext_remark() -> str:
    try:
        there = importlib.util.find_spec("keyrings.alt") is not None
    except (ImportError, ValueError):
        there = False
    return "; keyrings.alt is installed, but its files in plain text are refused" if there else ""


def _secret_service_state(backend: Any) -> LockState:
    import secretstorage

    with closing(secretstorage.dbus_init()) as connection:
        try:
            collection = secretstorage.Collection(connection, _collection(backend))
            return "locked" if collection.is_locked() else "unlocked"
        except secretstorage.ItemNotFoundException:
            return "missing"


def _open_secret_service(backend: Any, create: bool) -> bool:
    """Unlocks the collection, asking its owner where needed; with `create`, makes one if there is none.

    The backend would do so itself, but leaves its connection open where the owner says no.
    """
    import secretstorage

    with closing(secretstorage.dbus_init()) as connection:
        try:
            collection = secretstorage.Collection(connection, _collection(backend))
        except secretstorage.ItemNotFoundException:
            if not create:
                return False
            try:
                collection = secretstorage.get_default_collection(connection)
            except secretstorage.PromptDismissedException:
                raise KeyringLockedError(
                    "There is no keyring yet, and its new password was not given, or there was no prompt", _UNLOCK
                ) from None
        if collection.is_locked():
            collection.unlock()
        if collection.is_locked():
            raise KeyringLockedError(_LOCKED, _UNLOCK)
    return True


def _collection(backend: Any) -> str:
    return str(getattr(backend, "preferred_collection", "/org/freedesktop/secrets/aliases/default"))


def _credential_error(error: BaseException) -> CredentialError:
    names: list[str] = []
    link: BaseException | None = error
    while link is not None and len(names) < 10:
        names.append(type(link).__name__)
        link = link.__cause__ or link.__context__
    if {"KeyringLocked", "LockedException", "PromptDismissedException"}.intersection(names):
        return KeyringLockedError(_LOCKED, _UNLOCK)
    said = inert(redact(str(error)), 160)
    return KeyringUnavailableError(
        f"The keyring cannot be used ({names[0]}{': ' + said if said else ''})", WITHOUT_KEYRING
    )
