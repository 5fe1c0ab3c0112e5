"""Values that must not be seen: they say nothing in ``repr``, ``str``, ``format`` and ``pickle``."""

from __future__ import annotations

from typing import NoReturn, final

__all__ = ["Secret", "SignedUrl"]

HIDDEN = "••••"


class _Hidden:
    """Holds a string that only :meth:`reveal` gives out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself. Call it where the value is used, never earlier."""
        return self._value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({HIDDEN})"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        import hmac  # late: it brings OpenSSL with it

        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((type(self), self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is not pickled or copied")

    def __copy__(self) -> _Hidden:
        return self

    def __deepcopy__(self, memo: object) -> _Hidden:
        return self


@final
class Secret(_Hidden):
    """An API key."""

    __slots__ = ()

    @property
    def hint(self) -> str:
        """The last four characters behind dots, or dots alone where four would be too much of it."""
        return f"…{self._value[-4:]}" if len(self._value) >= 16 else HIDDEN


@final
class SignedUrl(_Hidden):
    """A download link. Its query and user information are the secret; scheme, host and path may be shown."""

    __slots__ = ()

    @property
    def redacted(self) -> str:
        """The link with its query, fragment and user information left out."""
        head, mark, _ = self._value.partition("?")
        head, hash_mark, _ = head.partition("#")
        scheme, separator, rest = head.partition("://")
        if separator:
            authority, slash, path = rest.partition("/")
            head = f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
        return f"{head}?{HIDDEN}" if mark or hash_mark else head

    def __str__(self) -> str:
        return self.redacted

    def __repr__(self) -> str:
        return f"SignedUrl({self.redacted!r})"
