"""A burst of keys is a paste where it looks like one; held keys and quick hands stay keys."""

from __future__ import annotations

import pytest

from gale_tui.tui.terminal.paste_detection import is_unfinished, looks_pasted


@pytest.mark.parametrize(
    "burst",
    [
        "ssss",
        "    ",
        "jjjjjjjjjjjjjjjjjjjjjjjj",
        "jjj\n",
        "jkjkjkjkjkjkjkjkjkjk",
        "Gggg",
        "n\nxy",
        "dRp",
        "=AAA",
        "cnalpha\tgale",
    ],
)
def test_keys(burst: str) -> None:
    assert not looks_pasted(burst)


@pytest.mark.parametrize(
    "burst",
    [
        "a-11111111-2222-4333-8444-555555555555",
        "ds-1111aaaa",
        "https://gale.kore.ai",
        "abc,def",
        "abc\tdef\nghi\tjkl\n",
        "curl -X POST \\\n",
        "fetch(",
        "Leave Bot of the north",
    ],
)
def test_pastes(burst: str) -> None:
    assert looks_pasted(burst)


@pytest.mark.parametrize("text", ["curl 'https://x", "curl https://x \\", "fetch('x', {", "curl x ^", "Invoke `"])
def test_what_cannot_end_here(text: str) -> None:
    assert is_unfinished(text)
