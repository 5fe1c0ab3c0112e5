"""Environments as `config.toml` and the variables describe them: read, checked, and never with a key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from gale_tui.core.config.settings import Settings, parse_settings
from gale_tui.core.errors import ConfigError
from gale_tui.core.identifiers import clean_key, parse_host
from gale_tui.core.models import Environment
from gale_tui.core.secret import Secret
from gale_tui.core.untrusted_text import inert

VARIABLES_ID: Final = "env"
DEMO_ID: Final = "demo"
RESERVED: Final = (VARIABLES_ID, DEMO_ID)
"""Names and ids that `config.toml` may not use: their keys come from elsewhere."""

_PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
_FIELDS: Final = ("host", "production", "ca_file", "proxy", "key_command", "id")


@dataclass(frozen=True, slots=True)
class Config:
    environments: tuple[Environment, ...] = ()
    """In the order of the file."""
    settings: Settings = field(default_factory=Settings)
    problems: tuple[str, ...] = ()
    """A sentence about each thing that could not be used."""

    def fresh_id(self, name: str) -> str:
        """An unused id for a new environment of that name."""
        taken = {environment.id for environment in self.environments} | set(RESERVED)
        name, number = name.strip(), 1
        id = name
        while id in taken:
            number += 1
            id = f"{name}-{number}"
        return id


def environment_from_variables(environ: Mapping[str, str]) -> tuple[Environment, Secret] | None:
    """The environment that `GALE_HOST` and `GALE_API_KEY` describe, with its key; None if neither is set.

    Raises:
        ConfigError: One of them without the other, or a value that cannot be used.
    """
    host, key = environ.get("GALE_HOST", "").strip(), environ.get("GALE_API_KEY", "").strip()
    if not host and not key:
        return None
    if not key:
        raise ConfigError("GALE_HOST is set but GALE_API_KEY is not", "Set both, or neither")
    if not host:
        raise ConfigError("GALE_API_KEY is set but GALE_HOST is not", "Set both, or neither")
    try:
        origin = parse_host(host)
    except ConfigError as error:
        raise ConfigError(f"GALE_HOST cannot be used: {error.what}", error.advice) from None
    try:
        secret = clean_key(key)
    except ConfigError as error:
        raise ConfigError(f"GALE_API_KEY cannot be used: {error.what}", error.advice) from None
    return Environment(id=VARIABLES_ID, name=VARIABLES_ID, origin=origin, source="variables"), secret


def check_environment_name(text: str, taken: Mapping[str, str] | None = None, own_id: str | None = None) -> str:
    """The name, trimmed.

    Args:
        taken: Ids of the other environments by name.
        own_id: Id of the edited environment, which may keep its name.

    Raises:
        ConfigError: It is empty, too long, reserved, or another environment has it.
    """
    name = text.strip()
    if not name:
        raise ConfigError("The name is missing", "Type one, for example staging")
    if len(name) > 60 or not name.isprintable():
        raise ConfigError("The name is longer than 60 characters or has characters that are not shown", "Shorten it")
    if name.casefold() in RESERVED:
        raise ConfigError(f"“{name}” is a name that gale-tui uses itself", "Choose another one")
    for other, other_id in (taken or {}).items():
        if other.casefold() == name.casefold() and other_id != own_id:
            raise ConfigError(f"There is an environment “{other}” already", "Choose another name")
    return name


def check_proxy(text: str) -> str | None:
    """The proxy's URL; None if nothing was typed.

    Raises:
        ConfigError: It is no URL of a proxy, or has a password, which the message does not repeat.
    """
    url = text.strip()
    if not url:
        return None
    if "://" not in url:
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        host, port, password = parts.hostname, parts.port, parts.password
    except ValueError:
        host, port, password, parts = None, None, None, urlsplit("")
    if password is not None:
        raise ConfigError(
            "The proxy has a password in it, and config.toml must not hold one",
            "Use a local proxy that signs in for you (cntlm, px), or HTTPS_PROXY for one session",
        )
    if parts.scheme not in _PROXY_SCHEMES or not host or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigError("The proxy is not an address", "It looks like http://proxy.example.com:8080")
    if parts.path not in ("", "/") or parts.query or parts.fragment or port == 0:
        raise ConfigError("The proxy is not an address", "It ends with the port: http://proxy.example.com:8080")
    return url.rstrip("/")


def check_ca_file(text: str) -> Path | None:
    """The file's absolute path; None if nothing was typed.

    Raises:
        ConfigError: There is no such file, or no certificate in it.
    """
    if not text.strip():
        return None
    path = user_path(text.strip())
    import ssl  # late: only where a certificate is looked at

    from gale_tui.core.http.tls import load_authorities

    load_authorities(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), str(path), "The CA file")
    return path


def user_path(text: str) -> Path:
    """The absolute path; `~` is the home.

    Raises:
        ConfigError: It is not absolute.
    """
    if "\0" in text:
        raise ConfigError("The CA file is not a path")
    path = Path(os.path.expanduser(text))
    if not path.is_absolute():
        raise ConfigError("The CA file is not an absolute path", "Begin it with / or ~")
    return path


def environment_tables(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The tables below `environments`, by their names."""
    environments = document.get("environments", {})
    if not isinstance(environments, dict):
        return {}
    return {name: table for name, table in environments.items() if isinstance(table, dict)}


def id_of(name: str, table: Mapping[str, Any]) -> str:
    """The id of an environment: its own, or its name."""
    given = table.get("id")
    return given if isinstance(given, str) and given else name.strip()


def parse_config(document: Mapping[str, Any]) -> Config:
    """The config of a parsed file. An invalid part hides nothing else; it becomes one of `problems`."""
    problems: list[str] = []
    environments: dict[str, Environment] = {}
    section = document.get("environments", {})
    if not isinstance(section, dict):
        problems.append("“environments” in config.toml is not a table, so no environment was read.")
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
        raise ConfigError("It is not a table", f'Write [environments.{shown}] and below it host = "…"')
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
