"""The environment form."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from gale_tui.core.config.environments import Config, check_ca_file, check_environment_name, check_proxy
from gale_tui.core.errors import ConfigError, CredentialError, GaleError
from gale_tui.core.identifiers import clean_key, parse_host
from gale_tui.core.models import Environment, Origin
from gale_tui.core.secret import Secret
from gale_tui.core.untrusted_text import inert
from gale_tui.tui.actions import Place
from gale_tui.tui.screens.base import form_css
from gale_tui.tui.screens.dialogs import ConfirmDialog, session_checkbox
from gale_tui.tui.screens.form import FormScreen
from gale_tui.tui.terminal.checkbox import FormCheckbox
from gale_tui.tui.widgets.forms.checks import Finding, check_with, command_of, host_note, key_note
from gale_tui.tui.widgets.forms.fields import FormBody, FormButton, TextField
from gale_tui.tui.widgets.forms.pasted import EnvironmentOffer

_NEEDS_KEY = "Paste the key; it begins with kg-."
_LEVELS = {"accepted": "success", "refused": "problem", "inconclusive": "warning"}


class EnvironmentForm(FormScreen[Environment]):
    """Adds or edits an environment. Dismissed with it once it is saved."""

    CSS_PATH = form_css("environment_form.tcss")
    PLACE = Place.ENVIRONMENT_FORM

    def __init__(self, environment: Environment | None = None, *, offer: EnvironmentOffer | None = None) -> None:
        super().__init__()
        self._previous = environment
        self._offer = offer
        self._has_key = False
        self._key_hint = "It is sent to this host only, and never shown."

    # Layout

    def compose(self) -> ComposeResult:
        previous, offer = self._previous, self._offer
        host = previous.origin if previous is not None else offer.origin if offer is not None else None
        with Vertical(id="panel") as panel:
            panel.border_title = Content(f"Environment {previous.name}" if previous is not None else "New environment")
            with FormBody(id="fields"):
                yield TextField(
                    "Name",
                    "name",
                    value=previous.name if previous is not None else self._suggested_name(),
                    placeholder="staging",
                    hint="What to call it here.",
                    check=check_with(self._clean_name, self._production_hint),
                    required="Enter a name, for example staging.",
                )
                yield TextField(
                    "Host",
                    "host",
                    value=host.display if host is not None else "",
                    placeholder="agent-platform.kore.ai",
                    hint="The address of the console, as in the browser.",
                    check=check_with(parse_host, host_note),
                    required="Enter the host, for example agent-platform.kore.ai.",
                )
                production = previous is not None and previous.production
                yield FormCheckbox("Production: confirm every export", production, id="production")
                yield TextField(
                    "API key",
                    "api-key",
                    hint=self._key_hint,
                    check=check_with(clean_key, key_note),
                    required=_NEEDS_KEY,
                    secret=True,
                )
                with Horizontal(id="buttons"):
                    yield FormButton("Save", "save", "primary")
                    yield FormButton("Test the key", "test")
                    yield FormButton("Cancel", "cancel")
                yield Static(id="said", markup=False)
                yield session_checkbox()
                yield Static(id="keyring", classes="line", markup=False)
                yield from self._connection_fields()
        yield self.key_bar()

    def _connection_fields(self) -> Iterator[TextField]:
        """Fields that few environments need: CA file, proxy, and a program that prints the key."""
        previous = self._previous
        yield TextField(
            "CA file",
            "ca-file",
            value=str(previous.ca_file) if previous is not None and previous.ca_file is not None else "",
            placeholder="/etc/ssl/company-ca.pem",
            hint="Only where your company signs its own certificates.",
            check=check_with(check_ca_file),
            slow=True,
        )
        yield TextField(
            "Proxy",
            "proxy",
            value=(previous.proxy or "") if previous is not None else "",
            placeholder="http://proxy.example.com:8080",
            hint="Else HTTPS_PROXY and NO_PROXY count. Never with a password.",
            check=check_with(check_proxy),
        )
        yield TextField(
            "Key command",
            "key-command",
            value=shlex.join(previous.key_command) if previous is not None and previous.key_command else "",
            placeholder="pass show gale/staging",
            hint="Instead of a key: the program that prints it.",
            check=check_with(command_of),
            tidy=str.strip,
        )

    @property
    def focus_chain(self) -> list[Widget]:
        """Name, host, key and Save follow each other; Production, which stands beside the host, comes later."""
        chain = super().focus_chain
        rank = {"production": 1, "session-only": 2, "ca-file": 2, "proxy": 2, "key-command": 2}
        return sorted(chain, key=lambda widget: rank.get(widget.id or "", 0))

    def on_mount(self) -> None:
        self.say("")
        self.field("name").input.focus()
        self.query_one("#keyring").display = False
        self._fill_offered_key()
        self._at_first = self._typed_so_far()
        self._look = self.run_worker(self._look_for_key(), group="look")

    async def _look_for_key(self) -> None:
        previous = self._previous
        if previous is not None:
            status = await self.engine.credentials.key_status(previous)
            self._has_key = status.place in ("keyring", "session")
            self.query_one("#session-only", FormCheckbox).value = status.place == "session"
            if self._has_key:
                self._key_hint = f"{status.hint} is kept ({status.place}); leave empty to keep it.".lstrip()
            self._host_changed()
        state = await self.engine.credentials.keyring_state()
        if not state.available:
            self.query_one("#session-only", FormCheckbox).value = True
            line = self.query_one("#keyring", Static)
            line.update(f"! {state.explanation}")
            line.display = True

    # Its parts

    def _origin(self) -> Origin | None:
        try:
            return parse_host(self.field("host").value)
        except ConfigError:
            return None

    def _clean_name(self, text: str) -> str:
        own = self._previous.id if self._previous is not None else None
        return check_environment_name(text, {each.name: each.id for each in self.engine.environments}, own)

    def _production_hint(self, text: str) -> Finding:
        missing = "prod" in text.casefold() and not self.query_one("#production", FormCheckbox).value
        return Finding("Production? Then switch that on." if missing else "", "note")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.say("")
        if event.input.id == "host":
            self._fill_offered_key()
        if event.input.id in ("host", "key-command"):
            self._host_changed()

    @on(FormCheckbox.Changed, "#production")
    def _production_changed(self) -> None:
        self.field("name").recheck()

    def _host_changed(self) -> None:
        """Requires the key again if the host has changed: a key belongs to an origin."""
        field, previous, origin = self.field("api-key"), self._previous, self._origin()
        moved = ""
        if previous is not None and origin is not None and origin != previous.origin:
            moved = f"The key belongs to {previous.origin.display}; paste the key for {origin.display}."
        needed = not self.field("key-command").value.strip() and bool(moved or not self._has_key)
        field.required = moved or (_NEEDS_KEY if needed else "")
        field.hint = moved or self._key_hint
        field.say(field.finding if needed or field.value else Finding())
        field.set_class(bool(moved), "-warning")

    # Pasted requests

    def _suggested_name(self) -> str:
        for name in self._offer.names() if self._offer is not None else ():
            with contextlib.suppress(ConfigError):
                return self._clean_name(name)
        return ""

    def _fill_offered_key(self) -> None:
        """Fills in the key of a paste while the host is its own; else removes it."""
        offer = self._offer
        if offer is None or offer.key is None:
            return
        field = self.field("api-key")
        if self._origin() == offer.origin:
            if not field.value:
                field.fill(offer.key.reveal())
                field.say(Finding("From the paste; save to keep it.", "note"))
        elif field.value == offer.key.reveal():
            field.fill("")
            field.say(Finding(f"The pasted key belongs to {inert(offer.origin.display, 80)} alone.", "warning"))

    # Saving and testing

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        fields = [self.field(each) for each in ("name", "host", "api-key")]
        empty = [field for field in fields if field.required and not field.value.strip()]
        following = [field for field in empty if field.input is not event.input]
        if following:
            following[0].input.focus()
        else:
            self.action_save()

    @on(Button.Pressed, "#save")
    def action_save(self) -> None:
        self._start("Saving …", test=False)

    @on(Button.Pressed, "#test")
    def action_test(self) -> None:
        """Tries host and key as they are typed; saves nothing."""
        self._start("testing …", test=True)

    def _start(self, words: str, *, test: bool) -> None:
        if not self.waiting:
            self.waiting = True
            self.say(words, "busy")
            self.run_worker(self._run(test), group="save")

    async def _run(self, test: bool) -> None:
        focus: Widget = self.query_one("#test" if test else "#save")
        wrong = [field for field in self.query(TextField) if not await field.validate_fully()]
        try:
            if wrong:
                self.say("")
                focus = wrong[0].input
            elif test:
                result = await self.engine.environments.test(self._environment(), self._key())
                self.say(inert(result.explanation, 400), _LEVELS[result.verdict])
            else:
                self.dismiss(await self._save())
                return
        except GaleError as error:
            keyring = not test and isinstance(error, CredentialError)
            below = " Below, “for this session only” keeps it without a keyring." if keyring else ""
            self.say(f"{error}{below}", "problem")
        self.waiting = False
        self.call_after_refresh(focus.focus)

    def _environment(self) -> Environment:
        previous = self._previous
        name = self._clean_name(self.field("name").value)
        command = self.field("key-command").value.strip()
        return Environment(
            id=previous.id if previous is not None else Config(self.engine.environments.all).fresh_id(name),
            name=name,
            origin=parse_host(self.field("host").value),
            production=self.query_one("#production", FormCheckbox).value,
            ca_file=check_ca_file(self.field("ca-file").value),
            proxy=check_proxy(self.field("proxy").value),
            key_command=command_of(command) if command else None,
        )

    def _key(self) -> Secret | None:
        text = self.field("api-key").value
        key = clean_key(text) if text.strip() else None
        offer = self._offer
        if offer is not None and key == offer.key and key is not None and self._origin() != offer.origin:
            raise ConfigError(f"The pasted key belongs to {offer.origin.display} alone", "Paste that of this host")
        return key

    async def _save(self) -> Environment:
        if self._look.is_running:
            # Where a key can be kept is not known yet, and the answer may preset the switch below.
            await self._look.wait()
        session_only = self.query_one("#session-only", FormCheckbox).value
        environment = self._environment()
        await self.engine.environments.save(
            environment, previous=self._previous, key=self._key(), session_only=session_only
        )
        return environment

    def _typed_so_far(self) -> tuple[object, ...]:
        texts = tuple(Secret(field.value) for field in self.query(TextField))
        return (*texts, self.query_one("#production", FormCheckbox).value)

    @on(Button.Pressed, "#cancel")
    def action_back(self) -> None:
        """Closes without saving; asks if something was typed."""

        def answered(leave: bool | None) -> None:
            if leave:
                self.dismiss(None)

        if self._typed_so_far() == self._at_first:
            self.dismiss(None)
        elif self.is_active:
            dialog = ConfirmDialog("Not saved", "What was typed here is lost.", confirm="Leave")
            self.app.push_screen(dialog, answered)
