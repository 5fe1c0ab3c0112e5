"""What belongs to an environment, checked: its name, proxy and CA file, and the variables that describe one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from gale_tui.core.errors import ConfigError
from gale_tui.core.identifiers import clean_key, parse_host
from gale_tui.core.models import Environment
from gale_tui.core.secret import Secret
from gale_tui.core.untrusted_text import inert

__all__ = [
    "RESERVED",
    "check_ca_file",
    "check_environment_name",
    "check_proxy",
    "environment_from_variables",
    "user_path",
]

VARIABLES_ID = "env"
DEMO_ID = "demo"
RESERVED = (VARIABLES_ID, DEMO_ID)
"""Names and ids that no environment of `config.toml` may have: their keys come from elsewhere."""

_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


def environment_from_variables(environ: Mapping[str, str]) -> tuple[Environment, Secret] | None:
    """The environment that `GALE_HOST` and `GALE_API_KEY` describe, with its key; None where neither is set.

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
    """The name without outer white space.

    Args:
        text: As typed.
        taken: Ids of the other environments by name.
        own_id: Id of the environment that is being edited, which may keep its name.

    Raises:
        ConfigError: Empty, too long, reserved, or another environment's.
    """
    name = text.strip()
    if not name:
        raise ConfigError("There is no name", "Type one, for example staging")
    if len(name) > 60 or not name.isprintable():
        raise ConfigError("The name is longer than 60 characters or has characters that are not shown", "Shorten it")
    if name.casefold() in RESERVED:
        raise ConfigError(f"“{name}” is a name that gale-tui uses itself", "Choose another one")
    for other, other_id in (taken or {}).items():
        if other.casefold() == name.casefold() and other_id != own_id:
            raise ConfigError(f"There is an environment “{other}” already", "Choose another name")
    return name


def check_proxy(text: str) -> str | None:
    """The proxy's URL as it is kept; None where nothing was typed.

    Raises:
        ConfigError: No URL of a proxy, or a password in it. The message does not repeat it.
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
            "The proxy has a password in it, and config.toml is no place for one",
            "Use a local proxy that signs in for you (cntlm, px), or HTTPS_PROXY for one session",
        )
    if parts.scheme not in _PROXY_SCHEMES or not host or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigError("The proxy is not an address", "It looks like http://proxy.example.com:8080")
    if parts.path not in ("", "/") or parts.query or parts.fragment or port == 0:
        raise ConfigError("The proxy is not an address", "It ends with the port: http://proxy.example.com:8080")
    return url.rstrip("/")


def check_ca_file(text: str) -> Path | None:
    """The file's absolute path; None where nothing was typed.

    Raises:
        ConfigError: No such file, or no certificate in it.
    """
    if not text.strip():
        return None
    path = user_path(text.strip())
    import ssl  # late: only where a certificate is looked at

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise ConfigError(
            f"There is no certificate in PEM form in {inert(str(path))}",
            "A PEM file has lines with BEGIN CERTIFICATE; openssl x509 -inform der converts others",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"The CA file {inert(str(path))} cannot be read: {error.strerror}", "Check the path"
        ) from None
    return path


def user_path(text: str) -> Path:
    """The absolute path that a person wrote, `~` being the home.

    Raises:
        ConfigError: It is none.
    """
    if "\0" in text:
        raise ConfigError("The CA file is not a path")
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        path = Path(text)
    if not path.is_absolute():
        raise ConfigError("The CA file is not an absolute path", "Begin it with / or ~")
    return path
