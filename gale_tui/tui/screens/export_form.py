"""The export form: one press is one request; the fields stay until GALE accepts it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from gale_tui.core.batch.reader import Paste
from gale_tui.core.errors import (
    AuthenticationError,
    BadRequestError,
    ConflictError,
    CredentialError,
    ForbiddenError,
    GaleError,
    NotFoundError,
)
from gale_tui.core.jobs.reasons import clock_time
from gale_tui.core.models import Environment, ExportRequest, Job
from gale_tui.tui.actions import Place
from gale_tui.tui.screens.base import form_css
from gale_tui.tui.screens.dialogs import KeyDialog, badge, confirm_production
from gale_tui.tui.screens.export_draft import DraftAutosave
from gale_tui.tui.screens.form import FormScreen
from gale_tui.tui.widgets.forms.checks import Finding
from gale_tui.tui.widgets.forms.export_fields import ExportFields
from gale_tui.tui.widgets.forms.fields import FieldInput, FormButton
from gale_tui.tui.widgets.forms.pasting_fields import PastingFields


class ExportForm(FormScreen[Job]):
    """Asks what to export and starts it. Dismissed with the job; with None if the user went back.

    The form accepts no input while the request is under way. Going back does not stop it: the job appears in the table,
    or a notification says why there is none.
    """

    CSS_PATH = form_css("export_form.tcss")
    PLACE = Place.FORM
    KEYS_WAIT_FOR = frozenset({"submit"})

    def __init__(self, again: Job | None = None, pasted: Paste | str | Path = "", *, follow_paste: bool = True) -> None:
        """Makes the form.

        Args:
            again: The job that is exported again: its ids, label and folder are filled in.
            follow_paste: Whether a paste may choose the environment; False if the command line has.
        """
        super().__init__()
        self._again = again
        self._pasted = pasted
        self._follow_paste = follow_paste

    def compose(self) -> ComposeResult:
        with Vertical(id="panel"):
            yield PastingFields(self.engine, self._again, self.key("form_environment"), self._follow_paste)
            with Vertical(id="foot"):
                yield Static(id="said", markup=False)
                with Horizontal(id="buttons"):
                    yield FormButton("Export", "submit", "primary")
                    yield FormButton("Enter the key …", "give-key")
                    yield FormButton("", "open-environment")
                    yield FormButton("Cancel", "cancel")
        yield self.key_bar()

    def on_mount(self) -> None:
        fields, pasted, self._pasted = self.fields, self._pasted, ""
        self._draft = DraftAutosave(fields)
        self._show_offer()
        self.run_worker(self._offer_draft(offered=self._again is None and not pasted), group="draft")
        if isinstance(pasted, Paste):
            fields.take(pasted)
        elif isinstance(pasted, Path):
            fields.read_file(pasted)
        elif pasted:
            fields.tool.input.take_paste(pasted)

    @property
    def fields(self) -> PastingFields:
        return self.query_one("#fields", PastingFields)

    async def _offer_draft(self, *, offered: bool) -> None:
        before = await self._draft.find()
        if before is not None and offered and self._draft.untouched:
            key = self.key("form_draft")
            self.say(f"Draft not exported: {before.title} ({clock_time(before.at)}). {key} fills it in.")

    def action_take_draft(self) -> None:
        before = self._draft.before
        if before is None:
            self.say("No draft to restore.")
        elif not self.waiting:
            self._draft.exchange(before)
            self.say(f"This is what was typed at {clock_time(before.at)}. {self.key('form_draft')} takes it back.")

    def _offer_key(self, offered: bool) -> None:
        self.query_one("#give-key").display = offered

    # Messages of the fields

    @on(ExportFields.EnvironmentChanged)
    def _environment_changed(self) -> None:
        environment = self.fields.environment
        panel = self.query_one("#panel", Vertical)
        panel.border_title = Content.assemble("New export · ", badge(environment)) if environment else "New export"
        panel.set_class(environment is not None and environment.production, "-production")
        self._offer_key(False)
        if environment is not None:
            self.say("")
        elif self._again is not None:
            self.say("The environment of this job is gone: choose another one.", "warning")
        elif not self.engine.environments:
            self.say(f"No environment yet: go back and press {self.key('environments')} to add one.", "warning")

    @on(ExportFields.StatusChanged)
    def _status_changed(self, event: ExportFields.StatusChanged) -> None:
        self.say(event.text, event.level)
        self._show_offer()

    def _show_offer(self) -> None:
        offer = self.fields.offer
        button = self.query_one("#open-environment", FormButton)
        button.display = offer is not None
        if offer is not None:
            button.label = Content("Keep its key …" if offer.environment is not None else "Add environment …")
            self._offer_key(False)

    @on(PastingFields.BatchPasted)
    def _batch_pasted(self, event: PastingFields.BatchPasted) -> None:
        """Opens a batch for a list, unless typed text would be lost."""
        event.stop()
        if self.waiting or not self.is_open:
            return
        if self._again is not None or self.fields.tool.value.strip() or self.fields.flow.value.strip():
            self.say("These are several exports: go back with esc and paste them over the jobs.", "warning")
            return
        self.dismiss(None)
        environment = None if self._follow_paste else self.fields.environment
        self.app.call_later(self.gale.batch.open, event.batch, environment)

    # Sending

    @on(Button.Pressed, "#submit")
    @on(ExportFields.Completed)
    def action_submit(self) -> None:
        fields = self.fields
        if self.waiting:
            return
        fields.close_list()
        if fields.defer_enter():
            return
        missing = fields.first_missing()
        if missing is not None:
            missing.focus()
            if not isinstance(missing, FieldInput):
                self.say("Choose an environment.", "warning")
        elif fields.environment is not None:
            self.waiting = True
            self.run_worker(self._submit(fields.environment), group="submit")

    async def _submit(self, environment: Environment) -> None:
        request = await self.fields.request()
        if request is None:
            self.waiting = False
            self.fields.field("folder").input.focus()
            return
        if not await confirm_production(self.app, environment, request.label or request.tool_id):
            self.waiting = False
            self.query_one("#submit").focus()
            return
        self.say("Waiting for GALE …", "busy")
        # The app's worker, not the screen's: going back must not stop a request that is on its way.
        self.app.run_worker(self._send(request), group="export")

    async def _send(self, request: ExportRequest) -> None:
        app, engine = self.app, self.engine
        try:
            job = await engine.jobs.export(request)
        except GaleError as error:
            if self.is_open:
                self._refused(error)
            else:
                title = "Nothing was exported"
                app.notify(str(error), title=title, severity="error", markup=False, timeout=15)
            return
        self._draft.end()
        if request.save_when_ready != engine.settings.save_when_ready:
            with contextlib.suppress(GaleError):
                engine.save_settings(save_when_ready=request.save_when_ready)
        self.dismiss(job)

    def _refused(self, error: GaleError) -> None:
        self.waiting = False
        self.say(str(error), "problem")
        environment = self.fields.environment
        wants_key = isinstance(error, AuthenticationError | CredentialError)
        self._offer_key(wants_key and environment is not None and environment.source == "config")
        if self.is_active:
            self.call_after_refresh(self._concerned(error).focus)

    def _concerned(self, error: GaleError) -> Widget:
        """The widget that an error is about; a field is marked."""
        fields = self.fields
        give_key = self.query_one("#give-key")
        if give_key.display:
            return give_key
        if isinstance(error, ForbiddenError) or (isinstance(error, NotFoundError) and not error.from_gale):
            return fields.query_one("#environment")
        if isinstance(error, NotFoundError | BadRequestError | ConflictError):
            field = fields.flow if "flow" in error.detail.casefold() else fields.tool
            field.say(Finding("GALE refused this, see below.", "problem"))
            return field.input
        return self.query_one("#submit")

    @on(Button.Pressed, "#give-key")
    def _ask_for_key(self) -> None:
        environment = self.fields.environment
        if environment is None:
            return

        def key_saved(saved: bool | None) -> None:
            if saved:
                self._offer_key(False)
                self.say("The key is kept. Export again.")
                self.query_one("#submit").focus()
                self.fields.show_key(environment)
                self.gale.environments_changed()

        self.app.push_screen(KeyDialog(environment), key_saved)

    @on(Button.Pressed, "#open-environment")
    def action_open_environment(self) -> None:
        offer = self.fields.offer
        if self.waiting:
            return
        if offer is None:
            self.say("This is for a pasted request that was sent elsewhere, or that has a key to be kept in it.")
            return
        from gale_tui.tui.screens.environments.environment_form import EnvironmentForm

        def saved(environment: Environment | None) -> None:
            if environment is not None:
                self.fields.use(environment, f"{environment.name} is saved. Press enter to continue.")
                self.gale.environments_changed()

        self.app.push_screen(EnvironmentForm(offer.environment, offer=offer), saved)

    @on(Button.Pressed, "#cancel")
    def action_back(self) -> None:
        """Closes the list of tools if it is open, else the form; a form just opened at once."""
        if self.fields.close_list() and not self._draft.untouched:
            return
        self._draft.flush()
        self.dismiss(None)
