"""Which proxy leads to a host: the environment's own, else that of the usual variables; none to this machine."""

from __future__ import annotations

import contextlib
import ipaddress
import os
from urllib.request import getproxies, proxy_bypass

from gale_tui.core.models import Origin
from gale_tui.core.untrusted_text import inert


def proxy_for(origin: Origin, explicit: str | None) -> str | None:
    """URL of the proxy to use for an origin, or None for a direct connection.

    Args:
        origin: Where the request goes. Loopback is always direct, or its key would be shown to the proxy.
        explicit: The proxy of the environment. ``NO_PROXY`` counts for it as well.
    """
    if origin.loopback or _is_excepted(origin):
        return None
    proxy = explicit
    if not proxy:
        if proxy_bypass(origin.host):
            return None
        configured = getproxies()
        proxy = configured.get(origin.scheme) or configured.get("all")
    if not proxy:
        return None
    if "://" not in proxy:
        return f"http://{proxy}"
    # Desktops write socks:// where the libraries want to know the version.
    return f"socks5://{proxy[8:]}" if proxy.lower().startswith("socks://") else proxy


def redact_proxy(proxy: str) -> str:
    """The proxy as it may be shown: no user name, no password."""
    scheme, separator, rest = proxy.partition("://")
    return inert(f"{scheme}{separator}{rest.partition('/')[0].rpartition('@')[2]}")


def _is_excepted(origin: Origin) -> bool:
    """True if ``NO_PROXY`` names the host, a domain above it, its address or a network around that."""
    listed = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = (f".{origin.host}", f".{origin.host}:{origin.port}")
    for entry in listed.lower().split(","):
        name = entry.strip().strip("*.[]")
        if entry.strip() == "*" or (name and any(host.endswith(f".{name}") for host in hosts)):
            return True
        with contextlib.suppress(ValueError):
            if ipaddress.ip_address(origin.host) in ipaddress.ip_network(name, strict=False):
                return True
    return False
