"""`config.toml`: environments and settings, which people also edit by hand. Keys are never in it."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from gale_tui.core.config.environments import (
    Config,
    check_environment_name,
    environment_tables,
    id_of,
    parse_config,
)
from gale_tui.core.config.settings import Settings, as_toml, check_setting
from gale_tui.core.errors import ConfigError
from gale_tui.core.filesystem import PLAIN, lock_folder, make_private_folder, replace_file
from gale_tui.core.models import Environment
from gale_tui.core.untrusted_text import inert

SIZE_LIMIT: Final = 1 << 20
"""Bytes of a file that is still read."""
_BOM: Final = b"\xef\xbb\xbf"

Section: TypeAlias = Literal["environments", "settings"]
"""The part of the file that a change is about."""
Edit: TypeAlias = Callable[[str, Mapping[str, Any]], str]
"""Makes the new text out of the old one and its parsed content."""


class ConfigFile:
    """The file. Every method reads it again, so that edits from elsewhere are kept.

    Blocking, but short; safe to call from several threads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def load(self) -> Config:
        """Reads the file. One bad environment or setting does not hide the others; it becomes one of `problems`.

        Raises:
            ConfigError: It cannot be read, or it is not TOML; the message names the line.
        """
        return parse_config(self._parse(self._decode(self._read())))

    def save_environment(self, environment: Environment, *, previous_name: str | None = None) -> None:
        """Adds the environment, or replaces the one that is called `previous_name` or has its id.

        Its values come from the checks of the form; a value that would not be read back unchanged is refused.

        Raises:
            ConfigError: The name is taken, a value cannot be kept, or the file cannot be read or written.
        """
        if environment.source != "config":
            raise ConfigError(f"The environment “{environment.name}” is not one of config.toml", "Add a new one")

        def edit(text: str, before: Mapping[str, Any]) -> str:
            import tomlkit

            from gale_tui.core.config.toml_edits import add_table, rename_table, write_environment

            ids = {name: id_of(name, table) for name, table in environment_tables(before).items()}
            check_environment_name(environment.name, ids, own_id=environment.id)
            old = previous_name if previous_name in ids else None
            old = old or next((name for name, id in ids.items() if id == environment.id), None)
            if old is None and environment.name not in ids:
                text = add_table(text, environment.name)
            elif old is not None and old != environment.name:
                if environment.name in ids:
                    raise ConfigError(f"There is an environment “{environment.name}” already", "Choose another name")
                text = rename_table(text, before, old, environment.name)
            document = tomlkit.parse(text)
            write_environment(document, environment)
            return tomlkit.dumps(document)

        self._change("environments", edit, environment)

    def delete_environment(self, id: str) -> None:
        """Deletes the environment, if there is one, but not its key.

        Raises:
            ConfigError: The file cannot be read or written.
        """

        def edit(text: str, before: Mapping[str, Any]) -> str:
            import tomlkit

            document: MutableMapping[str, Any] = tomlkit.parse(text)
            names = [name for name, table in environment_tables(before).items() if id_of(name, table) == id]
            for name in names:
                del document["environments"][name]
            return tomlkit.dumps(document) if names else text

        self._change("environments", edit)

    def save_settings(self, **changes: object) -> Settings:
        """Changes some settings; None deletes the line.

        Returns:
            The settings as they are now.

        Raises:
            ConfigError: A value is invalid, or the file cannot be read or written.
            KeyError: There is no such setting.
        """
        values: dict[str, object] = {}
        for name, value in changes.items():
            try:
                values[name] = as_toml(check_setting(name, value))
            except ValueError as error:
                raise ConfigError(f"The setting “{name}” {error}") from None

        def edit(text: str, before: Mapping[str, Any]) -> str:
            import tomlkit

            from gale_tui.core.config.toml_edits import write_values

            if not isinstance(before.get("settings", {}), dict):
                raise ConfigError("“settings” in config.toml is not a table", "Change that by hand, then try again")
            document: MutableMapping[str, Any] = tomlkit.parse(text)
            if "settings" not in document:
                document["settings"] = tomlkit.table()
            write_values(document["settings"], values)
            return tomlkit.dumps(document)

        return self._change("settings", edit).settings

    def _read(self) -> bytes:
        try:
            # A pipe would wait for a writer; opened like this it is seen to be one.
            descriptor = os.open(self.path, os.O_RDONLY | PLAIN)
            with open(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise ConfigError(f"{self.path} is not a file", "Move it away; the defaults are used")
                content = file.read(SIZE_LIMIT + 1)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be read: {error.strerror}", "Check the file") from None
        if len(content) > SIZE_LIMIT:
            raise ConfigError(f"{self.path} is larger than 1 MiB", "Is it the right file?")
        return content

    def _decode(self, content: bytes) -> str:
        try:
            # An editor may have put a byte order mark in front, which TOML does not know.
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise ConfigError(f"{self.path} is not UTF-8 (line {line})", "Save it as UTF-8") from None

    def _parse(self, text: str) -> dict[str, Any]:
        if not text:
            return {}
        import tomllib  # late: many have no file, in a session with variables for example

        advice = "Correct it; the file is left as it is"
        try:
            return tomllib.loads(text)
        except RecursionError:
            raise ConfigError(f"{self.path} is not valid TOML: brackets are nested too deeply", advice) from None
        except ValueError as error:
            raise ConfigError(f"{self.path} is not valid TOML: {inert(str(error))}", advice) from None

    def _change(self, what: Section, edit: Edit, environment: Environment | None = None) -> Config:
        with self._lock:
            try:
                make_private_folder(self.path.parent)
                with lock_folder(self.path.parent):
                    return self._rewrite(what, edit, environment)
            except OSError as error:
                problem = f"{self.path} cannot be written: {error.strerror or error}"
                raise ConfigError(problem, "Nothing was changed") from None

    def _rewrite(self, what: Section, edit: Edit, environment: Environment | None) -> Config:
        import tomllib

        from tomlkit.exceptions import TOMLKitError

        content = self._read()
        text = self._decode(content)
        before = self._parse(text)
        # The editor writes plain line ends. A file that mixes them is edited as it is.
        returns = text.count("\r\n") == text.count("\n") > 0
        if returns:
            text = text.replace("\r\n", "\n")
        by_hand = f"Make it in {self.path} by hand; nothing was changed"
        try:
            new = edit(text, before)
            after = tomllib.loads(new)
        except (TOMLKitError, ValueError, KeyError):
            raise ConfigError("The change could not be fitted into the file", by_hand) from None
        config = parse_config(after)
        fits = environment is None or environment in config.environments
        if not fits or not _rest_unchanged(before, after, what, environment):
            raise ConfigError("The change could not be fitted into the file", by_hand)
        if new != text:
            new = new.replace("\n", "\r\n") if returns else new
            replace_file(self.path, (_BOM if content.startswith(_BOM) else b"") + new.encode())
        return config


def _rest_unchanged(
    before: Mapping[str, Any], after: Mapping[str, Any], what: Section, environment: Environment | None
) -> bool:
    """True if nothing else has changed: the file is the user's own work."""
    for name in before.keys() | after.keys():
        if name != what and name != "environments" and before.get(name) != after.get(name):
            return False
    tables, own = environment_tables(after), environment.name if environment is not None else None
    kept = {name: table for name, table in environment_tables(before).items() if what == "settings" or name in tables}
    return all(tables.get(name) == table for name, table in kept.items() if name != own)
