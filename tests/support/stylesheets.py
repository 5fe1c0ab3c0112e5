"""Style sheets parsed once for all the apps of a test run: a process of a user has one app, a worker hundreds."""

from __future__ import annotations

from typing import Any

from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

__all__ = ["parse_style_sheets_once"]


def parse_style_sheets_once() -> None:
    """Lets every app take the rules that another one parsed from the same text with the same colours."""
    parse_rules = Stylesheet._parse_rules
    parsed: dict[tuple[Any, ...], list[RuleSet]] = {}

    def find_or_parse(sheet: Stylesheet, *arguments: Any, **named: Any) -> list[RuleSet]:
        key = (arguments, *named.items(), *sheet._variables.items())
        if key not in parsed:
            parsed[key] = parse_rules(sheet, *arguments, **named)
        return parsed[key]

    Stylesheet._parse_rules = find_or_parse  # type: ignore[assignment]
    # The same identity, without a call of Python code for each of two hundred rules whenever a widget is styled.
    RuleSet.__hash__ = object.__hash__  # type: ignore[method-assign]
