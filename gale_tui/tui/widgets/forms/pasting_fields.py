"""The fields of the export form, filled from a paste."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from textual.message import Message
from textual.widgets import Select

from gale_tui.core.batch.reader import Paste, is_slow_to_read, read_paste, read_paste_file
from gale_tui.core.errors import ConfigError
from gale_tui.core.models import Environment, Job, Origin
from gale_tui.core.threads import DaemonThreads
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.widgets.forms.checks import tidy_id
from gale_tui.tui.widgets.forms.export_fields import ExportFields
from gale_tui.tui.widgets.forms.fields import FieldInput
from gale_tui.tui.widgets.forms.pasted import EnvironmentOffer, filled_note, no_export_note, origin_in, paste_notes

if TYPE_CHECKING:
    from gale_tui.core.batch.tools import Batch
    from gale_tui.core.jobs.engine import GaleEngine


class PastingFields(ExportFields):
    """Fills itself from a captured request: URL, curl, fetch, HAR, two ids. Nothing else of it is kept, except that a
    key in it can be asked for, as long as the form is open.

    What takes long is read on a thread while the form can be used; an `enter` meanwhile counts once it is read.
    """

    @dataclass
    class BatchPasted(Message):
        """A paste holds several exports; nothing was filled in."""

        batch: Batch

    def __init__(self, engine: GaleEngine, again: Job | None, key_text: str, follow_paste: bool = True) -> None:
        """Makes the fields.

        Args:
            key_text: The key that opens the environment of a paste, as people write it.
            follow_paste: Whether a paste may choose the environment; False if the command line has.
        """
        super().__init__(engine, again)
        self.offer: EnvironmentOffer | None = None
        """The environment of the last paste, to be added or given its key."""
        self._key_text = key_text
        self._follow_paste = follow_paste
        self._reading = False
        self._enter_waits = False
        self._doubtful = False
        """The last paste needs a look before it is sent."""

    def on_mount(self) -> None:
        for field in (self.tool, self.flow):
            field.input.read_more = partial(self.read, field=field.input)

    def on_unmount(self) -> None:
        self.offer = None

    # Reading

    def read(self, text: str, field: FieldInput) -> bool:
        """Takes a paste, a long one on a thread; returns False if it is a plain value."""
        if not is_slow_to_read(text):
            return self.take(read_paste(text))
        self._read_later("what was pasted", partial(read_paste, text), partial(field.insert_line, text))
        return True

    def read_file(self, path: Path) -> None:
        """Reads a file on a thread and takes it."""
        self._read_later(inert(path.name, 60), partial(read_paste_file, path), lambda: None)

    def _read_later(self, what: str, read: Callable[[], Paste], otherwise: Callable[[], None]) -> None:
        self._reading, self._enter_waits = True, False
        self.close_list()
        self.post_message(self.StatusChanged(f"Reading {what} …", "busy"))
        self.run_worker(self._read(read, otherwise), group="paste", exclusive=True)

    async def _read(self, read: Callable[[], Paste], otherwise: Callable[[], None]) -> None:
        """Takes a paste once it is read, and an `enter` pressed meanwhile.

        Args:
            otherwise: Called if it holds no request.
        """
        try:
            paste = await DaemonThreads("paste", keep=0).call(read)
        except ConfigError as error:
            self._reading = False
            self.post_message(self.StatusChanged(str(error), "problem"))
            return
        enter, self._reading, self._enter_waits = self._enter_waits, False, False
        self.post_message(self.StatusChanged(""))
        if not self.take(paste):
            otherwise()
        elif enter and not self._doubtful and self.first_missing() is None:
            self.post_message(self.Completed())

    def defer_enter(self) -> bool:
        """Returns True while a paste is read; `enter` counts afterwards."""
        self._enter_waits = self._reading
        return self._reading

    # Taking

    def take(self, paste: Paste) -> bool:
        """Fills in the paste, with a message; returns False if it holds no request."""
        captured = paste.captured
        self._doubtful = True
        if paste.batch is not None:
            self.post_message(self.BatchPasted(paste.batch))
            return True
        tools = captured.understood
        if not tools:
            said = no_export_note(captured)
            if said:
                self.post_message(self.StatusChanged(said, "warning"))
            return bool(said)
        request = tools[0]
        tool_id = tidy_id(request.tool_id or "")
        kind = request.kind
        flow_id = tidy_id(request.flow_id) if request.flow_id else None
        replaced = self._replaced(tool_id, flow_id)
        self._take_label(tool_id, paste.label)
        self.fill(tool_id, flow_id, kind)
        origin = origin_in(request.host)
        moved, elsewhere = self._follow(origin)
        self.offer = self._offer(paste, origin)
        flow_missing = kind.needs_flow and flow_id is None
        if flow_missing:
            self.flow.input.focus()
        if elsewhere and self.offer is not None and self.offer.environment is None:
            key = ", with the API key in it" if self.offer.key is not None else ""
            elsewhere = f"{elsewhere[:-1]}: {self._key_text} adds it{key}."
        more = len(tools) - 1
        others = f"{more} more export{'s were' if more > 1 else ' was'} in it; this is the first." if more else ""
        words = [filled_note(paste.source, kind, flow_id is not None, replaced), moved, elsewhere, others]
        words += paste_notes(captured, self.offer, self._key_text)
        self._doubtful = bool(elsewhere) or flow_missing
        self.post_message(self.StatusChanged(" ".join(filter(None, words)), "warning" if self._doubtful else "hint"))
        return True

    def _replaced(self, tool_id: str, flow_id: str | None) -> list[str]:
        pairs = [(self.tool.value.strip(), tool_id), (self.flow.value.strip(), flow_id)]
        return [before for before, now in pairs if before and now and before != now]

    def _take_label(self, tool_id: str, label: str) -> None:
        """Replaces the label that came with another tool; a typed one stays."""
        field = self.field("label")
        own = field.value.strip() and field.value != self.known_label
        if not own and (label or tool_id != tidy_id(self.tool.value)):
            self.known_label = label
            field.fill(label)

    # Environments

    def _follow(self, origin: Origin | None) -> tuple[str, str]:
        """Chooses the environment that a request was sent to.

        Returns:
            A sentence where another one is chosen now, and one where the request was sent elsewhere.
        """
        chosen = self.environment
        if origin is None or (chosen is not None and chosen.origin == origin):
            return "", ""
        sent = f"It was sent to {inert(origin.display, 80)}"
        known = next((each for each in self.engine.environments if each.origin == origin), None)
        if not self._follow_paste and chosen is not None:
            return "", f"{sent}; {inert(chosen.name, 60)} stays chosen (--env)."
        self.choose(known)
        if known is None:
            return "", f"{sent}, which has no environment here."
        return f"The environment is {inert(known.name, 60)} now, where it was sent.", ""

    def _offer(self, paste: Paste, origin: Origin | None) -> EnvironmentOffer | None:
        """The environment of a paste, to be added or given its key; None in the demo."""
        if origin is None or self.engine.demo:
            return None
        found = paste.captured.key
        key = found.secret if found is not None and found.origin == origin else None
        known = [each for each in self.engine.environments if each.origin == origin]
        if not known:
            return EnvironmentOffer(origin, None, key)
        editable = [each for each in known if each.source == "config"]
        environment = self.environment if self.environment in editable else next(iter(editable), None)
        if environment is None or key is None or self.engine.credentials.cached(environment) == key:
            return None
        return EnvironmentOffer(origin, environment, key)

    def use(self, environment: Environment, said: str) -> None:
        """Chooses an environment that was just saved."""
        self.offer = None
        select = self.query_one("#environment", Select)
        with select.prevent(Select.Changed):
            select.set_options([(Text(each.name), each.id) for each in self.engine.environments])
        self.choose(environment)
        self.post_message(self.StatusChanged(said))
        empty = [field for field in self._ids if not field.value.strip()]
        (empty or self._ids[-1:])[0].input.focus()
