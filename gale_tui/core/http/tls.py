"""Whom TLS trusts: the operating system's authorities, those of the environment's CA file, those of SSL_CERT_FILE."""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Iterator
from pathlib import Path

from gale_tui.core.errors import ConfigError
from gale_tui.core.untrusted_text import inert


class TrustedContexts:
    """TLS contexts, lent for one handshake each.

    The context that asks the operating system holds a lock during the handshake, so that with a single one a server
    that stalls there would keep everybody else waiting.
    """

    def __init__(self, ca_file: Path | None) -> None:
        self._ca_file = ca_file
        self._idle: list[ssl.SSLContext] = []

    @contextlib.contextmanager
    def lend(self) -> Iterator[ssl.SSLContext]:
        """A context for one handshake.

        Raises:
            ConfigError: A CA file cannot be read.
        """
        try:
            context = self._idle.pop()
        except IndexError:
            context = self._make()
        try:
            yield context
        finally:
            self._idle.append(context)

    def _make(self) -> ssl.SSLContext:
        import truststore  # late: only https needs it

        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        if self._ca_file is not None:
            load_authorities(context, str(self._ca_file), "The CA file of this environment")
        for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            place = os.environ.get(variable, "")
            if os.path.isdir(place):
                context.load_verify_locations(capath=place)
            elif place:
                load_authorities(context, place, variable)
        return context


_CA_LIMIT = 16 << 20


def load_authorities(context: ssl.SSLContext, place: str, name: str) -> None:
    """Lets a context trust the authorities of a PEM file, which errors call `name`.

    Raises:
        ConfigError: It cannot be read, or holds no certificate that is whole.
    """
    shown = inert(place)
    try:
        context.load_verify_locations(cafile=place)
    except ssl.SSLError:
        with open(place, "rb") as file:
            count = file.read(_CA_LIMIT).count(b"-----BEGIN ")
        what = f"is damaged or cut off in certificate {count}" if count else "holds no certificates"
        raise ConfigError(
            f"{name} ({shown}) {what}",
            "A PEM file has lines with BEGIN CERTIFICATE; openssl x509 -inform der converts others",
        ) from None
    except OSError as error:
        raise ConfigError(f"{name} ({shown}) cannot be read: {error.strerror}", "Check its path and mode") from None


_ANOTHER_AUTHORITY = (
    "If your organisation has its own certificate authority, set a CA file for this environment; "
    "else somebody may be listening in"
)
_CLOCK = "Whoever runs the host must renew it; check this machine's clock too"
# Numbers of OpenSSL's X509_V_ERR_…; other systems give a text only.
_PROBLEMS = {
    9: ("is not valid yet", "Check this machine's clock"),
    10: ("has expired", _CLOCK),
    18: ("is self-signed", _ANOTHER_AUTHORITY),
    19: ("comes from a self-signed authority that is not trusted here", _ANOTHER_AUTHORITY),
    20: ("comes from an authority that is not known here", _ANOTHER_AUTHORITY),
    21: ("comes from an authority that is not known here", _ANOTHER_AUTHORITY),
    23: ("has been revoked", "Whoever runs the host must replace it"),
    62: ("is for another name", "Check the host; a proxy or login page may be in between"),
    64: ("is for another address", "Check the host; use its name instead of its address"),
}


def certificate_problem(error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    """The problem of a certificate, as the end of "The certificate of … ", and what to do."""
    known = _PROBLEMS.get(getattr(error, "verify_code", 0))
    if known:
        return known
    message = inert(getattr(error, "verify_message", "") or getattr(error, "reason", "") or "no reason given")
    return f"is not trusted: {message}", _ANOTHER_AUTHORITY
