"""A part is in the history before it is on disk."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gale_tui.core.errors import StoreError
from gale_tui.core.jobs import file_transfer
from gale_tui.core.jobs.file_transfer import FileTransfer


async def test_the_history_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*change: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(file_transfer, "RECORDED_WITHIN", 0.01)
    context: Any = SimpleNamespace(registry=SimpleNamespace(change=never))
    transfer = FileTransfer("1", context)
    with pytest.raises(StoreError, match="in time"):
        await asyncio.to_thread(transfer._record_part, asyncio.get_running_loop(), Path("x.part"), None, None)
