"""The fields that forms share: ids, kind, environment, folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from rich.text import Text
from textual.widget import Widget
from textual.widgets import Select

from gale_tui.core.identifiers import clean_id, id_warning
from gale_tui.core.kinds import KINDS, TOOL, Kind
from gale_tui.core.models import Environment
from gale_tui.tui.formatting.quantities import path_text
from gale_tui.tui.widgets.forms.checks import Check, Finding, check_with, folder_finding, tidy_id
from gale_tui.tui.widgets.forms.choice import Choice
from gale_tui.tui.widgets.forms.fields import TextField

_FLOW_NEEDED = "The Flow ID is needed: GALE exports it with its call flow."


def kind_choice(widget_id: str, kind: Kind) -> Choice:
    return Choice([(each.word, each.word) for each in KINDS.values()], kind.word, id=widget_id)


def environment_select(environments: Iterable[Environment], chosen: Environment | None) -> Select[str]:
    """A choice of an environment; its value is the id."""
    return Select(
        [(Text(each.name), each.id) for each in environments],
        value=chosen.id if chosen is not None else Select.NULL,
        prompt="Choose an environment",
        id="environment",
        compact=True,
    )


def id_check(what: Kind | Literal["flow", "dock"]) -> Check:
    """Checks an id; an unusual shape is a warning."""
    return check_with(clean_id, lambda text: Finding(id_warning(what, clean_id(text)) or "", "warning"))


def id_field(
    what: Literal["tool", "flow"], input_id: str, *, value: str, hint: str, below: Widget | None = None
) -> TextField:
    """A field for the id of what is exported or of its flow: it must be there, an unusual shape is a warning."""
    tool = what == "tool"
    return TextField(
        "Tool ID" if tool else "Flow ID",
        input_id,
        value=value,
        placeholder="a-…" if tool else "cf-…",
        hint=hint,
        check=id_check(TOOL if tool else "flow"),
        required="The Tool ID is needed." if tool else _FLOW_NEEDED,
        tidy=tidy_id,
        below=below,
    )


def folder_field(folder: Path, hint: str) -> TextField:
    """A field for the folder that files are saved in."""
    return TextField("Folder", "folder", value=path_text(folder), hint=hint, check=folder_finding, slow=True)


def show_kind(kind: Kind, subject: TextField, flow: TextField) -> None:
    """Makes the fields of the ids those of a kind; hides the flow where it has none."""
    word = kind.word.capitalize()
    subject.rename(f"{word} ID", f"{kind.id_prefix}…", id_check(kind), f"The {word} ID is needed.")
    flow.display = kind.needs_flow
