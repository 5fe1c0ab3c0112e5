"""Names of files in a tree: readable, the same on every system, and safe wherever they come from."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from typing import Final

from gale_tui.core.errors import SourceError
from gale_tui.core.untrusted_text import inert, is_reserved, safe_file_stem

MANIFEST: Final = "gale-tool.json"
FLOW: Final = "flow_definition.json"
APPLICATION: Final = "app_definition.json"
VARIABLES: Final = "env_variables.json"
VALUES: Final = "env_values.json"
"""Values of environment variables; never under version control."""
LAYOUT: Final = "layout.json"
NODES: Final = "nodes"
OTHERS: Final = "files"
STATE: Final = ".gale-unpack"
"""Unpack's own state on this machine; never under version control."""
IGNORE: Final = ".gitignore"
ATTRIBUTES: Final = ".gitattributes"

_LONGEST: Final = 240
"""Bytes of a name; file systems take 255."""
_DEEPEST: Final = 2


def numbered(stem: str, ending: str = "") -> Iterator[str]:
    """The stem without its last character, then the stem and 2, 3 …; `ending` behind each."""
    yield stem[:-1] + ending
    yield from (f"{stem}{number}{ending}" for number in count(2))


def slug(text: str) -> str:
    """Lower-case letters and digits with dashes between, at most 60 bytes; empty if the text has none."""
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text[:400]).casefold())
    words = "".join(each if each.isalnum() else "-" for each in plain)
    # Marks and letters that compose again on some systems would be another name there.
    words = re.sub("-{2,}", "-", words).strip("-")
    return words.encode()[:60].decode("utf-8", "ignore").strip("-")


def _id_part(text: str) -> str:
    """An id as part of a name: itself where it can be, else with a checksum."""
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", text)[:48].strip("-")
    if safe == text:
        return safe
    return f"{safe}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}".lstrip("-")


class Names:
    """Gives out names for the files of one tree; no two that a case-insensitive disk takes for one."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._keys: set[str] = set()
        for name in (MANIFEST, FLOW, APPLICATION, VARIABLES, VALUES, LAYOUT, STATE, IGNORE, ATTRIBUTES):
            self.take(name, "")

    def take(self, stem: str, ending: str) -> str:
        """`stem` + `ending`, with a number between them if that is taken."""
        name = next(each for each in numbered(f"{stem}-", ending) if _folded(each) not in self._taken)
        self._taken.add(_folded(name))
        return name

    def key(self, key: str) -> str:
        """The same for keys of `layout.json`."""
        found = next(each for each in numbered(f"{key}#") if each not in self._keys)
        self._keys.add(found)
        return found

    def node(self, name: str, node_id: str, kind: str) -> tuple[str, str]:
        """The file of a node, and what its texts and positions are called after: the file's stem, the id's part."""
        own = _id_part(node_id) if node_id else ""
        words = slug(name) or slug(kind) or "node"
        stem = f"{words}--{own}" if own else safe_file_stem(words, "node", 80)
        return self.take(f"{NODES}/{stem}", ".json"), own or stem

    def text(self, base: str, path: tuple[str, ...], ending: str) -> str:
        """The file of a text that stands at `path` in the file `base`."""
        dotted = ".".join(re.sub(r"\W+", "-", each).strip("-_") or "-" for each in path)
        own = dotted.encode()[:80].decode("utf-8", "ignore")
        if own != dotted:
            whole = "\0".join(path).encode("utf-8", "surrogatepass")
            own = f"{own}-{hashlib.sha256(whole).hexdigest()[:8]}"
        return self.take(f"{base.removesuffix('.json')}.{unicodedata.normalize('NFC', own)}", ending)

    def other(self, member: str) -> str:
        """The file of a member that is no document of the tool, whatever its name."""
        parts = [part for part in re.split(r"[/\\]", member) if part.strip(" .")]
        stem, dot, ending = "--".join(parts[-8:])[-400:].rpartition(".")
        if not re.fullmatch(r"[A-Za-z0-9]{1,10}", ending):
            stem, dot, ending = stem + dot + ending, "", ""
        return self.take(f"{OTHERS}/{safe_file_stem(stem, 'file', 160)}", dot + ending)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def checked_path(path: object, named_in: str = "") -> str:
    """A path of a tree as some file names it.

    Raises:
        SourceError: It leads out of the tree, into unpack's own files, or no tree has such a name.
    """
    if isinstance(path, str):
        parts = path.split("/")
        if len(parts) <= _DEEPEST and all(_is_plain(part) for part in parts) and _folded(parts[0]) not in _CLOSED:
            return path
    raise SourceError(f"{inert(path, 80)!r} is not part of an unpacked tool", file=named_in)


_CLOSED: Final = frozenset({STATE, ".git"})
_FORBIDDEN: Final = re.compile(r'[<>:"|?*\\]')


@lru_cache(1 << 16)
def _is_plain(part: str) -> bool:
    if part in (IGNORE, ATTRIBUTES):
        return True
    return (
        0 < len(part.encode("utf-8", "surrogatepass")) <= _LONGEST
        and part.isprintable()
        and _FORBIDDEN.search(part) is None
        and not part.startswith((".", " "))
        and not part.endswith((".", " "))
        and not is_reserved(part)
    )
