"""The framework's private names that this package uses, and whether they are what it was tested with.

Where they are not, `TerminalApp` leaves painting, keys and the crash report to the framework.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any, Final

TESTED_WITH: Final = "8.2.8"

_SIGNATURES: Final = (
    ("textual._compositor", "LayoutUpdate.__init__", ("self", "strips", "region")),
    ("textual._compositor", "ChopsUpdate.__init__", ("self", "chops", "spans", "chop_ends")),
    ("textual._compositor", "CompositorUpdate.render_segments", ("self", "console")),
    ("textual._xterm_parser", "XTermParser.feed", ("self", "data")),
    ("textual._parser", "Parser.tick", ("self",)),
    ("textual.app", "App._display", ("self", "screen", "renderable")),
    ("textual.app", "App._fatal_error", ("self",)),
    ("textual.app", "App._print_error_renderables", ("self",)),
    ("textual.app", "App._close_messages_no_wait", ("self",)),
    ("textual.app", "App._unnotify", ("self", "notification", "refresh")),
    ("textual.driver", "Driver.__init__", ("self", "app", "debug", "mouse", "size")),
    ("textual.widget", "Widget._refresh_scrollbars", ("self",)),
)
"""Module, function, parameters."""
_SET: Final = (
    ("textual.app", "App", ("_batch_count", "_clipboard", "_exit_renderables", "_notifications")),
    ("textual.app", "App", ("_previous_cursor_position",)),
    ("textual.driver", "Driver", ("_mouse",)),
    ("textual.message_pump", "MessagePump", ("_closed", "_running")),
)
"""Module, class, attributes that its constructor sets."""


@cache
def private_problem() -> str:
    """The first private name that is missing or another than was tested; empty if all are there."""
    for module, path, parameters in _SIGNATURES:
        function = _find(module, path)
        if function is None:
            return f"{module}.{path} is missing"
        code = getattr(function, "__code__", None)
        if code is None or code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] != parameters:
            return f"{module}.{path} has other parameters"
    for module, name, attributes in _SET:
        constructor = _find(module, f"{name}.__init__")
        names = getattr(getattr(constructor, "__code__", None), "co_names", ())
        for attribute in attributes:
            if attribute not in names:
                return f"{module}.{name}.{attribute} is missing"
    return "" if _find("textual.screen", "Screen._update_timer") else "textual.screen.Screen._update_timer is missing"


def release_closed_widgets() -> None:
    """Clears a cache in which the framework keeps up to 1,024 closed widgets' painted lines: some 20 MB."""
    cached = _find("textual._styles_cache", "StylesCache.get_inner_outer")
    clear = getattr(cached, "cache_clear", None)
    if clear is not None:
        clear()


def _find(module: str, path: str) -> Callable[..., Any] | None:
    try:
        found: Any = importlib.import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError):
        return None
    return found  # type: ignore[no-any-return]  # whatever it is
