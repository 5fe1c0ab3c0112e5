"""Saves drafts of the export form in the history, and restores them."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from textual.widgets import Select

from gale_tui.core.errors import GaleError
from gale_tui.core.history.drafts import ExportDraft
from gale_tui.tui.widgets.forms.export_fields import ExportFields

PAUSE = 0.8
"""Seconds without a change before a draft is written."""


class DraftAutosave:
    """Writes the form's fields shortly after typing stops, and only where they are other than before.

    Args:
        fields: Mounted, as they are at first.
    """

    def __init__(self, fields: ExportFields) -> None:
        self._fields = fields
        self._drafts = fields.engine.drafts
        self._timer = fields.set_timer(PAUSE, self.flush)
        self._first = self._kept = self.typed
        self._written = self._ended = False
        self.before: ExportDraft | None = None
        """The draft of an earlier form that was not sent."""
        for field in fields.query("Input, #environment"):
            fields.watch(field, "value", self._changed, init=False)

    @property
    def typed(self) -> ExportDraft:
        fields = self._fields
        environment = fields.environment.id if fields.environment is not None else ""
        values = (fields.tool.value, fields.flow.value, fields.field("label").value, fields.field("folder").value)
        tool_id, flow_id, label, folder = (value.strip() for value in values)
        return ExportDraft(tool_id, flow_id, label, folder, environment, kind=fields.kind)

    @property
    def untouched(self) -> bool:
        """Returns True if the fields are as they were at first."""
        return self.typed == self._first

    async def find(self) -> ExportDraft | None:
        """Finds an earlier draft; None if there is none, or it cannot be read."""
        with contextlib.suppress(GaleError):
            self.before = await self._drafts.find()
        return self.before

    def exchange(self, draft: ExportDraft) -> None:
        """Swaps the draft and the contents of the fields.

        An environment that is gone and an empty folder leave what is there.
        """
        self.before = replace(self.typed, at=self._fields.engine.clock.time())
        fields = self._fields
        fields.fill(draft.tool_id, draft.flow_id, draft.kind)
        fields.field("label").fill(draft.label)
        if draft.folder:
            fields.field("folder").fill(draft.folder)
        if fields.engine.environments.find(draft.environment_id) is not None:
            fields.query_one("#environment", Select).value = draft.environment_id

    def _changed(self) -> None:
        self._timer.stop()
        self._timer = self._fields.set_timer(PAUSE, self.flush)

    def flush(self) -> None:
        typed = self.typed
        if self._ended or typed == self._kept:
            return
        self._kept = typed
        if not (typed.empty or typed == self._first):
            self._written = True
            self._run(replace(typed, at=self._fields.engine.clock.time()))
        elif self._written:
            self._written = False
            self._run(None)

    def end(self) -> None:
        """Clears the draft: the form was sent."""
        self._ended = True
        self._run(None)

    def _run(self, draft: ExportDraft | None) -> None:
        # The app's worker: leaving the form must not leave half of it behind.
        self._fields.app.run_worker(self._write(draft), name="draft")

    async def _write(self, draft: ExportDraft | None) -> None:
        # The form keeps its fields; a full disk is reported when a job is written.
        with contextlib.suppress(GaleError):
            await (self._drafts.clear() if draft is None else self._drafts.save(draft))
