"""Every action, declared once: keys, words, place. Bindings, palette, help and footer come from here."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from textual.binding import Binding, BindingType

if TYPE_CHECKING:
    from textual.screen import Screen

__all__ = [
    "ACTIONS",
    "NO_KEYS",
    "Action",
    "Place",
    "action",
    "actions_for",
    "binding",
    "bindings",
    "key_entries",
    "key_text",
    "key_word",
    "place_of",
    "usual_key",
]

NO_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class Place(StrEnum):
    """Where an action works; the value heads its part of the help."""

    EVERYWHERE = "Everywhere"
    JOBS = "Export jobs"
    TABLE = "Moving in the table"
    FILTER = "While a filter is typed"
    DETAILS = "Job details"
    FORM = "Export form"
    BATCH = "Batch"
    ENVIRONMENTS = "Environments"
    ENVIRONMENT_FORM = "Environment"
    SETTINGS = "Settings"
    INSPECT = "Saved file"
    COMPARE = "Two exports"
    PAGE = "Moving on a page"
    SEARCH = "While words to search are typed"
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
    bound: bool = True
    """False where the widget with the focus has the key by itself."""

    @property
    def name(self) -> str:
        """The framework's name of the action."""
        return self.method or self.id


def _at(place: Place, *rows: tuple[str, str, str, str, str]) -> tuple[Action, ...]:
    """Actions from rows of id, keys, title, help and marks.

    Marks: `f` stands in the bottom line, `k` is for keys alone and not in the palette, `p` works in text fields, `w` is
    bound by the widget with the focus, and `=name` is the framework's name of the action where it is not the id.
    """
    made = []
    for action_id, keys, title, words, marks in rows:
        flags, _, method = marks.partition("=")
        made.append(
            Action(
                action_id,
                place,
                tuple(keys.split()),
                title,
                words,
                footer="f" in flags,
                palette="k" not in flags,
                priority="p" in flags,
                bound="w" not in flags,
                method=method,
            )
        )
    return tuple(made)


ACTIONS: tuple[Action, ...] = (
    *_at(
        Place.JOBS,
        ("new_export", "n", "New export", "Start an export: tool, flow, folder.", "f"),
        ("download", "d", "Download", "Save the file, go on with it, or save it again.", "f"),
        ("open_details", "enter", "Details", "Show everything known of the selected job.", "fk"),
        ("refresh", "r", "Refresh", "Ask for this job's status now, within the limits.", ""),
        ("refresh_all", "R ctrl+r", "Refresh all", "Ask for all unfinished jobs, within the limits.", ""),
        ("pause", "p", "Pause polling", "Stop asking for dock statuses, or go on.", ""),
        ("export_again", "e", "Export again", "Open the form with its ids, or all marked jobs.", ""),
        ("batch", "b", "Batch", "Export many: paste a list, mend it, or open a set.", ""),
        ("batch_account", "B", "Batch so far", "What became of the batch; start no more, or go on.", ""),
        ("mark", "space", "Mark", "Mark the job, to export all marked ones again.", ""),
        ("track", "t", "Track", "Follow a dock status id from elsewhere.", ""),
        ("copy", "y", "Copy", "Copy ids, path, checksum or the request.", "f"),
        ("filter", "slash", "Filter", "Show only the jobs that contain some words.", "f"),
        ("clear_filter", "escape", "Clear filter", "Show all jobs again.", ""),
        ("open_folder", "o", "Open folder", "Show the folder of the saved file on the desktop.", ""),
        ("sort", "s", "Sort", "Sort by the next column.", ""),
        ("sort_reverse", "S", "Reverse order", "Sort the other way round.", ""),
        ("inspect", "i", "Inspect file", "Look into the saved file.", ""),
        ("compare", "equals_sign", "Compare", "What changed since the last one, or in two marked.", ""),
        ("forget", "x", "Forget", "Take the job off the list; files stay.", ""),
        ("undo", "u", "Undo forget", "Bring back the job that was forgotten last.", ""),
        ("environments", "c", "Environments", "Hosts and keys: add, edit, test, choose.", "f"),
        ("switch_environment", "v", "Switch environment", "Choose the environment for new exports.", ""),
        ("suspend_jobs", "Z", "Suspend", "Back to the shell; fg brings gale-tui back.", "k=app.suspend_process"),
        ("quit_jobs", "q", "Quit", "End gale-tui; exports go on at the server.", "f=app.quit"),
    ),
    *_at(
        Place.TABLE,
        ("cursor_down", "j down", "Down", "Next line.", "k"),
        ("cursor_up", "k up", "Up", "Previous line.", "k"),
        ("cursor_first", "g home", "First", "First line.", "k"),
        ("cursor_last", "G end", "Last", "Last line.", "k"),
        ("page_down", "pagedown", "Page down", "A screenful down.", "k"),
        ("page_up", "pageup", "Page up", "A screenful up.", "k"),
    ),
    *_at(
        Place.FILTER,
        ("filter_keep", "enter", "Keep", "Keep the filter and go to its jobs.", "fk=screen.keep_filter"),
        ("filter_clear", "escape", "Clear", "Clear the filter: all jobs again.", "fk=screen.clear_filter"),
        ("filter_down", "down", "Next job", "Next job that matches.", "fk=screen.filter_down"),
        ("filter_up", "up", "Previous job", "Previous job that matches.", "fk=screen.filter_up"),
    ),
    *_at(
        Place.DETAILS,
        ("details_download", "d", "Download", "Save the file, go on with it, or save it again.", "f=download"),
        ("details_refresh", "r", "Refresh", "Ask for this job's status now, within the limits.", "f=refresh"),
        ("details_copy", "y", "Copy", "Copy ids, path, checksum or the request.", "f=copy"),
        ("details_inspect", "i", "Inspect file", "Look into the saved file.", "f=inspect"),
        ("details_compare", "equals_sign", "Compare", "What changed since the export before.", "=compare"),
        ("details_folder", "o", "Open folder", "Show the folder of the saved file on the desktop.", "=open_folder"),
        ("details_again", "e", "Export again", "Open the form filled with this job's ids.", "f=export_again"),
        ("details_close", "escape q enter", "Back", "Back to the table.", "fk=close"),
    ),
    *_at(
        Place.FORM,
        (
            "form_enter",
            "enter",
            "Next, then export",
            "Take the suggestion, go to the next field, or export.",
            "fkw=submit",
        ),
        ("form_next", "tab", "Next field", "The field after this one; shift+tab goes back.", "fkw=app.focus_next"),
        ("form_submit", "ctrl+s", "Export", "Start the export from any field.", "f=submit"),
        (
            "form_environment",
            "f4",
            "Keep pasted key",
            "Add the pasted host, or keep the pasted key there.",
            "=open_environment",
        ),
        ("form_draft", "f5", "Typed before", "Fill in what was typed before and not exported.", "=take_draft"),
        ("form_back", "escape", "Back", "Close the suggestions, then the form.", "f=back"),
    ),
    *_at(
        Place.BATCH,
        ("batch_edit", "enter", "Mend line", "Type tool, flow and label of the line anew.", "fk=edit_line"),
        ("batch_start", "e ctrl+s", "Export all", "Export every line that is right; PROD asks first.", "f=start"),
        ("batch_out", "x", "Take out", "Take the line out of the list.", "f=take_out"),
        ("batch_wrong", "n", "Next wrong", "Go to the next line that is wrong.", "f=next_wrong"),
        ("batch_undo", "u", "Undo", "Take back the last change of the list.", "f=undo"),
        ("batch_add", "a", "Add line", "Type one more line.", "f=add_line"),
        ("batch_keep", "s", "Keep as set", "Keep the list under a name, to be run again.", "f=keep"),
        ("batch_open", "o", "Open set", "Take the tools of a set that was kept.", "f=open_set"),
        ("batch_environment", "v", "Environment", "Choose where all of them are exported.", "=switch"),
        ("batch_clear", "X", "Empty list", "Begin with an empty list; u brings it back.", "=clear"),
        ("batch_back", "escape q", "Back", "Back to the jobs; nothing is started.", "f=back"),
    ),
    *_at(
        Place.ENVIRONMENTS,
        ("environment_add", "n", "Add", "Add an environment: its host and key.", "f=add"),
        ("environment_edit", "enter", "Edit", "Change the environment, or give it a new key.", "f=edit"),
        ("environment_delete", "x", "Delete", "Delete the environment and its key; asks first.", "f=delete"),
        ("environment_test", "t", "Test", "Try host and key without starting anything.", "f=test"),
        ("environment_use", "space", "Use", "Make it the environment for new exports.", "f=use"),
        ("environment_down", "j", "Down", "Next environment.", "k=cursor_down"),
        ("environment_up", "k", "Up", "Previous environment.", "k=cursor_up"),
        ("environment_first", "g", "First", "First environment.", "k=cursor_first"),
        ("environment_last", "G", "Last", "Last environment.", "k=cursor_last"),
        ("environments_back", "escape", "Back", "Back to the jobs.", "f=back"),
    ),
    *_at(
        Place.ENVIRONMENT_FORM,
        ("environment_enter", "enter", "Next, then save", "Go to the next empty field, or save.", "fkw=save"),
        (
            "environment_next",
            "tab",
            "Next field",
            "The field after this one; shift+tab goes back.",
            "fkw=app.focus_next",
        ),
        ("environment_save", "ctrl+s", "Save", "Save from any field.", "f=save"),
        ("environment_back", "escape", "Back", "Close without saving; asks if something is lost.", "f=back"),
    ),
    *_at(
        Place.SETTINGS,
        (
            "settings_change",
            "right",
            "Change",
            "The next choice of the line; left goes to the one before.",
            "fkw=change",
        ),
        ("settings_enter", "enter", "Save", "Save what is typed; leaving the field saves it as well.", "fkw=save"),
        ("settings_next", "tab", "Next", "The next setting; shift+tab goes back.", "fkw=app.focus_next"),
        ("settings_back", "escape", "Back", "Back to where you were; all is saved.", "f=back"),
    ),
    *_at(
        Place.INSPECT,
        ("inspect_next", "tab right l", "Next part", "The tool, then each JSON file of the archive.", "f=next_view"),
        ("inspect_previous", "shift+tab left h", "Previous part", "The part before this one.", "=previous_view"),
        ("inspect_search", "slash", "Search", "Search what is shown, capitals or not.", "f=search"),
        ("inspect_found_next", "n", "Next hit", "The next line with the words searched for.", "=found_next"),
        ("inspect_found_previous", "N", "Previous hit", "The line before with the words.", "=found_previous"),
        ("inspect_values", "v", "Values", "Show or hide the values of environment variables.", "f=values"),
        ("inspect_compare", "equals_sign c", "Compare", "What changed since the export before.", "f=compare"),
        ("inspect_back", "escape q i", "Back", "Clear the search, then back to where you were.", "f=back"),
    ),
    *_at(
        Place.COMPARE,
        ("compare_earlier", "left_square_bracket", "Earlier", "Compare with an earlier export.", "f=earlier"),
        ("compare_later", "right_square_bracket", "Later", "Compare with a later export.", "f=later"),
        ("compare_search", "slash", "Search", "Search what is shown, capitals or not.", "f=search"),
        ("compare_found_next", "n", "Next hit", "The next line with the words searched for.", "=found_next"),
        ("compare_found_previous", "N", "Previous hit", "The line before with the words.", "=found_previous"),
        ("compare_values", "v", "Values", "Show or hide the values of environment variables.", "f=values"),
        ("compare_back", "escape q", "Back", "Clear the search, then back to the file.", "f=back"),
    ),
    *_at(
        Place.PAGE,
        ("page_line_down", "j down", "Line down", "Down a line.", "k"),
        ("page_line_up", "k up", "Line up", "Up a line.", "k"),
        ("page_screen_down", "pagedown", "Page down", "A screenful down.", "k"),
        ("page_screen_up", "pageup", "Page up", "A screenful up.", "k"),
        ("page_start", "g home", "Start", "To the first line.", "k"),
        ("page_end", "G end", "End", "To the last line.", "k"),
    ),
    *_at(
        Place.SEARCH,
        ("search_keep", "enter", "Keep", "Keep the words and go to the page.", "fk=screen.keep_search"),
        ("search_clear", "escape", "Clear", "Clear the search.", "fk=screen.back"),
        ("search_down", "down", "Next hit", "The next line with the words.", "fk=screen.found_next"),
        ("search_up", "up", "Previous hit", "The line before with the words.", "fk=screen.found_previous"),
    ),
    *_at(
        Place.EVERYWHERE,
        ("help", "f1 question_mark", "Help", "Keys and words for where you are.", "f=app.help"),
        ("palette", "ctrl+p colon", "Palette", "Find any action by name.", "k=app.command_palette"),
        ("settings", "comma", "Settings", "Colours, folder, file names, notifications, mouse.", "=app.settings"),
        ("theme", "f2", "Theme", "Dark or light.", "=app.toggle_theme"),
        ("mouse", "f3", "Mouse", "Leave the mouse to the terminal, or take it back.", "=app.toggle_mouse"),
        ("quit", "ctrl+q", "Quit", "End gale-tui from anywhere.", "p=app.quit"),
        ("copy_hint", "ctrl+c", "Copy selection", "Copy the selected text; it never quits.", "k=app.copy_or_hint"),
        ("suspend", "ctrl+z", "Suspend", "Back to the shell; fg brings gale-tui back.", "p=app.suspend_process"),
    ),
)

_PLACES = {
    "JobsScreen": Place.JOBS,
    "JobDetailsScreen": Place.DETAILS,
    "ExportForm": Place.FORM,
    "BatchScreen": Place.BATCH,
    "EnvironmentsScreen": Place.ENVIRONMENTS,
    "EnvironmentForm": Place.ENVIRONMENT_FORM,
    "SettingsScreen": Place.SETTINGS,
    "InspectScreen": Place.INSPECT,
    "CompareScreen": Place.COMPARE,
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


def usual_key(action_id: str) -> str:
    """The key that an action has where nobody changed it, as people write it; empty where there is no such action."""
    each = _BY_ID.get(action_id)
    return key_text(each.keys[0]) if each is not None and each.keys else ""


def binding(each: Action) -> Binding:
    """The framework's binding of an action, with its id so that `config.toml` can change its keys."""
    return Binding(
        ",".join(each.keys),
        each.name,
        each.title,
        show=each.footer,
        priority=each.priority,
        id=each.id,
        tooltip=each.help,
    )


def bindings(place: Place) -> list[BindingType]:
    """The bindings of a place."""
    return [binding(each) for each in ACTIONS if each.place is place and each.keys and each.bound]


def key_entries(place: Place, changed: Mapping[str, tuple[str, ...]] = NO_KEYS) -> list[tuple[str, str, str]]:
    """What the bottom line of a place offers: key, words, action; help comes last.

    Args:
        place: Where one is.
        changed: Keys by action id, of the actions that have others than their own.
    """
    own = [each for each in ACTIONS if each.place is place and each.footer]
    return [(key_text(changed.get(each.id, each.keys)[0]), each.title, each.name) for each in (*own, action("help"))]


_NAMES = {
    "question_mark": "?",
    "colon": ":",
    "comma": ",",
    "plus": "+",
    "at": "@",
    "backslash": "\\",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "slash": "/",
    "equals_sign": "=",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
    **{f"f{number}": f"F{number}" for number in range(1, 25)},
    "pageup": "page up",
    "pagedown": "page down",
    "enter": "enter",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
}


_WORDS = {arrow: word for word, arrow in _NAMES.items() if not arrow.isascii()}


def key_word(text: str) -> str:
    """A key as `key_text` has it, for a terminal without arrows: `down` for `↓`."""
    modifier, plus, last = text.rpartition("+")
    return f"{modifier}{plus}{_WORDS.get(last, last)}" if last else text


def key_text(key: str) -> str:
    """A key as people write it: `F1`, `?`, `esc`, `ctrl+p`."""
    if key in _NAMES:
        return _NAMES[key]
    modifier, plus, last = key.rpartition("+")
    if plus and last:
        return f"{modifier}+{key_text(last)}"
    name = {"minus": "hyphen-minus", "underscore": "low line"}.get(key, key.replace("_", " "))
    try:
        character = unicodedata.lookup(name) if len(name) > 1 else key
    except KeyError:
        return key
    return character if character.isprintable() and not character.isspace() else key
