"""Links that say from when and until when they are valid; keys and signatures that are removed from texts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gale_tui.core.secret import HIDDEN, Secret, SignedUrl, register_secret, without_keys, without_secrets

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("query", "expires_at", "valid_from"),
    [
        (f"e={NOON:.0f}", NOON, None),
        (f"Expires={NOON:.0f}&Signature=x", NOON, None),
        ("X-Amz-Date=20261123T110000Z&X-Amz-Expires=3600", NOON, NOON - 3600),
        ("X-Goog-Date=20261123T110000Z&X-Goog-Expires=3600", NOON, NOON - 3600),
        ("st=2026-11-23T11%3A00%3A00Z&se=2026-11-23T12%3A00%3A00Z", NOON, NOON - 3600),
        ("e=soon&se=later&st=&X-Amz-Date=1", None, None),
        ("e=123", None, None),
        ("", None, None),
    ],
)
def test_dates(query: str, expires_at: float | None, valid_from: float | None) -> None:
    link = SignedUrl(f"https://files.example/f.zip?{query}")
    assert link.expires_at == expires_at
    assert link.valid_from == valid_from


def test_each_further_key_and_link_is_removed_too() -> None:
    text = "one rosemary-and-thyme, two parsley-and-sage, three 4f1c9e7a2b"
    register_secret(Secret("rosemary-and-thyme"))
    assert without_secrets(text) == f"one {HIDDEN}, two parsley-and-sage, three 4f1c9e7a2b"
    register_secret(SignedUrl("https://files.example/f.zip?signature=4f1c9e7a2b"))
    assert without_secrets(text) == f"one {HIDDEN}, two parsley-and-sage, three {HIDDEN}"
    assert without_keys(text) == f"one {HIDDEN}, two parsley-and-sage, three 4f1c9e7a2b"
    register_secret(Secret("parsley-and-sage"))
    assert without_secrets(text) == f"one {HIDDEN}, two {HIDDEN}, three {HIDDEN}"
    assert without_keys(text) == f"one {HIDDEN}, two {HIDDEN}, three 4f1c9e7a2b"
