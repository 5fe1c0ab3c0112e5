"""All faults."""

from __future__ import annotations

from tests.faults import on_disk, on_download, on_export, on_polling, on_screen, on_text

__all__ = ["CATALOGUE"]

CATALOGUE = (
    *on_export.FAULTS,
    *on_polling.FAULTS,
    *on_download.FAULTS,
    *on_disk.FAULTS,
    *on_text.FAULTS,
    *on_screen.FAULTS,
)
