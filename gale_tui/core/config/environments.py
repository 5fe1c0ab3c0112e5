"""Environments and settings in `config.toml`, which people also edit by hand. Keys are never in it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gale_tui.core.config import settings as settings_module
from gale_tui.core.config.environment_checks import (
    RESERVED,
    check_ca_file,
    check_environment_name,
    check_proxy,
    environment_from_variables,
    user_path,
)
from gale_tui.core.config.settings import Settings, as_toml, parse_settings
from gale_tui.core.errors import ConfigError
from gale_tui.core.filesystem import folder_locked, make_private_folder, replace_file
from gale_tui.core.identifiers import parse_host
from gale_tui.core.models import Environment
from gale_tui.core.untrusted_text import inert

__all__ = [
    "Config",
    "ConfigFile",
    "check_ca_file",
    "check_environment_name",
    "check_proxy",
    "environment_from_variables",
]

SIZE_LIMIT = 1 << 20
"""Bytes of a file that is still read."""

Section = Literal["environments", "settings"]
"""The part of the file that a change is about."""
Edit = Callable[[str, Mapping[str, Any]], str]
"""Makes the new text out of the old one and what that says."""

_FIELDS = ("host", "production", "ca_file", "proxy", "key_command", "id")


@dataclass(frozen=True, slots=True)
class Config:
    """What `config.toml` says."""

    environments: tuple[Environment, ...] = ()
    """In the order of the file."""
    settings: Settings = field(default_factory=Settings)
    problems: tuple[str, ...] = ()
    """Sentences about everything that could not be used."""

    def environment(self, name_or_id: str) -> Environment | None:
        """The environment of that name, else the one with that id, else the one name that differs in case only."""
        for wanted in ("name", "id"):
            for environment in self.environments:
                if getattr(environment, wanted) == name_or_id:
                    return environment
        alike = [each for each in self.environments if each.name.casefold() == name_or_id.casefold()]
        return alike[0] if len(alike) == 1 else None

    def fresh_id(self, name: str) -> str:
        """An id for a new environment of that name which no other one has, under whatever name it goes by now."""
        taken = {environment.id for environment in self.environments} | set(RESERVED)
        name, number = name.strip(), 1
        id = name
        while id in taken:
            number += 1
            id = f"{name}-{number}"
        return id


class ConfigFile:
    """`config.toml` in its folder. Every method reads it anew, so that what another hand changed is kept.

    Blocking, but short; safe to call from several threads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def load(self) -> Config:
        """Reads it. One bad environment or setting does not hide the others; it becomes one of `problems`.

        Raises:
            ConfigError: It cannot be read, or it is not TOML; the line is named.
        """
        return _config(self._parsed(self._text()))

    def save_environment(self, environment: Environment, *, previous_name: str | None = None) -> None:
        """Adds the environment, or writes over the one that is called `previous_name` or has its id.

        Raises:
            ConfigError: A value that cannot be kept, a name that is taken, or the file cannot be read or written.
        """
        if environment.source != "config":
            raise ConfigError(f"The environment “{environment.name}” is not one of config.toml", "Add a new one")
        proxy = check_proxy(environment.proxy or "")
        ca_file = check_ca_file(str(environment.ca_file or ""))
        environment = dataclasses.replace(
            environment,
            name=environment.name.strip(),
            proxy=proxy,
            ca_file=ca_file,
            key_command=environment.key_command or None,
        )

        def edit(text: str, before: Mapping[str, Any]) -> str:
            import tomlkit

            from gale_tui.core.config.toml_edits import renamed, with_new_table, write_environment

            ids = {name: _id(name, table) for name, table in _tables(before).items()}
            check_environment_name(environment.name, ids, own_id=environment.id)
            old = previous_name if previous_name in ids else None
            old = old or next((name for name, id in ids.items() if id == environment.id), None)
            if old is None and environment.name not in ids:
                text = with_new_table(text, environment.name)
            elif old is not None and old != environment.name:
                if environment.name in ids:
                    raise ConfigError(f"There is an environment “{environment.name}” already", "Choose another name")
                text = renamed(text, before, old, environment.name)
            document = tomlkit.parse(text)
            write_environment(document, environment)
            return tomlkit.dumps(document)

        self._change("environments", edit, environment)

    def delete_environment(self, id: str) -> None:
        """Takes the environment out; nothing happens where there is none. `Credentials.forget` deletes its key.

        Raises:
            ConfigError: The file cannot be read or written.
        """

        def edit(text: str, before: Mapping[str, Any]) -> str:
            import tomlkit

            document: MutableMapping[str, Any] = tomlkit.parse(text)
            names = [name for name, table in _tables(before).items() if _id(name, table) == id]
            for name in names:
                del document["environments"][name]
            return tomlkit.dumps(document) if names else text

        self._change("environments", edit)

    def save_settings(self, **changes: object) -> Settings:
        """Changes some settings and leaves the others; None takes the line out.

        Returns:
            The settings as they are now.

        Raises:
            ConfigError: A value that cannot be used, or the file cannot be read or written.
            TypeError: There is no such setting.
        """
        try:
            valid = settings_module.changed(Settings(), changes)
        except ValueError as error:
            raise ConfigError(str(error)) from None

        def edit(text: str, before: Mapping[str, Any]) -> str:
            import tomlkit

            from gale_tui.core.config.toml_edits import write_values

            if not isinstance(before.get("settings", {}), dict):
                raise ConfigError("“settings” in config.toml is no table", "Change that by hand, then try again")
            document: MutableMapping[str, Any] = tomlkit.parse(text)
            if "settings" not in document:
                document["settings"] = tomlkit.table()
            write_values(document["settings"], {name: as_toml(getattr(valid, name)) for name in changes})
            return tomlkit.dumps(document)

        return self._change("settings", edit).settings

    def _text(self) -> str:
        try:
            with self.path.open("rb") as file:
                content = file.read(SIZE_LIMIT + 1)
        except FileNotFoundError:
            return ""
        except OSError as error:
            advice = "Give yourself the right to read it"
            raise ConfigError(f"{self.path} cannot be read: {error.strerror}", advice) from None
        if len(content) > SIZE_LIMIT:
            raise ConfigError(f"{self.path} is larger than 1 MiB", "Is it the right file?")
        try:
            # An editor may have put a byte order mark in front, which TOML does not know.
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise ConfigError(f"{self.path} is not UTF-8 (line {line})", "Save it as UTF-8") from None

    def _parsed(self, text: str) -> dict[str, Any]:
        if not text:
            return {}
        import tomllib  # late: many have no file, in a session with variables for example

        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            advice = "Correct that line; the file is left as it is"
            raise ConfigError(f"{self.path} is not valid TOML: {inert(str(error))}", advice) from None

    def _change(self, what: Section, edit: Edit, environment: Environment | None = None) -> Config:
        with self._lock:
            try:
                make_private_folder(self.path.parent)
                with folder_locked(self.path.parent):
                    return self._rewrite(what, edit, environment)
            except OSError as error:
                problem = f"{self.path} cannot be written: {error.strerror or error}"
                raise ConfigError(problem, "Nothing was changed") from None

    def _rewrite(self, what: Section, edit: Edit, environment: Environment | None) -> Config:
        import tomllib

        from tomlkit.exceptions import TOMLKitError

        text = self._text()
        before = self._parsed(text)
        by_hand = f"Make it in {self.path} by hand; nothing was changed"
        try:
            new = edit(text, before)
            after = tomllib.loads(new)
        except (TOMLKitError, ValueError, KeyError):
            raise ConfigError("The change could not be fitted into the file", by_hand) from None
        config = _config(after)
        fits = environment is None or environment in config.environments
        if not fits or not _others_untouched(before, after, what, environment):
            raise ConfigError("The change could not be fitted into the file", by_hand)
        if new != text:
            replace_file(self.path, new.encode())
        return config


def _others_untouched(
    before: Mapping[str, Any], after: Mapping[str, Any], what: Section, environment: Environment | None
) -> bool:
    """Whether all that was not to be changed is as it was: the file is somebody's own work."""
    for name in before.keys() | after.keys():
        if name != what and name != "environments" and before.get(name) != after.get(name):
            return False
    tables, own = _tables(after), environment.name if environment is not None else None
    kept = {name: table for name, table in _tables(before).items() if what == "settings" or name in tables}
    return all(tables.get(name) == table for name, table in kept.items() if name != own)


def _tables(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    environments = document.get("environments", {})
    if not isinstance(environments, dict):
        return {}
    return {name: table for name, table in environments.items() if isinstance(table, dict)}


def _id(name: str, table: Mapping[str, Any]) -> str:
    given = table.get("id")
    return given if isinstance(given, str) and given else name.strip()


def _config(document: Mapping[str, Any]) -> Config:
    problems: list[str] = []
    environments: dict[str, Environment] = {}
    section = document.get("environments", {})
    if not isinstance(section, dict):
        problems.append("“environments” in config.toml is no table, so there are none.")
        section = {}
    for name, table in section.items():
        try:
            environment = _environment(name, table, problems)
            if environment.id in environments:
                other = environments[environment.id].name
                raise ConfigError(f"Its id is also that of “{other}”", "Change one of them")
        except ConfigError as error:
            problems.append(f"The environment “{inert(name, 60)}” is left out. {error}")
        else:
            environments[environment.id] = environment
    settings, bad_settings = parse_settings(document.get("settings", {}))
    problems.extend(bad_settings)
    return Config(tuple(environments.values()), settings, tuple(problems))


def _environment(name: str, table: object, problems: list[str]) -> Environment:
    shown = check_environment_name(name)
    if not isinstance(table, dict):
        raise ConfigError("It is no table", f'Write [environments.{shown}] and below it host = "…"')
    id = table.get("id", shown)
    if not isinstance(id, str) or not id.strip() or len(id) > 100 or not id.isprintable() or id in RESERVED:
        raise ConfigError("Its id cannot be used", "Leave the line out, or choose another one")
    host, production = table.get("host"), table.get("production", False)
    if not isinstance(host, str):
        raise ConfigError("It has no host", 'Add host = "…"')
    if not isinstance(production, bool):
        # Left out rather than guessed: a production environment must not pass for another.
        raise ConfigError("production must be true or false")
    ca_file, proxy = table.get("ca_file", ""), table.get("proxy", "")
    if not isinstance(ca_file, str) or not isinstance(proxy, str):
        raise ConfigError("ca_file and proxy must be text")
    ca_path = user_path(ca_file.strip()) if ca_file.strip() else None
    environment = Environment(
        id=id,
        name=shown,
        origin=parse_host(host),
        production=production,
        ca_file=ca_path,
        proxy=check_proxy(proxy),
        key_command=_command(table.get("key_command")),
    )
    if ca_path is not None and not ca_path.is_file():
        problems.append(f"The CA file of “{shown}”, {inert(str(ca_path))}, is not there; connections may fail.")
    problems.extend(
        f"There is no “{inert(each, 60)}” in an environment; it is ignored in “{shown}”."
        for each in table
        if each not in _FIELDS
    )
    return environment


def _command(value: object) -> tuple[str, ...] | None:
    if value is None or value == []:
        return None
    if not isinstance(value, list) or not all(isinstance(word, str) and "\0" not in word for word in value):
        raise ConfigError("key_command must be a list of words", 'For example ["pass", "show", "gale/staging"]')
    if not value[0].strip():
        raise ConfigError("key_command names no program", 'For example ["pass", "show", "gale/staging"]')
    return tuple(value)
