"""Every action, declared once: id, keys, words. Bindings, palette, help, footer and key map come from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
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


_shown = partial(Action, footer=True)
"""An action in the footer."""
_by_key = partial(Action, palette=False)
"""An action that is not in the palette."""
_anywhere = partial(Action, priority=True)
"""An action that works in dialogs, too."""
_field_key = partial(_shown, bound=False)
"""A key in the footer that the focused field binds itself."""


def _search_keys(at: str) -> tuple[Action, ...]:
    return (
        _shown(f"{at}_search", "slash", "Search", "Search what is shown, ignoring case.", "search"),
        Action(f"{at}_found_next", "n", "Next hit", "Next line that matches.", "found_next", searching=True),
        Action(
            f"{at}_found_previous", "N", "Previous hit", "Previous line that matches.", "found_previous", searching=True
        ),
        _shown(f"{at}_values", "v", "Values", "Show or hide variables' values.", "values"),
    )


_DECLARED: Mapping[Place, tuple[Action, ...]] = {
    Place.JOBS: (
        _shown("new_export", "n", "New export", "Open the export form.", exports=True),
        _shown("download", "d", "Download", "Download, resume or download again."),
        _shown("open_details", "enter", "Details", "Show everything about the job.", palette=False),
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
        _shown("copy", "y", "Copy", "Copy ids, path, checksum or the request."),
        _shown("filter", "slash", "Filter", "Show only the jobs that contain some words."),
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
        _shown("environments", "c", "Environments", "Add, edit, test or choose environments."),
        Action("switch_environment", "v", "Switch environment", "Choose the default environment."),
        _by_key("suspend_jobs", "Z", "Suspend", "Suspend to the shell; fg returns.", "app.suspend_process"),
        _shown("quit_jobs", "q", "Quit", "Quit; exports continue at GALE.", "app.quit"),
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
        _shown("filter_keep", "enter", "Keep", "Keep the filter, go to its jobs.", "screen.keep_filter"),
        _shown("filter_clear", "escape", "Clear filter", "Show all jobs again.", "screen.clear_filter"),
        _shown("filter_down", "down", "Next job", "Next job that matches.", "screen.filter_down"),
        _shown("filter_up", "up", "Previous job", "Previous job that matches.", "screen.filter_up"),
    ),
    Place.DETAILS: (
        _shown("details_download", "d", "Download", "Download, resume or download again.", "download"),
        _shown("details_refresh", "r", "Refresh", "Refresh this job (rate-limited).", "refresh"),
        _shown("details_copy", "y", "Copy", "Copy ids, path, checksum or the request.", "copy"),
        _shown("details_inspect", "i", "Inspect", "Inspect the saved file.", "inspect"),
        Action("details_compare", "equals_sign", "Compare", "Compare with the last export that differs.", "compare"),
        Action("details_folder", "o", "Open folder", "Open the saved file's folder.", "open_folder"),
        _shown(
            "details_again",
            "e",
            "Export again",
            "Open the form filled with this job's ids.",
            "export_again",
            exports=True,
        ),
        _shown("details_close", "escape,q,enter", "Back", "Back to the table.", "dismiss", palette=False),
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
        _shown("form_submit", "ctrl+s", "Export", "Start the export from any field.", "submit"),
        Action(
            "form_environment", "f4", "Keep pasted key", "Add the pasted host, or keep its key.", "open_environment"
        ),
        Action("form_draft", "f5", "Restore draft", "Fill in the draft that was not exported.", "take_draft"),
        _shown("form_back", "escape", "Back", "Close the suggestions, then the form.", "back"),
    ),
    Place.BATCH: (
        _shown("batch_edit", "enter", "Edit", "Edit the line.", "edit_line", palette=False),
        _shown("batch_start", "e,ctrl+s", "Export all", "Export every valid line; confirms production.", "start"),
        _shown("batch_out", "x", "Remove", "Remove the line from the list.", "remove_line"),
        _shown("batch_wrong", "n", "Next error", "Go to the next invalid line.", "next_error"),
        _shown("batch_undo", "u", "Undo", "Undo the last change to the list.", "undo"),
        _shown("batch_add", "a", "Add line", "Type another line.", "add_line"),
        _shown("batch_keep", "s", "Save as set", "Save the list under a name, to run it again.", "save_set"),
        _shown("batch_open", "o", "Open set", "Open a saved set.", "open_set"),
        Action("batch_environment", "v", "Environment", "Choose the environment of the batch.", "switch"),
        Action("batch_clear", "X", "Clear list", "Clear the list; u undoes.", "clear"),
        _shown("batch_back", "escape,q", "Back", "Back to the jobs; nothing is started.", "back"),
    ),
    Place.ENVIRONMENTS: (
        _shown("environment_add", "n", "Add", "Add an environment: its host and key.", "add"),
        _shown("environment_edit", "enter", "Edit", "Edit the environment, or give it a new key.", "edit"),
        _shown("environment_delete", "x", "Remove", "Remove the environment and its key (confirms).", "delete"),
        _shown("environment_test", "t", "Test", "Test host and key; creates nothing.", "test"),
        _shown("environment_use", "space", "Use", "Make it the default for new exports.", "use"),
        _by_key("environment_down", "j", "Down", "Next environment.", "cursor_down"),
        _by_key("environment_up", "k", "Up", "Previous environment.", "cursor_up"),
        _by_key("environment_first", "g", "First", "First environment.", "cursor_first"),
        _by_key("environment_last", "G", "Last", "Last environment.", "cursor_last"),
        _shown("environments_back", "escape", "Back", "Back to the jobs.", "dismiss"),
    ),
    Place.ENVIRONMENT_FORM: (
        _field_key("environment_enter", "enter", "Next, then save", "Go to the next empty field, or save.", "save"),
        _field_key("environment_next", "tab", "Next field", "Next field; shift+tab goes back.", "app.focus_next"),
        _shown("environment_save", "ctrl+s", "Save", "Save from any field.", "save"),
        _shown("environment_back", "escape", "Back", "Close; confirms if work would be lost.", "back"),
    ),
    Place.SETTINGS: (
        _field_key("settings_change", "right", "Change", "Next choice; left: the one before.", "change"),
        _field_key("settings_enter", "enter", "Save", "Save the field; leaving it saves as well.", "save"),
        _field_key("settings_next", "tab", "Next", "Next setting; shift+tab goes back.", "app.focus_next"),
        _shown("settings_back", "escape", "Back", "Back; everything is saved.", "back"),
    ),
    Place.INSPECT: (
        _shown(
            "inspect_next", "tab,right,l", "Next part", "The tool, then each JSON file of the archive.", "next_view"
        ),
        Action("inspect_previous", "shift+tab,left,h", "Previous part", "The part before this one.", "previous_view"),
        *_search_keys("inspect"),
        _shown("inspect_compare", "equals_sign,c", "Compare", "Compare with the last export that differs.", "compare"),
        Action("inspect_unpack", "U", "Unpack", "Unpack into a folder and inspect that.", "unpack"),
        _shown("inspect_back", "escape,q,i", "Back", "Clear the search, then back.", "back"),
    ),
    Place.COMPARE: (
        _shown("compare_earlier", "left_square_bracket", "Earlier", "Compare with an earlier export.", "earlier"),
        _shown("compare_later", "right_square_bracket", "Later", "Compare with a later export.", "later"),
        *_search_keys("compare"),
        _shown("compare_back", "escape,q", "Back", "Clear the search, then back.", "back"),
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
        _shown("search_keep", "enter", "Keep", "Keep the search, go to the page.", "screen.keep_search"),
        _shown("search_clear", "escape", "Clear", "Clear the search.", "screen.back"),
        _shown("search_down", "down", "Next hit", "Next line that matches.", "screen.found_next"),
        _shown("search_up", "up", "Previous hit", "Previous line that matches.", "screen.found_previous"),
    ),
    Place.EVERYWHERE: (
        _anywhere("help", "f1,question_mark", "Help", "Keys and words for where you are.", "app.help", footer=True),
        _anywhere(
            "palette", "ctrl+p,colon", "Palette", "Search all actions by name.", "app.command_palette", palette=False
        ),
        Action("settings", "comma", "Settings", "Colors, folder, file names, notifications, mouse.", "app.settings"),
        _anywhere("theme", "f2", "Theme", "Dark or light.", "app.toggle_theme"),
        _anywhere("mouse", "f3", "Mouse", "Release the mouse to the terminal, or back.", "app.toggle_mouse"),
        _anywhere("quit", "ctrl+q", "Quit", "Quit from anywhere.", "app.quit"),
        _by_key("copy_hint", "ctrl+c", "Copy selection", "Copy the selected text; never quits.", "app.copy_or_hint"),
        _anywhere("suspend", "ctrl+z", "Suspend", "Suspend to the shell; fg returns.", "app.suspend_process"),
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
