"""Edits of the text of `config.toml` that keep its comments, its order and the user's wording."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from gale_tui.core.config.environments import user_path
from gale_tui.core.errors import ConfigError
from gale_tui.core.identifiers import parse_host
from gale_tui.core.models import Environment


def add_table(text: str, name: str) -> str:
    """The text with an empty environment at its end, or unchanged if none fits there."""
    import tomlkit

    head = f"{text.rstrip()}\n\n" if text.strip() else ""
    candidate = f"{head}[environments.{tomlkit.key(name).as_string()}]\n"
    try:
        tomllib.loads(candidate)
    except tomllib.TOMLDecodeError:
        return text
    return candidate


def rename_table(text: str, before: Mapping[str, Any], old: str, new: str) -> str:
    """The text with the environment renamed, in its place and with its comments if that is possible."""
    import tomlkit

    environments = {new if name == old else name: table for name, table in before["environments"].items()}
    key = tomlkit.key(new).as_string()
    written = "|".join(re.escape(form) for form in (old, f'"{old}"', f"'{old}'"))
    header = re.compile(rf"^([ \t]*\[[ \t]*environments[ \t]*\.[ \t]*)(?:{written})([ \t]*\])", re.MULTILINE)
    for match in header.finditer(text):
        candidate = f"{text[: match.start()]}{match[1]}{key}{match[2]}{text[match.end() :]}"
        try:
            found = tomllib.loads(candidate)
        except tomllib.TOMLDecodeError:
            continue
        if list(found["environments"]) == list(environments):
            return candidate
    document: MutableMapping[str, Any] = tomlkit.parse(text)
    section = document["environments"]
    table = _empty_table(section)
    for name, value in before["environments"][old].items():
        table[name] = value
    del section[old]
    section[new] = table
    return tomlkit.dumps(document)


def _empty_table(section: object) -> MutableMapping[str, Any]:
    import tomlkit
    from tomlkit.items import InlineTable

    return tomlkit.inline_table() if isinstance(section, InlineTable) else tomlkit.table()


def write_environment(document: MutableMapping[str, Any], environment: Environment) -> None:
    import tomlkit

    if "environments" not in document:
        document["environments"] = tomlkit.table(is_super_table=True)
    section = document["environments"]
    if not isinstance(section, MutableMapping):
        raise ConfigError("“environments” in config.toml is not a table", "Change that by hand, then try again")
    if environment.name not in section:
        section[environment.name] = _empty_table(section)
    table = section[environment.name]
    # A value that means the same stays as its author wrote it.
    host, ca_file = table.get("host"), table.get("ca_file")
    path = environment.ca_file and str(environment.ca_file)
    values: dict[str, object] = {
        "host": host if _reads_as(parse_host, host, environment.origin) else str(environment.origin),
        "production": environment.production or (False if "production" in table else None),
        "ca_file": ca_file if _reads_as(user_path, ca_file, environment.ca_file) else path,
        "proxy": environment.proxy,
        "key_command": None if environment.key_command is None else list(environment.key_command),
        "id": None if environment.id == environment.name else environment.id,
    }
    write_values(table, values)


def write_values(table: MutableMapping[str, Any], values: Mapping[str, object]) -> None:
    """Writes the values that differ; None deletes a line."""
    for name, value in values.items():
        written = table.get(name)
        if value is None:
            table.pop(name, None)
        elif isinstance(value, dict) and isinstance(written, MutableMapping):
            deleted: dict[str, object] = {key: None for key in written if key not in value}
            write_values(written, deleted | value)
        elif written != value or isinstance(written, bool) != isinstance(value, bool):
            table[name] = value


def _reads_as(read: Callable[[str], object], written: object, value: object) -> bool:
    try:
        return isinstance(written, str) and value is not None and read(written.strip()) == value
    except ConfigError:
        return False
