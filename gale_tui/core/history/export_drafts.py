"""What was typed in the export form and not sent yet, so that it survives the end of the program."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from gale_tui.core.errors import StoreError
from gale_tui.core.untrusted_text import inert, redact_links

__all__ = ["ExportDraft"]

_SECRET: Final = re.compile(r"kg-|\beyJ|\b(?:cookie|authorization|bearer|x-api-key)\b|token\s*[=:]", re.IGNORECASE)
"""Keys and tokens, and what stands before them in a copied request of which a piece was typed into a field."""
LONGEST = 1000
"""Characters of a field that are kept; a longer text is none of the form's own."""


@dataclass(frozen=True, slots=True)
class ExportDraft:
    """The form's fields as they were typed. What looks like a key or has a link in it is never among them."""

    tool_id: str = ""
    flow_id: str = ""
    label: str = ""
    folder: str = ""
    environment_id: str = ""
    at: float = 0.0
    """When it was kept, in seconds since the epoch."""

    @property
    def empty(self) -> bool:
        """True where nothing was typed that would have to be typed again."""
        return not (self.tool_id or self.flow_id or self.label)

    @property
    def title(self) -> str:
        """What to call it, made inert."""
        return inert(self.label or self.tool_id or self.flow_id, 60)

    def without_secrets(self) -> ExportDraft:
        """The draft as it may be kept: fields that may hold a secret are left out."""
        fields = (self.tool_id, self.flow_id, self.label, self.folder)
        tool_id, flow_id, label, folder = (text if _may_be_kept(text) else "" for text in fields)
        return ExportDraft(tool_id, flow_id, label, folder, self.environment_id, self.at)

    def text(self) -> str:
        """As the history keeps it."""
        return json.dumps([self.tool_id, self.flow_id, self.label, self.folder, self.environment_id])

    @classmethod
    def of(cls, text: str, at: float) -> ExportDraft:
        """The draft that was kept.

        Raises:
            StoreError: It is not what `text` makes.
        """
        try:
            fields: Any = json.loads(text)
            tool_id, flow_id, label, folder, environment_id = (str(each) for each in fields)
        except (ValueError, TypeError, RecursionError) as error:
            raise StoreError("What was typed before cannot be read") from error
        return cls(tool_id, flow_id, label, folder, environment_id, at)


def _may_be_kept(text: str) -> bool:
    return len(text) <= LONGEST and redact_links(text) == text and _SECRET.search(text) is None
