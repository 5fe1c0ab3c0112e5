"""Every action, declared once: id, keys, words. Bindings, palette, help, footer and key map come from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from textual.binding import Binding, BindingType

from gale_tui.tui.key_names import key_text

if TYPE_CHECKING:
    from textual.screen import Screen


class Place(StrEnum):
    """Where an action works; the value heads its part of the help."""

    EVERYWHERE = "Everywhere"
    JOBS = "Export jobs"
    TABLE = "Moving in the table"
    FILTER = "While typing a filter"
    DETAILS = "Job details"
    FORM = "Export form"
    BATCH = "Batch"
    ENVIRONMENTS = "Environments"
    ENVIRONMENT_FORM = "Environment"
    SETTINGS = "Settings"
    INSPECT = "Saved file"
    COMPARE = "Two exports"
    PAGE = "Moving on a page"
    SEARCH = "While typing a search"
    DIALOG = "Dialogs"


FOCUSED: Mapping[Place, Place] = {
    Place.JOBS: Place.TABLE,
    Place.BATCH: Place.TABLE,
    Place.INSPECT: Place.PAGE,
    Place.COMPARE: Place.PAGE,
}
"""The widget with the focus on a screen, whose keys work there as well."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a user can do."""

    id: str
    """Stable: the key map of `config.toml` refers to it."""
    key_names: str
    """As the framework names them, with commas, the one to show first."""
    title: str
    """For footer and palette."""
    help: str
    """A sentence."""
    method: str = ""
    """The framework's name of the action; by default the id."""
    footer: bool = False
    searching: bool = False
    """In the footer while something is searched for."""
    palette: bool = True
    """False if it makes sense with a key alone: moving, confirming."""
    priority: bool = False
    """Works in text fields, too."""
    bound: bool = True
    """False if the focused widget binds the key itself."""
    exports: bool = False
    """Starts exports: not offered with `--readonly`."""
    place: Place = Place.EVERYWHERE

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.key_names.split(","))

    @property
    def name(self) -> str:
        return self.method or self.id


def _field_key(action_id: str, key: str, title: str, words: str, method: str) -> Action:
    """A key in the footer that the focused field binds itself."""
    return Action(action_id, key, title, words, method, footer=True, bound=False)


def _search_keys(page: str) -> tuple[Action, ...]:
    return (
        Action(f"{page}_search", "slash", "Search", "Search what is shown, ignoring case.", "search", footer=True),
        Action(f"{page}_found_next", "n", "Next hit", "Next line that matches.", "found_next", searching=True),
        Action(
            f"{page}_found_previous",
            "N",
            "Previous hit",
            "Previous line that matches.",
            "found_previous",
            searching=True,
        ),
        Action(f"{page}_values", "v", "Values", "Show or hide variables' values.", "values", footer=True),
    )


_DECLARED: Mapping[Place, tuple[Action, ...]] = {
    Place.JOBS: (
        Action("new_export", "n", "New export", "Open the export form.", footer=True, exports=True),
        Action("download", "d", "Download", "Download, resume or download again.", footer=True),
        Action("open_details", "enter", "Details", "Show everything about the job.", footer=True, palette=False),
        Action("refresh", "r", "Refresh", "Refresh this job (rate-limited)."),
        Action("refresh_all", "R,ctrl+r", "Refresh all", "Refresh all unfinished jobs (rate-limited)."),
        Action("pause", "p", "Pause polling", "Pause or resume polling."),
        Action("export_again", "e", "Export again", "Open the filled form, or the marked as a batch.", exports=True),
        Action("batch", "b", "Batch", "Export many: paste a list or open a set.", exports=True),
        Action("batch_account", "B", "Batch progress", "Show the batch: stop it, continue it."),
        Action("mark", "space", "Mark", "Mark or unmark the job and move on."),
        Action("mark_all", "a", "Mark all", "Mark all jobs shown, or none."),
        Action("mark_range", "A", "Mark range", "Mark from the last mark to here."),
        Action("track", "t", "Track job", "Follow a dock status id from elsewhere."),
        Action("copy", "y", "Copy", "Copy ids, path, checksum or the request.", footer=True),
        Action("filter", "slash", "Filter", "Show only the jobs that contain some words.", footer=True),
        Action("clear_filter", "escape", "Clear filter", "Clear the filter; without one, the marks."),
        Action("open_folder", "o", "Open folder", "Open the saved file's folder."),
        Action("sort", "s", "Sort", "Sort by the next column."),
        Action("sort_reverse", "S", "Reverse sort", "Reverse the sort order."),
        Action("inspect", "i", "Inspect", "Inspect the saved file."),
        Action("compare", "equals_sign", "Compare", "Compare with the last that differs, or two marked."),
        Action("unpack", "U", "Unpack", "Unpack the saved file into a folder."),
        Action("forget", "x", "Remove from list", "Remove from the list (keeps files).", "remove"),
        Action("remove_finished", "X", "Remove finished", "Remove all finished jobs (keeps files)."),
        Action("undo", "u", "Undo remove", "Undo the last remove."),
        Action("environments", "c", "Environments", "Add, edit, test or choose environments.", footer=True),
        Action("switch_environment", "v", "Switch environment", "Choose the default environment."),
        Action(
            "suspend_jobs", "Z", "Suspend", "Suspend to the shell; fg returns.", "app.suspend_process", palette=False
        ),
        Action("quit_jobs", "q", "Quit", "Quit; exports continue at GALE.", "app.quit", footer=True),
    ),
    Place.TABLE: (
        Action("cursor_down", "j,down", "Down", "Next line."),
        Action("cursor_up", "k,up", "Up", "Previous line."),
        Action("cursor_first", "g,home", "First", "First line."),
        Action("cursor_last", "G,end", "Last", "Last line."),
        Action("page_down", "pagedown", "Page down", "A screenful down."),
        Action("page_up", "pageup", "Page up", "A screenful up."),
    ),
    Place.FILTER: (
        Action("filter_keep", "enter", "Keep", "Keep the filter, go to its jobs.", "screen.keep_filter", footer=True),
        Action("filter_clear", "escape", "Clear filter", "Show all jobs again.", "screen.clear_filter", footer=True),
        Action("filter_down", "down", "Next job", "Next job that matches.", "screen.filter_down", footer=True),
        Action("filter_up", "up", "Previous job", "Previous job that matches.", "screen.filter_up", footer=True),
    ),
    Place.DETAILS: (
        Action("details_download", "d", "Download", "Download, resume or download again.", "download", footer=True),
        Action("details_refresh", "r", "Refresh", "Refresh this job (rate-limited).", "refresh", footer=True),
        Action("details_copy", "y", "Copy", "Copy ids, path, checksum or the request.", "copy", footer=True),
        Action("details_inspect", "i", "Inspect", "Inspect the saved file.", "inspect", footer=True),
        Action("details_compare", "equals_sign", "Compare", "Compare with the last export that differs.", "compare"),
        Action("details_folder", "o", "Open folder", "Open the saved file's folder.", "open_folder"),
        Action(
            "details_again",
            "e",
            "Export again",
            "Open the form filled with this job's ids.",
            "export_again",
            footer=True,
            exports=True,
        ),
        Action("details_close", "escape,q,enter", "Back", "Back to the table.", "close", footer=True, palette=False),
    ),
    Place.FORM: (
        _field_key(
            "form_enter",
            "enter",
            "Next, then export",
            "Take the suggestion, go to the next field, or export.",
            "submit",
        ),
        _field_key("form_next", "tab", "Next field", "Next field; shift+tab goes back.", "app.focus_next"),
        Action("form_submit", "ctrl+s", "Export", "Start the export from any field.", "submit", footer=True),
        Action(
            "form_environment", "f4", "Keep pasted key", "Add the pasted host, or keep its key.", "open_environment"
        ),
        Action("form_draft", "f5", "Restore draft", "Fill in the draft that was not exported.", "take_draft"),
        Action("form_back", "escape", "Back", "Close the suggestions, then the form.", "back", footer=True),
    ),
    Place.BATCH: (
        Action("batch_edit", "enter", "Edit", "Edit the line.", "edit_line", footer=True, palette=False),
        Action(
            "batch_start",
            "e,ctrl+s",
            "Export all",
            "Export every valid line; confirms production.",
            "start",
            footer=True,
        ),
        Action("batch_out", "x", "Remove", "Remove the line from the list.", "remove_line", footer=True),
        Action("batch_wrong", "n", "Next error", "Go to the next invalid line.", "next_error", footer=True),
        Action("batch_undo", "u", "Undo", "Undo the last change to the list.", "undo", footer=True),
        Action("batch_add", "a", "Add line", "Type another line.", "add_line", footer=True),
        Action(
            "batch_keep", "s", "Save as set", "Save the list under a name, to run it again.", "save_set", footer=True
        ),
        Action("batch_open", "o", "Open set", "Open a saved set.", "open_set", footer=True),
        Action("batch_environment", "v", "Environment", "Choose the environment of the batch.", "switch"),
        Action("batch_clear", "X", "Clear list", "Clear the list; u undoes.", "clear"),
        Action("batch_back", "escape,q", "Back", "Back to the jobs; nothing is started.", "back", footer=True),
    ),
    Place.ENVIRONMENTS: (
        Action("environment_add", "n", "Add", "Add an environment: its host and key.", "add", footer=True),
        Action("environment_edit", "enter", "Edit", "Edit the environment, or give it a new key.", "edit", footer=True),
        Action(
            "environment_delete", "x", "Remove", "Remove the environment and its key (confirms).", "delete", footer=True
        ),
        Action("environment_test", "t", "Test", "Test host and key; creates nothing.", "test", footer=True),
        Action("environment_use", "space", "Use", "Make it the default for new exports.", "use", footer=True),
        Action("environment_down", "j", "Down", "Next environment.", "cursor_down", palette=False),
        Action("environment_up", "k", "Up", "Previous environment.", "cursor_up", palette=False),
        Action("environment_first", "g", "First", "First environment.", "cursor_first", palette=False),
        Action("environment_last", "G", "Last", "Last environment.", "cursor_last", palette=False),
        Action("environments_back", "escape", "Back", "Back to the jobs.", "back", footer=True),
    ),
    Place.ENVIRONMENT_FORM: (
        _field_key("environment_enter", "enter", "Next, then save", "Go to the next empty field, or save.", "save"),
        _field_key("environment_next", "tab", "Next field", "Next field; shift+tab goes back.", "app.focus_next"),
        Action("environment_save", "ctrl+s", "Save", "Save from any field.", "save", footer=True),
        Action("environment_back", "escape", "Back", "Close; confirms if work would be lost.", "back", footer=True),
    ),
    Place.SETTINGS: (
        _field_key("settings_change", "right", "Change", "Next choice; left: the one before.", "change"),
        _field_key("settings_enter", "enter", "Save", "Save the field; leaving it saves as well.", "save"),
        _field_key("settings_next", "tab", "Next", "Next setting; shift+tab goes back.", "app.focus_next"),
        Action("settings_back", "escape", "Back", "Back; everything is saved.", "back", footer=True),
    ),
    Place.INSPECT: (
        Action(
            "inspect_next",
            "tab,right,l",
            "Next part",
            "The tool, then each JSON file of the archive.",
            "next_view",
            footer=True,
        ),
        Action("inspect_previous", "shift+tab,left,h", "Previous part", "The part before this one.", "previous_view"),
        *_search_keys("inspect"),
        Action(
            "inspect_compare",
            "equals_sign,c",
            "Compare",
            "Compare with the last export that differs.",
            "compare",
            footer=True,
        ),
        Action("inspect_unpack", "U", "Unpack", "Unpack into a folder and inspect that.", "unpack"),
        Action("inspect_back", "escape,q,i", "Back", "Clear the search, then back.", "back", footer=True),
    ),
    Place.COMPARE: (
        Action(
            "compare_earlier",
            "left_square_bracket",
            "Earlier",
            "Compare with an earlier export.",
            "earlier",
            footer=True,
        ),
        Action("compare_later", "right_square_bracket", "Later", "Compare with a later export.", "later", footer=True),
        *_search_keys("compare"),
        Action("compare_back", "escape,q", "Back", "Clear the search, then back.", "back", footer=True),
    ),
    Place.PAGE: (
        Action("page_line_down", "j,down", "Line down", "Down a line.", "scroll_down"),
        Action("page_line_up", "k,up", "Line up", "Up a line.", "scroll_up"),
        Action("page_screen_down", "pagedown", "Page down", "A screenful down.", "page_down"),
        Action("page_screen_up", "pageup", "Page up", "A screenful up.", "page_up"),
        Action("page_start", "g,home", "Start", "To the first line.", "scroll_home"),
        Action("page_end", "G,end", "End", "To the last line.", "scroll_end"),
    ),
    Place.SEARCH: (
        Action("search_keep", "enter", "Keep", "Keep the search, go to the page.", "screen.keep_search", footer=True),
        Action("search_clear", "escape", "Clear", "Clear the search.", "screen.back", footer=True),
        Action("search_down", "down", "Next hit", "Next line that matches.", "screen.found_next", footer=True),
        Action("search_up", "up", "Previous hit", "Previous line that matches.", "screen.found_previous", footer=True),
    ),
    Place.EVERYWHERE: (
        Action("help", "f1,question_mark", "Help", "Keys and words for where you are.", "app.help", footer=True),
        Action(
            "palette", "ctrl+p,colon", "Palette", "Search all actions by name.", "app.command_palette", palette=False
        ),
        Action("settings", "comma", "Settings", "Colors, folder, file names, notifications, mouse.", "app.settings"),
        Action("theme", "f2", "Theme", "Dark or light.", "app.toggle_theme"),
        Action("mouse", "f3", "Mouse", "Release the mouse to the terminal, or back.", "app.toggle_mouse"),
        Action("quit", "ctrl+q", "Quit", "Quit from anywhere.", "app.quit", priority=True),
        Action(
            "copy_hint",
            "ctrl+c",
            "Copy selection",
            "Copy the selected text; never quits.",
            "app.copy_or_hint",
            palette=False,
        ),
        Action(
            "suspend", "ctrl+z", "Suspend", "Suspend to the shell; fg returns.", "app.suspend_process", priority=True
        ),
    ),
}

_KEYS_ALONE = (Place.TABLE, Place.FILTER, Place.PAGE, Place.SEARCH)
ACTIONS: tuple[Action, ...] = tuple(
    replace(each, place=place, palette=each.palette and each.bound and place not in _KEYS_ALONE)
    for place, actions in _DECLARED.items()
    for each in actions
)
_BY_ID = {each.id: each for each in ACTIONS}
EXPORTING = frozenset(each.name for each in ACTIONS if each.exports)
"""Names of the actions that start exports, as the framework has them."""


def actions_at(*places: Place) -> tuple[Action, ...]:
    return tuple(each for place in places for each in ACTIONS if each.place is place)


def find_action(action_id: str) -> Action:
    return _BY_ID[action_id]


def place_of(screen: Screen[Any]) -> Place:
    place: Place = getattr(screen, "PLACE", Place.DIALOG)
    return place


def actions_for(screen: Screen[Any]) -> tuple[Action, ...]:
    """The actions of a screen, then those that work everywhere."""
    return actions_at(place_of(screen), Place.EVERYWHERE)


def default_key(action_id: str) -> str:
    """The key of an action that nobody changed, as people write it; empty for an unknown action."""
    each = _BY_ID.get(action_id)
    return key_text(each.keys[0]) if each is not None else ""


def bindings(place: Place) -> list[BindingType]:
    """The framework's bindings of a place, with ids so that `config.toml` can change their keys."""
    return [
        Binding(
            each.key_names, each.name, each.title, each.footer, priority=each.priority, id=each.id, tooltip=each.help
        )
        for each in actions_at(place)
        if each.bound
    ]
