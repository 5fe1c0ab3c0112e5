"""The settings: each is saved in `config.toml` and in effect at once."""

from __future__ import annotations

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from gale_tui.core.config.settings import DEFAULT_PATTERN, PATTERN_FIELDS, check_setting
from gale_tui.core.downloads.file_names import Naming
from gale_tui.core.untrusted_text import inert
from gale_tui.tui import theme
from gale_tui.tui.actions import Place
from gale_tui.tui.formatting.quantities import path_text
from gale_tui.tui.screens.base import form_css
from gale_tui.tui.screens.form import FormScreen
from gale_tui.tui.widgets.forms.checks import Finding, folder_finding, folder_of
from gale_tui.tui.widgets.forms.choice import Choice
from gale_tui.tui.widgets.forms.fields import FieldInput, FormBody, FormRow, TextField

_SWITCH = (("on", "on"), ("off", "off"))
_CHOICES = (
    ("theme", "Colours", ((theme.DARK, "dark"), (theme.LIGHT, "light")), "Dark or light, for the whole program."),
    (
        "glyphs",
        "Characters",
        (("auto", "as the terminal can"), ("unicode", "unicode"), ("ascii", "ascii")),
        "For borders, states and arrows. Choose ascii where question marks or boxes stand instead of them.",
    ),
    (
        "mouse",
        "Mouse",
        _SWITCH,
        "Off leaves it to the terminal, which then selects and copies text as usual.",
    ),
    (
        "notifications",
        "Notify by",
        (("bell", "bell"), ("desktop", "desktop"), ("both", "both"), ("off", "off")),
        "When a job ends while the terminal does not have the focus. Not every terminal passes desktop ones on.",
    ),
    (
        "terminal_title",
        "Title",
        _SWITCH,
        "How many jobs run, in the terminal's title. It gets its own back at the end.",
    ),
    (
        "clipboard",
        "Copying",
        (("osc52", "through the terminal"), ("off", "show the text only")),
        "The terminal decides whether it takes the text (OSC 52); tmux needs set-clipboard on or allow-passthrough on.",
    ),
)
_HELP = {
    **{name: words for name, _, _, words in _CHOICES},
    "download_dir": "Where files are saved that have no folder of their own. Empty: the system's downloads folder.",
    "filename_pattern": f"Made of {' '.join(f'{{{name}}}' for name in PATTERN_FIELDS)}. Empty: {DEFAULT_PATTERN}",
    "poll_floor": "Minimum seconds between polls of a job, manual refreshes included; GALE's limits apply as well.",
}


class SettingsScreen(FormScreen[None]):
    """A line for each setting, and a sentence about the focused one."""

    CSS_PATH = form_css("settings.tcss")
    AUTO_FOCUS = "#theme"
    PLACE = Place.SETTINGS
    KEYS_WAIT_FOR = frozenset({"back"})

    # Layout

    def compose(self) -> ComposeResult:
        settings = self.engine.settings
        with Vertical(id="panel") as panel:
            panel.border_title = "Settings"
            with FormBody(id="fields"):
                for name, label, options, _ in _CHOICES:
                    yield FormRow(label, Choice(options, self._chosen(name), id=name.replace("_", "-")))
                yield TextField(
                    "Save in",
                    "download-dir",
                    value=path_text(settings.download_dir) if settings.download_dir else "",
                    placeholder=path_text(self.engine.paths.downloads),
                    check=folder_finding,
                    slow=True,
                )
                yield TextField(
                    "File name",
                    "filename-pattern",
                    value=settings.filename_pattern,
                    placeholder=DEFAULT_PATTERN,
                    check=_pattern_finding,
                )
                yield TextField(
                    "Poll every",
                    "poll-floor",
                    value=f"{settings.poll_floor:g}",
                    placeholder="2",
                    hint="Minimum seconds between polls of a job.",
                    check=_floor_finding,
                    required="Type a number of seconds from 1 to 60.",
                )
            yield Static(id="said", markup=False)
            file = inert(path_text(self.engine.paths.config_file), 200)
            yield Static(Content(f"Keys and the rest: {file}"), id="file")
        yield self.key_bar()

    def _chosen(self, name: str) -> str:
        in_effect = {"theme": self.app.theme, "mouse": self.gale.mouse_on}
        value = in_effect.get(name, getattr(self.engine.settings, name))
        return ("on" if value else "off") if isinstance(value, bool) else str(value)

    @on(events.DescendantFocus)
    def _focused(self, event: events.DescendantFocus) -> None:
        words = _HELP.get(_name_of(event.widget))
        if words is not None:
            self.say(words)

    # Changing

    @on(Choice.Changed)
    def _choice_changed(self, event: Choice.Changed) -> None:
        event.stop()
        name = _name_of(event.choice)
        chosen = event.choice.value
        value = chosen == "on" if name in ("mouse", "terminal_title") else chosen
        if self.gale.save_settings(**{name: value}):
            self.say(f"Saved. {_HELP[name]}", "success")
        else:
            event.choice.value = self._chosen(name)
            self.say("Not saved.", "problem")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.focus_next()

    @on(events.DescendantBlur)
    def _left(self, event: events.DescendantBlur) -> None:
        if isinstance(event.widget, FieldInput) and self.is_current:
            self.run_worker(self._save_field(_name_of(event.widget)), group=f"save {event.widget.id}", exclusive=True)

    def action_save(self) -> None:
        if isinstance(self.focused, FieldInput):
            self.focus_next()

    async def _save_field(self, name: str) -> bool:
        """Saves a field if it is valid; returns True if the setting has its value."""
        field = self.field(name.replace("_", "-"))
        if not await field.validate_fully():
            return False
        value = _typed(name, field.value)
        if value == getattr(self.engine.settings, name):
            return True
        if not self.gale.save_settings(**{name: value}):
            return False
        if field.is_mounted:
            self.say(f"Saved: {_LABELS[name]}.", "success")
            if not field.value.strip():
                field.recheck()
        return True

    def action_change(self) -> None:
        if isinstance(self.focused, Choice):
            self.focused.action_choose(1)

    @work(group="back", exclusive=True)
    async def action_back(self) -> None:
        """Saves the fields and goes back; an invalid one keeps its old value, with a message."""
        for name, label in _LABELS.items():
            if not await self._save_field(name):
                why = self.field(name.replace("_", "-")).finding.text
                self.gale.say(f"Left as it was: {label}. {why}", severity="warning", seconds=8)
        self.dismiss(None)


_LABELS = {
    "download_dir": "the folder",
    "filename_pattern": "the file name",
    "poll_floor": "the poll interval",
}


def _name_of(widget: Widget) -> str:
    return (widget.id or "").replace("-", "_")


def _typed(name: str, text: str) -> object:
    text = text.strip()
    if name == "download_dir":
        return folder_of(text) if text else None
    if name == "poll_floor":
        return float(text.replace(",", "."))
    return text or DEFAULT_PATTERN


def _pattern_finding(text: str) -> Finding:
    try:
        check_setting("filename_pattern", text)
    except ValueError as error:
        return Finding(f"It {error}.", "problem")
    noon = 1_795_521_600.0
    naming = Naming("staging", noon, text.strip(), tool="a-4f19", label="nightly")
    example = f"For example {next(naming.names('Leave Bot'))}"
    if "{time}" not in text:
        return Finding(f"{example}; the next one ends in -2.", "note")
    return Finding(example, "note")


def _floor_finding(text: str) -> Finding:
    try:
        check_setting("poll_floor", float(text.replace(",", ".")))
    except ValueError:
        return Finding("It must be a number of seconds from 1 to 60.", "problem")
    return Finding()
