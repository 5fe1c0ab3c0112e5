"""Every action, declared once: keys, words, place. Bindings, palette, help and footer come from here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from textual.binding import Binding

if TYPE_CHECKING:
    from textual.screen import Screen

__all__ = ["ACTIONS", "Action", "Place", "action", "actions_for", "bindings", "key_text", "place_of"]


class Place(StrEnum):
    """Where an action works; the value heads its part of the help."""

    EVERYWHERE = "Everywhere"
    JOBS = "Export jobs"
    DETAILS = "Job details"
    FORM = "Export form"
    ENVIRONMENTS = "Environments"
    ENVIRONMENT_FORM = "Environment"
    DIALOG = "Dialogs"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a user can do."""

    id: str
    """Stable: the key map of `config.toml` refers to it."""
    place: Place
    keys: tuple[str, ...]
    """As the framework names them, the one to show first."""
    title: str
    """Two or three words for footer and palette."""
    help: str
    """A sentence for the help."""
    footer: bool = False
    priority: bool = False
    """Works while a text field has the focus, too."""
    method: str = ""
    """The framework's name of the action; by default the id."""
    palette: bool = True
    """False for what makes sense with a key alone: moving, confirming."""

    @property
    def name(self) -> str:
        """The framework's name of the action."""
        return self.method or self.id


ACTIONS: tuple[Action, ...] = (
    Action("new_export", Place.JOBS, ("n",), "New export", "Start an export: tool, flow, folder.", footer=True),
    Action("download", Place.JOBS, ("d",), "Download", "Save the file, go on with it, or save it again.", footer=True),
    Action(
        "open_details", Place.JOBS, ("enter",), "Details", "Show everything known of the selected job.", footer=True
    ),
    Action("refresh", Place.JOBS, ("r",), "Refresh", "Ask for this job's dock status now, within the limits."),
    Action(
        "refresh_all",
        Place.JOBS,
        ("R", "ctrl+r"),
        "Refresh all",
        "Ask for every unfinished job now, within the limits.",
    ),
    Action("pause", Place.JOBS, ("p",), "Pause polling", "Stop asking for dock statuses, or go on."),
    Action("export_again", Place.JOBS, ("e",), "Export again", "Open the form filled with this job's tool and flow."),
    Action("track", Place.JOBS, ("t",), "Track", "Follow a dock status id that was started elsewhere."),
    Action("copy", Place.JOBS, ("y",), "Copy", "Copy ids, path, checksum or the request.", footer=True),
    Action("filter", Place.JOBS, ("slash",), "Filter", "Show only the jobs that contain some words.", footer=True),
    Action("sort", Place.JOBS, ("s",), "Sort", "Sort by the next column."),
    Action("inspect", Place.JOBS, ("i",), "Inspect file", "Look into the saved file."),
    Action("forget", Place.JOBS, ("x",), "Forget", "Take the job off the list; files stay. Can be undone."),
    Action("undo", Place.JOBS, ("u",), "Undo forget", "Bring back the job that was forgotten last."),
    Action("environments", Place.JOBS, ("c",), "Environments", "Hosts and keys: add, edit, test, choose.", footer=True),
    Action("switch_environment", Place.JOBS, ("v",), "Switch", "Choose the environment for new exports."),
    Action("cursor_down", Place.JOBS, ("j", "down"), "Down", "Next job.", palette=False),
    Action("cursor_up", Place.JOBS, ("k", "up"), "Up", "Previous job.", palette=False),
    Action("cursor_first", Place.JOBS, ("g", "home"), "First", "First job.", palette=False),
    Action("cursor_last", Place.JOBS, ("G", "end"), "Last", "Last job.", palette=False),
    Action(
        "quit_jobs",
        Place.JOBS,
        ("q",),
        "Quit",
        "End gale-tui; exports go on at the server.",
        footer=True,
        method="app.quit",
    ),
    Action("details_download", Place.DETAILS, ("d",), "Download", "Save the file, go on with it.", method="download"),
    Action("details_refresh", Place.DETAILS, ("r",), "Refresh", "Ask for this job now.", method="refresh"),
    Action("details_copy", Place.DETAILS, ("y",), "Copy", "Copy ids, path, checksum or the request.", method="copy"),
    Action("details_again", Place.DETAILS, ("e",), "Export again", "Open the form filled.", method="export_again"),
    Action("details_close", Place.DETAILS, ("escape", "q", "enter"), "Back", "Back to the table.", method="close"),
    Action(
        "help",
        Place.EVERYWHERE,
        ("f1", "question_mark"),
        "Help",
        "Keys and words for where you are.",
        footer=True,
        method="app.help",
    ),
    Action(
        "palette",
        Place.EVERYWHERE,
        ("ctrl+p", "colon"),
        "Palette",
        "Find any action by name.",
        method="app.command_palette",
        palette=False,
    ),
    Action("back", Place.EVERYWHERE, ("escape",), "Back", "Close, clear, or go back.", palette=False),
    Action("theme", Place.EVERYWHERE, (), "Theme", "Dark or light.", method="app.toggle_theme"),
    Action(
        "quit", Place.EVERYWHERE, ("ctrl+q",), "Quit", "End gale-tui from anywhere.", method="app.quit", priority=True
    ),
    Action(
        "copy_hint",
        Place.EVERYWHERE,
        ("ctrl+c",),
        "Copy",
        "Copy the selection; it never quits.",
        method="app.copy_or_hint",
        palette=False,
    ),
)

_PLACES = {
    "JobsScreen": Place.JOBS,
    "JobDetailsScreen": Place.DETAILS,
    "ExportForm": Place.FORM,
    "EnvironmentsScreen": Place.ENVIRONMENTS,
    "EnvironmentForm": Place.ENVIRONMENT_FORM,
}


def place_of(screen: Screen[Any]) -> Place:
    """Where one is on that screen."""
    return _PLACES.get(type(screen).__name__, Place.DIALOG)


def actions_for(screen: Screen[Any]) -> list[Action]:
    """What can be done on that screen, its own actions first."""
    place = place_of(screen)
    own = [each for each in ACTIONS if each.place is place]
    return own + [each for each in ACTIONS if each.place is Place.EVERYWHERE]


_BY_ID = {each.id: each for each in ACTIONS}


def action(action_id: str) -> Action:
    """The action of that id."""
    return _BY_ID[action_id]


def bindings(place: Place) -> list[Binding]:
    """The bindings of a place, each with its action's id so that `config.toml` can change its key."""
    return [
        Binding(
            ",".join(each.keys),
            each.name,
            each.title,
            show=each.footer,
            priority=each.priority,
            id=each.id,
            tooltip=each.help,
        )
        for each in ACTIONS
        if each.place is place and each.keys
    ]


_NAMES = {
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
    "escape": "esc",
    "f1": "F1",
    "pageup": "page up",
    "pagedown": "page down",
    "enter": "enter",
    "down": "↓",
    "up": "↑",
}


def key_text(key: str) -> str:
    """A key as people write it: `F1`, `?`, `esc`, `ctrl+p`."""
    return _NAMES.get(key, key)
